import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { postgresUrl, SUPERUSER, startPostgres } from "../../embedded/postgres.ts";
import { findPostgresBinaries } from "../../embedded/postgres-binaries.ts";
import { redisUrl, startRedis } from "../../embedded/redis.ts";
import { postgresUser } from "../../embedded/system-user.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgresSocket: string;
    redisUrl: string;
  }
}

/** The database that every test database is copied from. */
export const TEMPLATE = "gramfleet_template";

/** Speed, not safety: nobody needs a test's rows after a crash of the machine. */
const SETTINGS = { fsync: "off", full_page_writes: "off", max_connections: "300", shared_buffers: "64MB" };

/** One PostgreSQL and one Redis for the whole test run, in a folder of their own that goes with them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), "gramfleet-test-"));
  const releases: (() => Promise<void>)[] = [];
  const teardown = async () => {
    for (const release of releases.splice(0).reverse()) await release();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const user = postgresUser();
    const postgresDir = join(dir, "pg");
    mkdirSync(postgresDir, { mode: 0o700 });
    if (user) {
      chownSync(dir, user.uid, user.gid);
      chownSync(postgresDir, user.uid, user.gid);
    }
    const postgres = await startPostgres({
      binaries: findPostgresBinaries(),
      dataDir: join(postgresDir, "data"),
      socketDir: postgresDir,
      user,
      logFile: join(dir, "postgres.log"),
      settings: SETTINGS,
    });
    releases.push(() => postgres.stop());
    const redisSocket = join(dir, "redis.sock");
    const redis = await startRedis({
      socket: redisSocket,
      logFile: join(dir, "redis.log"),
      path: process.env.PATH ?? "",
    });
    releases.push(() => redis.stop());
    await makeTemplate(postgresDir);
    project.provide("postgresSocket", postgresDir);
    project.provide("redisUrl", redisUrl(redisSocket));
    return teardown;
  } catch (error) {
    await teardown();
    throw error;
  }
}

async function makeTemplate(socketDir: string): Promise<void> {
  const admin = new Client({ connectionString: postgresUrl(socketDir, "postgres", SUPERUSER) });
  await admin.connect();
  await admin.query(`create database ${TEMPLATE} owner gramfleet`);
  await admin.end();
  if (!existsSync(new URL("../../db/migrate.ts", import.meta.url))) return;
  const path = "../../db/migrate.ts";
  const { migrate } = (await import(path)) as { migrate: (url: string) => Promise<unknown> };
  try {
    await migrate(postgresUrl(socketDir, TEMPLATE));
  } catch (error) {
    process.stderr.write(`test databases stay empty: migrating the template failed: ${error}\n`);
  }
}
