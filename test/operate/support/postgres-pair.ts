import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { createDatabase } from "../../../db/create-database.ts";
import { migrate } from "../../../db/migrate.ts";
import { openDataDir } from "../../../embedded/data-dir.ts";
import { postgresUrl, SUPERUSER, startPostgres } from "../../../embedded/postgres.ts";
import { postgresHome } from "../../../embedded/postgres-home.ts";
import { makeRunDir, removeRunDir } from "../../../embedded/run-dir.ts";
import { postgresUser } from "../../../embedded/system-user.ts";
import { eventually } from "../../support/eventually.ts";

const DATABASE = "fleet";

/** A primary with a migrated database, and a streaming replica of it whose replay can be halted. Close it. */
export async function startPostgresPair() {
  const path = mkdtempSync(join(tmpdir(), "gramfleet-pair-"));
  // PostgreSQL passes through it as a user of its own when we are root.
  chmodSync(path, 0o711);
  const dataDir = openDataDir(path);
  const user = postgresUser();
  const run = makeRunDir(dataDir, user);
  const home = postgresHome(dataDir, user);
  const running = await startPostgres({
    ...{ binaries: home.binaries, dataDir: home.cluster, socketDir: run.postgresDir, user },
    logFile: join(path, "primary.log"),
  });
  const primaryUrl = postgresUrl(run.postgresDir, DATABASE);
  await createDatabase(postgresUrl(run.postgresDir, "postgres"), DATABASE);
  await migrate(primaryUrl);

  const replicaDir = `${home.cluster}-replica`;
  await backUp(postgresUrl(run.postgresDir, "postgres", SUPERUSER), home.cluster, replicaDir);
  const conninfo = `host=${run.postgresDir} user=${SUPERUSER}`;
  appendFileSync(join(replicaDir, "postgresql.auto.conf"), `primary_conninfo = '${conninfo}'\n`);
  for (const name of ["standby.signal", "backup_label"]) {
    appendFileSync(join(replicaDir, name), "");
    if (user) chownSync(join(replicaDir, name), user.uid, user.gid);
  }
  const socketDir = join(run.path, "replica");
  mkdirSync(socketDir, { mode: 0o700 });
  if (user) chownSync(socketDir, user.uid, user.gid);
  const replicaUrl = postgresUrl(socketDir, DATABASE);
  const asAdmin = <T extends pg.QueryResultRow>(url: string, statement: string) =>
    query<T>(url.replace("gramfleet@", `${SUPERUSER}@`), statement);

  const start = async () => {
    const settings = { listen_addresses: "", unix_socket_directories: socketDir, max_connections: "200" };
    const log = openSync(join(path, "replica.log"), "a");
    const child = spawn(
      join(home.binaries.native, "bin", "postgres"),
      ["-D", replicaDir, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      { stdio: ["ignore", log, log], cwd: replicaDir, env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" }, ...user },
    );
    closeSync(log);
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    await eventually(() => query(replicaUrl, "select 1"), { what: "a replica that answers" }).catch((error) => {
      throw new Error(readFileSync(join(path, "replica.log"), "utf8"), { cause: error });
    });
    return { child, ended };
  };
  let replica = await start();
  const replay = (what: "pause" | "resume") => asAdmin(replicaUrl, `select pg_wal_replay_${what}()`);
  const stopReplica = async () => {
    replica.child.kill("SIGINT");
    await replica.ended;
  };
  return {
    primaryUrl,
    replicaUrl,
    /** From then on it stands still. */
    pause: () => replay("pause"),
    resume: () => replay("resume"),
    stopReplica,
    async startReplica() {
      replica = await start();
    },
    promote: () => asAdmin(replicaUrl, "select pg_promote()"),
    /** Waits until it has replayed all that the primary has written until now. */
    async caughtUp() {
      const [written] = await query<{ lsn: string }>(primaryUrl, "select pg_current_wal_lsn()::text as lsn");
      await eventually(async () => {
        const has = `select pg_last_wal_replay_lsn() >= '${written?.lsn}'::pg_lsn as has`;
        return (await query<{ has: boolean }>(replicaUrl, has))[0]?.has;
      });
    },
    async close() {
      await stopReplica();
      await running.stop();
      removeRunDir(dataDir, run);
      for (const folder of [replicaDir, home.cluster, path]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What pg_basebackup does, which not every PostgreSQL is installed with. */
async function backUp(url: string, from: string, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("select pg_backup_start('replica', true)");
    // Files that go while they are copied are none that count.
    spawnSync("cp", ["-a", from, to]);
    rmSync(join(to, "postmaster.pid"), { force: true });
    const { rows } = await client.query<{ labelfile: string }>("select labelfile from pg_backup_stop()");
    writeFileSync(join(to, "backup_label"), rows[0]?.labelfile ?? "");
  } finally {
    await client.end();
  }
}

async function query<T extends pg.QueryResultRow>(url: string, statement: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query<T>(statement)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export type PostgresPair = Awaited<ReturnType<typeof startPostgresPair>>;
