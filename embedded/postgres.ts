import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { OperatorError } from "../runtime/operator-error.ts";
import { sleep } from "../runtime/sleep.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import type { SystemUser } from "./system-user.ts";

/** The superuser of embedded clusters; gramfleet itself connects as {@link APPLICATION_ROLE}, so that row security binds it. */
export const SUPERUSER = "postgres";
export const APPLICATION_ROLE = "gramfleet";

const PORT = 5432;
const START_MS = 60_000;

/** One machine's settings: modest memory, nothing lost (PostgreSQL's own defaults for fsync and synchronous_commit stay). */
const SETTINGS: Record<string, string> = {
  listen_addresses: "",
  max_connections: "200",
  shared_buffers: "128MB",
  max_wal_size: "1GB",
  timezone: "UTC",
  log_timezone: "UTC",
  lc_messages: "C",
};

export interface PostgresOptions {
  readonly binaries: PostgresBinaries;
  /** The cluster's directory; made (and owned by `user`) where it is missing. */
  readonly dataDir: string;
  /** Where the socket is put; must be reachable by `user`, and by nobody else. */
  readonly socketDir: string;
  /** Null: our own account. */
  readonly user: SystemUser | null;
  readonly logFile: string;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface RunningPostgres {
  readonly pid: number;
  /** Settles when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Fast shutdown: open transactions are rolled back, what was committed is on disk. */
  stop(): Promise<void>;
}

/** An URL that `pg` and libpq both read. No password: the socket's directory is what keeps others out. */
export function postgresUrl(socketDir: string, database: string, role = APPLICATION_ROLE): string {
  return `postgresql://${role}@localhost/${encodeURIComponent(database)}?host=${encodeURIComponent(socketDir)}`;
}

/**
 * Starts PostgreSQL on a unix socket, making its cluster first where there is none. One that an earlier owner left
 * running on the same socket is taken over as it is.
 *
 * @throws OperatorError with the last lines of its log where it does not come up
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const left = await leftRunning(options);
  if (left) return left;
  initialise(options);
  discardStalePid(options.dataDir);
  const log = openSync(options.logFile, "a", 0o600);
  const child = spawn(join(options.binaries.native, "bin", "postgres"), serverArguments(options), {
    ...childOptions(options),
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  const ended = endOf(child);
  await ready(child, options);
  const pid = child.pid as number;
  return {
    pid,
    ended,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGINT");
      await ended;
    },
  };
}

function initialise({ binaries, dataDir, user, logFile }: PostgresOptions): void {
  const major = binaries.version.split(".")[0];
  const versionFile = join(dataDir, "PG_VERSION");
  if (existsSync(versionFile)) {
    const found = readFileSync(versionFile, "utf8").trim();
    if (found === major) return;
    throw new OperatorError(`${dataDir} is of PostgreSQL ${found}, and this is ${major}: take another data directory`);
  }
  if (existsSync(dataDir))
    throw new OperatorError(`${dataDir} is no PostgreSQL cluster (it has no PG_VERSION): move it away, or restore it`);
  // Made beside and renamed: a cluster is there in full or not at all.
  const partial = `${dataDir}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  if (user) chownSync(partial, user.uid, user.gid);
  const run = (program: string, args: string[], input = "") => {
    const result = spawnSync(join(binaries.native, "bin", program), args, {
      ...childOptions({ dataDir: partial, user }),
      encoding: "utf8",
      input,
    });
    if (result.status === 0) return;
    const why = (result.stderr || result.error?.message || `signal ${result.signal}`).trim();
    appendFileSync(logFile, `${why}\n`, { mode: 0o600 });
    throw new OperatorError(`the embedded PostgreSQL could not be set up: ${why.split("\n").at(-1)} (see ${logFile})`);
  };
  run("initdb", [
    `--pgdata=${partial}`,
    `--username=${SUPERUSER}`,
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    // PostgreSQL's own collation, the same on every machine and never out of date.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
  ]);
  // Who may read everything is made by the superuser: row security is not for others to lift.
  const roles = [
    `create role ${APPLICATION_ROLE} login createdb createrole`,
    "create role gramfleet_backup nologin bypassrls",
    `grant gramfleet_backup to ${APPLICATION_ROLE} with inherit false, set true`,
  ];
  run("postgres", ["--single", "-D", partial, "-c", "exit_on_error=on", "postgres"], `${roles.join(";\n")};\n`);
  renameSync(partial, dataDir);
}

/** An environment of its own: no PGDATA, PGPORT or locale of ours reaches it, and no secret either. */
function childOptions({ dataDir, user }: Pick<PostgresOptions, "dataDir" | "user">) {
  return { cwd: dataDir, env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" }, ...user };
}

function serverArguments({ dataDir, socketDir, settings }: PostgresOptions): string[] {
  const all = { ...SETTINGS, unix_socket_directories: socketDir, unix_socket_permissions: "0700", ...settings };
  return [
    "-D",
    dataDir,
    "-p",
    String(PORT),
    ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

/** Lines of postmaster.pid (PostgreSQL's miscinit.h): 1 the pid, 8 the status. */
function postmaster(dataDir: string): { pid: number; ready: boolean } | null {
  try {
    const lines = readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(lines[0]), ready: lines[7]?.trim() === "ready" };
  } catch {
    return null;
  }
}

async function ready(child: ChildProcess, { dataDir, logFile }: PostgresOptions): Promise<void> {
  const giveUpAt = performance.now() + START_MS;
  for (;;) {
    const state = postmaster(dataDir);
    if (child.pid !== undefined && state?.pid === child.pid && state.ready) return;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      const last = readFileSync(logFile, "utf8").trim().split("\n").slice(-3).join(" | ");
      throw new OperatorError(`the embedded PostgreSQL did not start: ${last} (see ${logFile})`);
    }
    if (performance.now() > giveUpAt) {
      child.kill("SIGQUIT");
      throw new OperatorError(`the embedded PostgreSQL was not ready after ${START_MS / 1000} s (see ${logFile})`);
    }
    await sleep(10);
  }
}

/** The server whose owner died without stopping it: it answers on our socket. */
async function leftRunning({ dataDir, socketDir }: PostgresOptions): Promise<RunningPostgres | null> {
  const state = postmaster(dataDir);
  if (!state || !(await answers(join(socketDir, `.s.PGSQL.${PORT}`)))) return null;
  const ended = endOfPid(state.pid);
  return {
    pid: state.pid,
    ended,
    async stop() {
      process.kill(state.pid, "SIGINT");
      await ended;
    },
  };
}

/**
 * PostgreSQL refuses to start while the pid in its file lives, and after a crash or a reboot that may be anybody's.
 * Nothing answers on our socket, so a pid that (by /proc) does not run on this directory is not its owner.
 */
function discardStalePid(dataDir: string): void {
  const state = postmaster(dataDir);
  if (!state) return;
  const file = `/proc/${state.pid}/cmdline`;
  if (existsSync(file) && !readFileSync(file, "utf8").includes(dataDir)) rmSync(join(dataDir, "postmaster.pid"));
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
}

async function endOfPid(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(100);
  }
}
