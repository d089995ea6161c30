import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { type Child, startChild } from "../cli/up/children.ts";
import type { Emulator } from "../emulator/start.ts";
import { builtCommand } from "./build.ts";
import { type Relay, startRelay } from "./relay.ts";

/** A worker process, with relays of its own between it and the data centers, and between it and PostgreSQL. */
export interface WorkerProcess {
  /** Also the name of its connections to PostgreSQL. */
  readonly name: string;
  readonly child: Child;
  /** As it calls itself in the rows of its leases. */
  readonly holder: string;
  readonly telegram: readonly Relay[];
  readonly postgres: Relay;
  readonly ended: boolean;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, SIGKILL after `graceMs`, and its relays closed. */
  stop(graceMs: number): Promise<void>;
}

/** Starts a worker. It serves jobs once `child.ready` resolved. */
export async function startWorker(options: {
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  readonly emulator: Emulator;
  /** A directory, where PostgreSQL's socket is. */
  readonly postgresUrl: string;
  readonly logFile: string;
  /** The folder of the compiled program. */
  readonly dist: string;
  /** Arguments for Node itself. */
  readonly forNode?: readonly string[];
}): Promise<WorkerProcess> {
  const { name, emulator } = options;
  const telegram = await Promise.all(emulator.dataCenters.map(({ host, port }) => startRelay({ host, port })));
  const server = new URL(options.postgresUrl);
  const postgres = await startRelay({ path: `${server.searchParams.get("host")}/.s.PGSQL.5432` });
  const addresses = emulator.dataCenters.map(({ id }, index) => `${id}@127.0.0.1:${telegram[index]?.port}`);
  const child = startChild({
    name,
    args: ["worker"],
    command: builtCommand(options.dist, ["worker"], options.forNode),
    env: {
      ...options.env,
      TELEGRAM_DC: addresses.join(","),
      DATABASE_URL: `postgresql://${server.username}@127.0.0.1:${postgres.port}${server.pathname}?application_name=${name}`,
    },
    logFile: options.logFile,
  });
  let ended = false;
  const exited = child.exited.then(() => {
    ended = true;
  });
  const close = async () => {
    await exited;
    await Promise.all([...telegram, postgres].map((relay) => relay.close()));
  };
  return {
    name,
    child,
    holder: `${hostname()}:${child.pid}`,
    telegram,
    postgres,
    get ended() {
      return ended;
    },
    signal(signal) {
      if (!ended) process.kill(child.pid, signal);
    },
    async stop(graceMs) {
      // A frozen process does not hear SIGTERM.
      if (!ended) process.kill(child.pid, "SIGCONT");
      await child.stop(graceMs);
      await close();
    },
  };
}

/** Whether a process stands still (SIGSTOP). Linux tells in /proc. */
export function isFrozen(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] === "T";
  } catch {
    return false;
  }
}
