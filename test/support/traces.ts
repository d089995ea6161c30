import { Redis } from "ioredis";
import { Client } from "pg";

/**
 * Where secrets can be read: "<secret> in <place> as <form>" for each that is found in one of the texts. Bytes are
 * looked for in hexadecimal, as decimal numbers (a Buffer in JSON) and in base64 at each alignment; text as it is too.
 */
export function tracesOf(
  secrets: Readonly<Record<string, Buffer | string>>,
  places: Readonly<Record<string, string>>,
): string[] {
  const found: string[] = [];
  for (const [secret, value] of Object.entries(secrets)) {
    for (const [form, probe] of probesOf(value)) {
      for (const [place, text] of Object.entries(places))
        if (probe.test(text)) found.push(`${secret} in ${place} as ${form}`);
    }
  }
  return found;
}

/** A few bytes tell as much as all of them, and are found in whatever they are cut into. */
const PROBE_BYTES = 30;

function probesOf(value: Buffer | string): [form: string, probe: RegExp][] {
  if (typeof value === "string" && /^\d+$/.test(value)) {
    // A number that stands alone, and is no count of anything.
    return [["text", new RegExp(`(?<!["'](?:pid|port|ms)["']:)(?<![\\w.:+-])${value}(?![\\w.:-])`)]];
  }
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value, "utf8");
  const probes: [string, RegExp][] = typeof value === "string" ? [["text", literal(value.slice(0, 60))]] : [];
  const length = Math.min(PROBE_BYTES, Math.floor((bytes.length - 2) / 3) * 3);
  for (const offset of [0, 1, 2]) {
    const part = bytes.subarray(offset, offset + length);
    probes.push(["base64", literal(part.toString("base64"))], ["base64url", literal(part.toString("base64url"))]);
  }
  const start = bytes.subarray(0, length);
  probes.push(["hexadecimal", literal(start.toString("hex"), "i")], ["numbers", literal([...start].join(","))]);
  return probes;
}

const literal = (text: string, flags = "") => new RegExp(text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&"), flags);

/** Every row of every table as text, bytea in hexadecimal. */
export async function contentOfPostgres(url: string): Promise<string> {
  const client = new Client({ connectionString: url, options: "-c role=gramfleet_owner" });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select quote_ident(table_name) as name from information_schema.tables
      where table_schema = current_schema() and table_type = 'BASE TABLE'`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`select t::text as text from ${name} t`);
      for (const { text } of rows) texts.push(`${name} ${text}`);
    }
    return texts.join("\n");
  } finally {
    await client.end();
  }
}

/** Every key whose name contains `prefix`, with its value, whatever its type. */
export async function contentOfRedis(url: string, prefix: string): Promise<string> {
  const client = new Redis(url);
  try {
    const texts: string[] = [];
    for (const key of await client.keys(`*${prefix}*`))
      texts.push(`${key} ${JSON.stringify(await storedAt(client, key))}`);
    return texts.join("\n");
  } finally {
    client.disconnect();
  }
}

async function storedAt(client: Redis, key: string): Promise<unknown> {
  switch (await client.type(key)) {
    case "string":
      return client.get(key);
    case "hash":
      return client.hgetall(key);
    case "list":
      return client.lrange(key, 0, -1);
    case "set":
      return client.smembers(key);
    case "zset":
      return client.zrange(key, "0", "-1", "WITHSCORES");
    case "stream":
      return client.xrange(key, "-", "+");
    default:
      return null;
  }
}
