import { Redis } from "ioredis";
import { sql } from "kysely";
import { expect } from "vitest";
import type { Database } from "../../db/database.ts";
import { testRedis } from "./services.ts";

/** A text as it may stand in a dump: as it is, in hexadecimal, and in base64 however it falls on its groups of three. */
export function formsOf(secret: string): [string, string][] {
  const buffer = Buffer.from(secret);
  const base64 = [0, 1, 2].map((skip) =>
    buffer
      .subarray((3 - skip) % 3)
      .toString("base64")
      .replace(/=+$/, "")
      .slice(0, -2),
  );
  return [
    ["text", secret],
    ["JSON", JSON.stringify(secret).slice(1, -1)],
    ["percent", encodeURIComponent(secret)],
    ["hexadecimal", buffer.toString("hex")],
    ...base64.flatMap((text): [string, string][] => [
      ["base64", text],
      ["base64url", text.replaceAll("+", "-").replaceAll("/", "_")],
    ]),
  ];
}

/** Every row of every table. */
export async function databaseText(database: Database): Promise<string> {
  return database.asOwner(async (tx) => {
    const { rows: tables } = await sql<{ name: string }>`
      select c.relname as name from pg_class c
      where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`.execute(
      tx,
    );
    expect(tables.length).toBeGreaterThan(20);
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await sql<{ text: string }>`select t::text as text from ${sql.ref(name)} t`.execute(tx);
      texts.push(...rows.map(({ text }) => text));
    }
    return texts.join("\n");
  });
}

/** Every key of the tests' Redis with what it holds. */
export async function redisText(): Promise<string> {
  const { pathname } = new URL(testRedis().url);
  const redis = new Redis({ path: decodeURIComponent(pathname) });
  try {
    const texts: string[] = [];
    for (const key of await redis.keys("*")) texts.push(key, (await redis.dumpBuffer(key))?.toString("latin1") ?? "");
    return texts.join("\n");
  } finally {
    redis.disconnect();
  }
}
