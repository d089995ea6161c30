import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase } from "../db/create-database.ts";
import { migrate } from "../db/migrate.ts";
import { openDataDir } from "../embedded/data-dir.ts";
import { postgresUrl, startPostgres } from "../embedded/postgres.ts";
import { postgresHome } from "../embedded/postgres-home.ts";
import { redisUrl, startRedis } from "../embedded/redis.ts";
import { makeRunDir, removeRunDir } from "../embedded/run-dir.ts";
import { postgresUser } from "../embedded/system-user.ts";
import type { Stage } from "./scenario.ts";

/**
 * A server of one scenario's own, so that it can be away: the ground's is started again by its supervisor as soon as it
 * ends.
 */
export interface OwnServer {
  readonly url: string;
  /** Ends it by this signal; resolves when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Resolves when it answers. */
  start(): Promise<void>;
}

/** What a Redis still knows when it comes again. */
export type Memory = "all" | "all but the last" | "nothing";

export interface OwnRedis extends OwnServer {
  /** Between end and start. */
  remember(memory: Memory): void;
}

/** More than one command and less than a second's. */
const LAST_WRITES_BYTES = 4_000;

/** A Redis that writes each command into its append-only file. */
export async function startOwnRedis(stage: Stage): Promise<OwnRedis> {
  const { dataDir, run } = makePlace(stage);
  const kept = join(dataDir.path, "appendonlydir");
  const server = await restartable(stage, "Redis of its own", async () => {
    const running = await startRedis({
      socket: run.redisSocket,
      logFile: stage.ground.logFile(`${stage.scenario}-redis`),
      path: process.env.PATH ?? "",
      settings: { appendonly: "yes", dir: dataDir.path },
    });
    if (running.pid === null) throw new Error("a Redis was there already");
    return { ...running, pid: running.pid };
  });
  return {
    ...server,
    url: redisUrl(run.redisSocket),
    remember(memory) {
      if (memory === "nothing") rmSync(kept, { recursive: true, force: true });
      if (memory !== "all but the last" || !existsSync(kept)) return;
      for (const name of readdirSync(kept).filter((each) => each.endsWith(".incr.aof"))) {
        const file = join(kept, name);
        truncateSync(file, Math.max(0, statSync(file).size - LAST_WRITES_BYTES));
      }
    },
  };
}

/** A PostgreSQL with one database, which is migrated. As safe as the ground's: fsync is on. */
export async function startOwnPostgres(stage: Stage): Promise<OwnServer> {
  const { dataDir, run, user } = makePlace(stage);
  const home = postgresHome(dataDir, user);
  stage.lifecycle.own("cluster", home.cluster, (path) => rmSync(path, { recursive: true, force: true }));
  const server = await restartable(stage, "PostgreSQL of its own", () =>
    startPostgres({
      binaries: home.binaries,
      dataDir: home.cluster,
      socketDir: run.postgresDir,
      user,
      logFile: stage.ground.logFile(`${stage.scenario}-postgres`),
    }),
  );
  const url = postgresUrl(run.postgresDir, "faults");
  await createDatabase(postgresUrl(run.postgresDir, "postgres"), "faults");
  await migrate(url);
  return { ...server, url };
}

/** Folders that go with the scenario. */
function makePlace({ lifecycle }: Stage) {
  const path = mkdtempSync(join(tmpdir(), "gramfleet-fault-"));
  // PostgreSQL passes through it as a user of its own when we are root.
  chmodSync(path, 0o711);
  const dataDir = openDataDir(path);
  const user = postgresUser();
  const run = makeRunDir(dataDir, user);
  lifecycle.own("folders", path, () => {
    removeRunDir(dataDir, run);
    rmSync(path, { recursive: true, force: true });
  });
  return { dataDir, user, run };
}

interface Running {
  readonly pid: number;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

async function restartable(stage: Stage, name: string, open: () => Promise<Running>): Promise<Omit<OwnServer, "url">> {
  let running: Running | null = null;
  stage.lifecycle.own(name, null, () => running?.stop());
  const start = async () => {
    running = await open();
  };
  await start();
  return {
    start,
    async end(signal) {
      if (!running) throw new Error(`${name} does not run`);
      process.kill(running.pid, signal);
      await running.ended;
      running = null;
    },
  };
}
