import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { gramfleetCommand, type ProcessCommand } from "../../runtime/entry.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { ReadyMessage } from "../../runtime/ready.ts";

/** How the command line begins a line for its operator. */
const SAYS = "gramfleet: ";

/** A world of many thousands takes a minute; what takes this long hangs. */
const READY_WITHIN_MS = 5 * 60_000;

/** A process of gramfleet's that `up` started. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves once it works; rejects with an OperatorError where it ends before, or says nothing for five minutes. */
  readonly ready: Promise<ReadyMessage>;
  /** Resolves when it has ended, however. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** SIGTERM, and SIGKILL after `graceMs`. Resolves when it has ended. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts `gramfleet <args>` in a process group of its own (a Ctrl-C in the terminal reaches `up` alone, which then
 * stops its children in order) with its output in `logFile`. It ends by itself when `up` is gone: the IPC channel closes.
 */
export function startChild(options: {
  name: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  logFile: string;
  /** Another way of starting it: fault tests start what they have compiled. */
  command?: ProcessCommand;
}): Child {
  mkdirSync(dirname(options.logFile), { recursive: true, mode: 0o700 });
  const log = openSync(options.logFile, "w", 0o600);
  const command = options.command ?? gramfleetCommand(options.args);
  const child = spawn(command.file, command.args, {
    env: options.env,
    stdio: ["ignore", log, log, "ipc"],
    detached: true,
  });
  closeSync(log);
  const exited = exitOf(child);
  return {
    name: options.name,
    pid: child.pid ?? 0,
    logFile: options.logFile,
    exited,
    ready: readyOf(child, options.name, options.logFile),
    async stop(graceMs) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function exitOf(child: ChildProcess): Child["exited"] {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: 1, signal: null }));
  });
}

function readyOf(child: ChildProcess, name: string, logFile: string): Promise<ReadyMessage> {
  const ready = new Promise<ReadyMessage>((resolve, reject) => {
    child.on("message", (message: ReadyMessage) => {
      if (message.type === "ready") resolve(message);
    });
    child.once("exit", (code, signal) =>
      reject(
        new OperatorError(
          lastWords(logFile) ?? `${name} ended (${signal ?? `exit ${code}`}) before it was ready: see ${logFile}`,
        ),
      ),
    );
    child.once("error", (error) => reject(new OperatorError(`${name} could not be started: ${error.message}`)));
    const minutes = READY_WITHIN_MS / 60_000;
    const hangs = () => reject(new OperatorError(`${name} was not ready after ${minutes} minutes: see ${logFile}`));
    setTimeout(hangs, READY_WITHIN_MS).unref();
  });
  ready.catch(() => {});
  return ready;
}

/** What a child said to its operator before it ended: the last line that begins as such lines do. */
function lastWords(logFile: string): string | null {
  const said = readFileSync(logFile, "utf8")
    .split("\n")
    .filter((line) => line.startsWith(SAYS));
  return said.at(-1)?.slice(SAYS.length) ?? null;
}
