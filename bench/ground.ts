import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase } from "../db/create-database.ts";
import { migrate } from "../db/migrate.ts";
import { openDataDir } from "../embedded/data-dir.ts";
import { holdServices } from "../embedded/hold.ts";
import { embeddedKeyring } from "../embedded/keyring.ts";
import { postgresUrl } from "../embedded/postgres.ts";
import { redisUrl } from "../embedded/redis.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Log } from "../runtime/log.ts";
import { sleep } from "../runtime/sleep.ts";
import { acquire } from "./acquire.ts";

/** What bench and faults stand on: PostgreSQL and Redis of their own, in a folder that goes with them. */
export interface Ground {
  /** For whatever else is needed on disk. */
  readonly dir: string;
  logFile(name: string): string;
  /** The environment of processes that work with this database, which is made and migrated where it is not there. */
  environment(database: string): Promise<NodeJS.ProcessEnv>;
  readonly log: Log;
}

/** One whose services' CPU can be measured. */
export interface OwnGround extends Ground {
  /** Whose children PostgreSQL and Redis are. */
  readonly supervisorPid: number;
}

/** With what is measured on it. */
export interface MeasuredGround extends OwnGround {
  /** The program and the sides, built as they are shipped: run as source, each function costs more memory and time. */
  readonly dist: string;
}

/**
 * Starts the embedded services as `up` does: PostgreSQL safe against crashes (fsync on), since what is measured is not
 * to lose anything. Never those that are configured: rows empty tables and flush Redis.
 */
export async function openGround(options: {
  readonly env: NodeJS.ProcessEnv;
  /** What the temporary folder is called after. */
  readonly name: string;
  /** PostgreSQL's data are in this folder, and stay there. */
  readonly kept?: string;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
}): Promise<OwnGround> {
  const { env, lifecycle, log, kept } = options;
  const path = mkdtempSync(join(tmpdir(), `gramfleet-${options.name}-`));
  // PostgreSQL passes through it as a user of its own when we are root.
  chmodSync(path, 0o711);
  lifecycle.own("folder", path, () => rmSync(path, { recursive: true, force: true }));
  const dataDir = openDataDir(kept ?? join(path, "data"));
  const held = await acquire(
    lifecycle,
    "services",
    holdServices({ dataDir, needs: ["postgres", "redis"], path: env.PATH ?? "", lingerMs: 0, log }),
    async (services) => {
      await services.close();
      await ended(services.supervisorPid);
      if (kept === undefined) rmSync(services.cluster, { recursive: true, force: true });
    },
  );
  const dir = join(path, "rows");
  mkdirSync(join(dir, "logs"), { recursive: true, mode: 0o700 });
  const common = {
    ...inherited(env),
    LOG_LEVEL: "info",
    REDIS_URL: redisUrl(held.redisSocket),
    SESSION_ENCRYPTION_KEYS: embeddedKeyring(dataDir),
  };
  return {
    dir,
    log,
    supervisorPid: held.supervisorPid,
    logFile: (name) => join(dir, "logs", `${name}.log`),
    async environment(database) {
      const url = postgresUrl(held.postgresDir, database);
      const made = createDatabase(postgresUrl(held.postgresDir, "postgres"), database).then(() => migrate(url));
      await acquire(lifecycle, "migration", made, () => {});
      return { ...common, DATABASE_URL: url };
    },
  };
}

/** What a process needs of its surroundings, and nothing that configures gramfleet. */
function inherited({ PATH, HOME, TMPDIR }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), TZ: "UTC" };
}

async function ended(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(20);
  }
}
