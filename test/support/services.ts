import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { inject } from "vitest";
import { APPLICATION_ROLE, postgresUrl, SUPERUSER } from "../../embedded/postgres.ts";

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** Ends its connections and drops it. A run's end drops all of them anyhow. */
  drop(): Promise<void>;
}

/** A database of the test file's own on the run's PostgreSQL, migrated (unless `empty`). */
export async function testDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const socketDir = inject("postgresSocket");
  const name = `test_${randomBytes(6).toString("hex")}`;
  const template = options.empty ? "template0" : inject("templateDatabase");
  await asSuperuser(socketDir, `create database ${name} template ${template} owner ${APPLICATION_ROLE}`);
  return {
    url: postgresUrl(socketDir, name),
    name,
    // The superuser's right, since autovacuum, which may be at work there, counts as the superuser's.
    drop: () => asSuperuser(socketDir, `drop database if exists ${name} with (force)`),
  };
}

/** The run's Redis, and a prefix that no other test file has: BullMQ's `prefix`, and `{prefix}` for other keys. */
export function testRedis(): { readonly url: string; readonly prefix: string } {
  return { url: inject("redisUrl"), prefix: `test-${randomBytes(6).toString("hex")}` };
}

async function asSuperuser(socketDir: string, statement: string): Promise<void> {
  const admin = new Client({ connectionString: postgresUrl(socketDir, "postgres", SUPERUSER) });
  await admin.connect();
  try {
    await admin.query(statement);
  } finally {
    await admin.end();
  }
}
