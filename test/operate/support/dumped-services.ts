import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { createDatabase } from "../../../db/create-database.ts";
import { migrate } from "../../../db/migrate.ts";
import { openDataDir } from "../../../embedded/data-dir.ts";
import { postgresUrl, startPostgres } from "../../../embedded/postgres.ts";
import { postgresHome } from "../../../embedded/postgres-home.ts";
import { redisUrl, startRedis } from "../../../embedded/redis.ts";
import { makeRunDir, removeRunDir } from "../../../embedded/run-dir.ts";
import { postgresUser } from "../../../embedded/system-user.ts";
import { contentOfPostgres } from "../../support/traces.ts";

const DATABASE = "fleet";

/** Bytes that are searched, by what they are of. */
export type Places = Record<string, Buffer>;

/** A server that can be away. */
export interface Restartable {
  /** Resolves when it is gone. */
  end(): Promise<void>;
  /** Resolves when it answers. */
  start(): Promise<void>;
}

/** PostgreSQL with a migrated database and Redis, of their own; all that is in them can be had. Close them. */
export async function startDumpedServices() {
  const path = mkdtempSync(join(tmpdir(), "gramfleet-dumped-"));
  // PostgreSQL passes through it as a user of its own when we are root.
  chmodSync(path, 0o711);
  const dataDir = openDataDir(path);
  const user = postgresUser();
  const run = makeRunDir(dataDir, user);
  const home = postgresHome(dataDir, user);
  const rdbDir = join(run.path, "own");
  const logs = { postgres: join(path, "postgres.log"), redis: join(path, "redis.log") };

  const postgres = await restartable(() =>
    startPostgres({
      ...{ binaries: home.binaries, dataDir: home.cluster, socketDir: run.postgresDir, user, logFile: logs.postgres },
      // Whatever it says of an error, and of what it was asked.
      settings: { log_error_verbosity: "verbose", log_parameter_max_length_on_error: "-1" },
    }),
  );
  const redis = await restartable(() =>
    startRedis({
      ...{ socket: run.redisSocket, logFile: logs.redis, path: process.env.PATH ?? "" },
      settings: { dir: rdbDir, rdbcompression: "no", loglevel: "debug" },
    }),
  );
  const url = postgresUrl(run.postgresDir, DATABASE);
  await createDatabase(postgresUrl(run.postgresDir, "postgres"), DATABASE);
  await migrate(url);

  return {
    ...{ url, redisUrl: redisUrl(run.redisSocket), postgres, redis },
    /** Of both servers. */
    logs: (): Places => ({ "PostgreSQL's log": readFileSync(logs.postgres), "Redis's log": readFileSync(logs.redis) }),
    /** Every row of every table as text. */
    rows: async (): Promise<Buffer> => Buffer.from(await contentOfPostgres(url)),
    /** Redis's own file of all that it holds. */
    async rdb(): Promise<Buffer> {
      const client = new Redis(redisUrl(run.redisSocket));
      try {
        await client.save();
      } finally {
        client.disconnect();
      }
      return readFileSync(join(rdbDir, "dump.rdb"));
    },
    /** The files of tables, indexes and the write-ahead log, with what was changed and deleted since; PostgreSQL ends. */
    async *clusterFiles(): AsyncGenerator<[name: string, bytes: Buffer]> {
      await postgres.end();
      for (const folder of ["base", "global", "pg_wal"]) {
        const files = readdirSync(join(home.cluster, folder), { recursive: true, withFileTypes: true });
        for (const file of files.filter((each) => each.isFile()))
          yield [`${folder}/${file.name}`, readFileSync(join(file.parentPath, file.name))];
      }
    },
    async close() {
      await postgres.end();
      await redis.end();
      removeRunDir(dataDir, run);
      for (const folder of [home.cluster, path]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type DumpedServices = Awaited<ReturnType<typeof startDumpedServices>>;

async function restartable(
  open: () => Promise<{ readonly ended: Promise<void>; stop(): Promise<void> }>,
): Promise<Restartable> {
  let running: Awaited<ReturnType<typeof open>> | null = await open();
  return {
    async end() {
      await running?.stop();
      running = null;
    },
    async start() {
      running = await open();
    },
  };
}
