import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { migrate } from "../../db/migrate.ts";
import { openDataDir } from "../../embedded/data-dir.ts";
import { holdServices } from "../../embedded/hold.ts";
import { postgresUrl } from "../../embedded/postgres.ts";
import { redisUrl } from "../../embedded/redis.ts";
import { silentLog } from "../../runtime/log.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgresSocket: string;
    /** The database that every test database is copied from. */
    templateDatabase: string;
    redisUrl: string;
    /** Where the program is compiled by the first test that wants it so. */
    buildFolder: string;
  }
}

const TEMPLATE = "gramfleet_template";

/**
 * One PostgreSQL and one Redis for the whole test run, in a data directory that goes with them. Their supervisor stops
 * them when this process ends, however it ends.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const path = mkdtempSync(join(tmpdir(), "gramfleet-test-"));
  // PostgreSQL passes through it as a user of its own when we are root.
  chmodSync(path, 0o711);
  try {
    const held = await holdServices({
      dataDir: openDataDir(path),
      needs: ["postgres", "redis"],
      path: process.env.PATH ?? "",
      log: silentLog,
      volatile: true,
      lingerMs: 0,
    });
    await makeTemplate(held.postgresDir);
    project.provide("postgresSocket", held.postgresDir);
    project.provide("templateDatabase", TEMPLATE);
    project.provide("redisUrl", redisUrl(held.redisSocket));
    const buildFolder = mkdtempSync(join(tmpdir(), "gramfleet-build-"));
    project.provide("buildFolder", buildFolder);
    return async () => {
      rmSync(buildFolder, { recursive: true, force: true });
      await held.close();
    };
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
}

async function makeTemplate(socketDir: string): Promise<void> {
  const admin = new Client({ connectionString: postgresUrl(socketDir, "postgres") });
  await admin.connect();
  await admin.query(`create database ${TEMPLATE}`);
  await admin.end();
  await migrate(postgresUrl(socketDir, TEMPLATE));
}
