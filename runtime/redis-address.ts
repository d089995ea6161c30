/** One node of a cluster, or one sentinel. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

interface Credentials {
  readonly username: string | null;
  readonly password: string | null;
}

/** What REDIS_URL says. */
export type RedisAddress =
  | { readonly kind: "server"; readonly url: string }
  | (Credentials & { readonly kind: "socket"; readonly path: string; readonly db: number })
  | (Credentials & { readonly kind: "cluster"; readonly tls: boolean; readonly nodes: readonly RedisNode[] })
  | (Credentials & {
      readonly kind: "sentinel";
      readonly tls: boolean;
      readonly sentinels: readonly RedisNode[];
      /** What the sentinels call the primary. */
      readonly name: string;
      readonly db: number;
      /** The sentinels' own, where they want some: `?sentinelUsername=…&sentinelPassword=…`. */
      readonly sentinelUsername: string | null;
      readonly sentinelPassword: string | null;
    });

const SEVERAL =
  /^(?<scheme>rediss?)\+(?<kind>cluster|sentinel):\/\/(?:(?<user>[^@/?]*)@)?(?<hosts>[^@/?]+)(?:\/(?<path>[^?]*))?(?:\?(?<query>.*))?$/;
const HOST = /^(?<host>\[[0-9a-fA-F:.]+\]|[^:[\]\s]+)(?::(?<port>\d{1,5}))?$/;
const PORT = { cluster: 6379, sentinel: 26379 } as const;

/** The URL is none that we know; the message goes on from a variable's name, and has nothing secret in it. */
export class RedisAddressMalformed extends Error {
  override name = "RedisAddressMalformed";
}

/**
 * Reads `redis://`, `rediss://` and `unix:///path/of/socket?db=N` (one server), `redis+cluster://host:port,host:port` (some
 * nodes of a cluster), and `redis+sentinel://host:port,host:port/name?db=N` (a primary that sentinels know). The latter two
 * speak TLS with `rediss+`. Credentials stand before the first host, as in any URL.
 *
 * @throws RedisAddressMalformed
 */
export function readRedisAddress(text: string): RedisAddress {
  if (/^rediss?:\/\//.test(text)) return { kind: "server", url: text };
  if (text.startsWith("unix:")) return readSocket(text);
  const parts = SEVERAL.exec(text)?.groups;
  if (!parts)
    throw new RedisAddressMalformed(
      "must begin with redis://, rediss://, unix://, redis+cluster:// or redis+sentinel://, and name a host",
    );
  const kind = parts.kind as "cluster" | "sentinel";
  const nodes = (parts.hosts ?? "").split(",").map((host) => readNode(host, PORT[kind]));
  const tls = parts.scheme === "rediss";
  const credentials = readCredentials(parts.user);
  const query = new URLSearchParams(parts.query ?? "");
  const name = decode(parts.path ?? "");
  if (kind === "cluster") {
    if (name !== "" || query.has("db"))
      throw new RedisAddressMalformed("must name no database: a Redis Cluster has one alone");
    return { kind, tls, nodes, ...credentials };
  }
  if (name === "") throw new RedisAddressMalformed("must name the primary that the sentinels know: …/mymaster");
  return {
    ...{ kind, tls, sentinels: nodes, name, db: readDb(query), ...credentials },
    sentinelUsername: query.get("sentinelUsername"),
    sentinelPassword: query.get("sentinelPassword"),
  };
}

function readSocket(text: string): RedisAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new RedisAddressMalformed("must name a socket: unix:///path/of/socket");
  }
  return {
    kind: "socket",
    path: decode(url.pathname),
    db: readDb(url.searchParams),
    username: url.username ? decode(url.username) : null,
    password: url.password ? decode(url.password) : null,
  };
}

function readNode(text: string, usualPort: number): RedisNode {
  const { host, port } = HOST.exec(text.trim())?.groups ?? {};
  const number = port === undefined ? usualPort : Number(port);
  if (host === undefined || number < 1 || number > 65_535)
    throw new RedisAddressMalformed("must name hosts as host:port, separated by commas");
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: number };
}

function readCredentials(text: string | undefined): Credentials {
  if (text === undefined) return { username: null, password: null };
  const colon = text.indexOf(":");
  const username = colon < 0 ? text : text.slice(0, colon);
  return {
    username: username === "" ? null : decode(username),
    password: colon < 0 ? null : decode(text.slice(colon + 1)),
  };
}

function readDb(query: URLSearchParams): number {
  const db = query.get("db") ?? "0";
  if (!/^\d{1,4}$/.test(db)) throw new RedisAddressMalformed("must have a number as ?db=");
  return Number(db);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RedisAddressMalformed("must be percent-encoded where it has a % in it");
  }
}
