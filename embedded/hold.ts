import { spawn } from "node:child_process";
import { closeSync, openSync, statSync, truncateSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { moduleCommand, type ProcessCommand } from "../runtime/entry.ts";
import type { Log } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { sleep } from "../runtime/sleep.ts";
import { type DataDir, logFile } from "./data-dir.ts";
import { firstLine, type HoldAnswer, type HoldRequest, type ServiceName, type StartReport } from "./protocol.ts";
import { findRunDir } from "./run-dir.ts";

/** A first start makes a cluster, and one after a crash recovers it. */
const PATIENCE_MS = 120_000;
/** So that commands that follow one another find the services warm. */
const LINGER_MS = 2_000;
const LONGEST_LOG_BYTES = 10_000_000;

export interface HoldOptions {
  readonly dataDir: DataDir;
  readonly needs: readonly ServiceName[];
  /** Where programs are looked for, as in PATH. */
  readonly path: string;
  readonly log: Log;
  /** The data directory goes with its last holder, and PostgreSQL may be fast instead of safe. For tests. */
  readonly volatile?: boolean;
  /** How long the services outlive their last holder; counts where this holder is the one to start them. */
  readonly lingerMs?: number;
  /** Another way of starting the supervisor with these arguments: tests start what they have compiled. */
  readonly supervisor?: (args: readonly string[]) => ProcessCommand;
}

export interface HeldServices {
  readonly supervisorPid: number;
  readonly postgresDir: string;
  readonly cluster: string;
  readonly redisSocket: string;
  /** Lets go. */
  close(): Promise<void>;
}

/**
 * Holds the embedded services of a data directory, starting its supervisor where none runs. Should the supervisor die,
 * another is started, which takes over the servers as they run.
 *
 * @throws OperatorError where they cannot be started
 */
export async function holdServices(options: HoldOptions): Promise<HeldServices> {
  const closing = new AbortController();
  let held = await hold(options, closing.signal);
  let replacing: Promise<void> = Promise.resolve();
  const replace = async () => {
    options.log.warn("the supervisor of the embedded services is gone: starting another");
    try {
      held = await hold(options, closing.signal);
      watch();
    } catch (error) {
      if (!closing.signal.aborted) options.log.error({ err: error }, "the embedded services cannot be held");
    }
  };
  const watch = () => {
    held.socket.once("close", () => {
      if (!closing.signal.aborted) replacing = replace();
    });
  };
  watch();
  return {
    ...held.answer,
    async close() {
      closing.abort();
      await replacing;
      if (held.socket.destroyed) return;
      const closed = new Promise<void>((resolve) => held.socket.once("close", () => resolve()));
      held.socket.destroy();
      await closed;
    },
  };
}

interface Held {
  readonly socket: Socket;
  readonly answer: Extract<HoldAnswer, { ok: true }>;
}

async function hold(options: HoldOptions, signal: AbortSignal): Promise<Held> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    signal.throwIfAborted();
    const held = await ask(options);
    if (held) return held;
    if (performance.now() > giveUpAt)
      throw new OperatorError(`the embedded services do not come up: see ${logFile(options.dataDir, "supervisor")}`);
    // Busy: another command starts one at this moment, or one is just stopping.
    if ((await startSupervisor(options)) === "busy") await sleep(50);
  }
}

/** Null where no supervisor answers. */
async function ask({ dataDir, needs }: HoldOptions): Promise<Held | null> {
  const run = findRunDir(dataDir);
  if (!run) return null;
  const socket = createConnection(run.supervisorSocket);
  const request: HoldRequest = { needs };
  socket.write(`${JSON.stringify(request)}\n`);
  const line = await firstLine(socket);
  if (line === null) return null;
  const answer = JSON.parse(line) as HoldAnswer;
  if (answer.ok) return { socket, answer };
  socket.destroy();
  throw new OperatorError(answer.message);
}

async function startSupervisor({ dataDir, path, ...how }: HoldOptions): Promise<"listening" | "busy"> {
  for (const name of ["supervisor", "postgres", "redis"]) trim(logFile(dataDir, name));
  const log = openSync(logFile(dataDir, "supervisor"), "a", 0o600);
  const args = [dataDir.path, String(how.lingerMs ?? LINGER_MS), ...(how.volatile ? ["--volatile"] : [])];
  const command = how.supervisor?.(args) ?? moduleCommand("embedded/supervisor-main", args);
  const child = spawn(command.file, command.args, {
    // A session of its own: a Ctrl-C in the terminal is not for it. And none of our secrets.
    detached: true,
    env: { PATH: path, TZ: "UTC", TMPDIR: tmpdir() },
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  const report = await new Promise<StartReport>((resolve) => {
    child.once("message", (message) => resolve(message as StartReport));
    child.once("error", (error) => resolve({ type: "failed", message: error.message }));
    child.once("exit", (code) => resolve({ type: "failed", message: `the supervisor ended with ${code}` }));
  });
  if (child.connected) child.disconnect();
  child.unref();
  if (report.type === "failed") throw new OperatorError(report.message);
  return report.type;
}

function trim(file: string): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LONGEST_LOG_BYTES) truncateSync(file);
}
