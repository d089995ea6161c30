import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { createDatabase } from "../../../db/create-database.ts";
import { migrate } from "../../../db/migrate.ts";
import { openDataDir } from "../../../embedded/data-dir.ts";
import { postgresUrl, type RunningPostgres, SUPERUSER, startPostgres } from "../../../embedded/postgres.ts";
import { postgresHome } from "../../../embedded/postgres-home.ts";
import { makeRunDir, removeRunDir } from "../../../embedded/run-dir.ts";
import { postgresUser } from "../../../embedded/system-user.ts";

const DATABASE = "fleet";

/** A PostgreSQL of its own with a migrated database, and copies of its data directory that run beside it. Close it. */
export async function startCopiedPostgres() {
  const path = mkdtempSync(join(tmpdir(), "gramfleet-copies-"));
  // PostgreSQL passes through it as a user of its own when we are root.
  chmodSync(path, 0o711);
  const dataDir = openDataDir(path);
  const user = postgresUser();
  const run = makeRunDir(dataDir, user);
  const { binaries, cluster } = postgresHome(dataDir, user);
  const running: RunningPostgres[] = [];
  const folders = [cluster];
  const start = async (dir: string, socketDir: string, name: string): Promise<string> => {
    const logFile = join(path, `${name}.log`);
    running.push(await startPostgres({ binaries, dataDir: dir, socketDir, user, logFile }));
    return postgresUrl(socketDir, DATABASE);
  };
  const url = await start(cluster, run.postgresDir, "living");
  await createDatabase(postgresUrl(run.postgresDir, "postgres"), DATABASE);
  await migrate(url);
  return {
    url,
    /** As it is now, kept; `start` runs it beside the living one. */
    async copy(): Promise<{ start(): Promise<string> }> {
      const name = `copy-${folders.length}`;
      const dir = `${cluster}-${name}`;
      folders.push(dir);
      await copyWhileRunning(postgresUrl(run.postgresDir, "postgres", SUPERUSER), cluster, dir);
      const socketDir = join(run.path, name);
      mkdirSync(socketDir, { mode: 0o700 });
      if (user) for (const owned of [socketDir, join(dir, "backup_label")]) chownSync(owned, user.uid, user.gid);
      return { start: () => start(dir, socketDir, name) };
    },
    async close() {
      for (const server of running.reverse()) await server.stop();
      removeRunDir(dataDir, run);
      for (const folder of [...folders, path]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What pg_basebackup does, which not every PostgreSQL is installed with. */
async function copyWhileRunning(url: string, from: string, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("select pg_backup_start('copy', true)");
    // Files that go while they are copied are none that count.
    spawnSync("cp", ["-a", from, to]);
    rmSync(join(to, "postmaster.pid"), { force: true });
    const { rows } = await client.query<{ labelfile: string }>("select labelfile from pg_backup_stop()");
    writeFileSync(join(to, "backup_label"), rows[0]?.labelfile ?? "");
    // It recovers by itself, from the WAL that it was copied with and what was written until the copy was whole.
    spawnSync("cp", ["-a", "--no-target-directory", join(from, "pg_wal"), join(to, "pg_wal")]);
  } finally {
    await client.end();
  }
}
