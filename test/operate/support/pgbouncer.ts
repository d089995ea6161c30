import { spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { postgresUser } from "../../../embedded/system-user.ts";
import { eventually } from "../../support/eventually.ts";
import { freePorts } from "../../support/free-ports.ts";

const HOST = "127.0.0.1";

/** Debian's PgBouncer in transaction mode. */
export interface PgBouncer {
  /** The same database by way of it. */
  through(url: string): string;
  /** Its own word on how many of its connections to PostgreSQL serve somebody now. */
  serversActive(database: string): Promise<number>;
  close(): Promise<void>;
}

/**
 * Starts it before the PostgreSQL behind `socketDir`. It ignores no startup parameter, so that whoever sends one it does not
 * know is refused.
 *
 * @param options.servers its connections to PostgreSQL for each database and role: its pool
 */
export async function startPgBouncer(options: {
  readonly socketDir: string;
  readonly servers: number;
}): Promise<PgBouncer> {
  const dir = mkdtempSync(join(tmpdir(), "gramfleet-pgbouncer-"));
  // It does not run as root either.
  const user = postgresUser();
  const port = await freePorts(1);
  const home = join(dir, "home");
  mkdirSync(home, { mode: 0o700 });
  chmodSync(dir, 0o711);
  if (user) chownSync(home, user.uid, user.gid);
  const write = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    if (user) chownSync(join(home, name), user.uid, user.gid);
  };
  write("users.txt", '"gramfleet" ""\n"postgres" ""\n');
  write(
    "pgbouncer.ini",
    [
      "[databases]",
      `* = host=${options.socketDir}`,
      "[pgbouncer]",
      ...["pool_mode = transaction", `default_pool_size = ${options.servers}`, "max_client_conn = 500"],
      ...[`listen_addr = ${HOST}`, `listen_port = ${port}`, "unix_socket_dir ="],
      ...["auth_type = trust", `auth_file = ${join(home, "users.txt")}`, "admin_users = postgres"],
      ...[`logfile = ${join(home, "log")}`, "server_connect_timeout = 5"],
    ].join("\n"),
  );
  const child = spawn("pgbouncer", [join(home, "pgbouncer.ini")], { stdio: "ignore", cwd: home, ...user });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const admin = async (command: string) => {
    const client = new pg.Client({ host: HOST, port, user: "postgres", database: "pgbouncer" });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return (await client.query<Record<string, string>>(command)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  await eventually(() => admin("show version"), { what: "a PgBouncer that answers", timeoutMs: 20_000 }).catch(
    (error) => {
      throw new Error(readFileSync(join(home, "log"), "utf8"), { cause: error });
    },
  );
  return {
    through(url) {
      const { pathname, username } = new URL(url);
      return `postgresql://${username}@${HOST}:${port}${pathname}`;
    },
    async serversActive(database) {
      const pools = await admin("show pools");
      return pools.filter((pool) => pool.database === database).reduce((sum, pool) => sum + Number(pool.sv_active), 0);
    },
    async close() {
      child.kill("SIGKILL");
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
