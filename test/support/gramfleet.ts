import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, vi } from "vitest";
import { gramfleetCommand, type ProcessCommand } from "../../runtime/entry.ts";
import { builtProgram } from "./build.ts";
import { eventually } from "./eventually.ts";

/** How a command ended, and what it said. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Waits until it has said something that matches, to whichever stream. */
  says(what: RegExp, timeoutMs?: number): Promise<void>;
  /** Waits until a process that runs for good works, and listens to signals. */
  ready(): Promise<void>;
  readonly ended: Promise<Ran>;
}

export interface RunOptions {
  /** Beside PATH and a few others: nothing of the machine's own configuration reaches a command under test. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where no .env lies, unless the test put one there. */
  readonly cwd?: string;
  /** From the source, as `npm start` is; else compiled, which starts in a quarter of the time. */
  readonly source?: boolean;
}

const left = new Set<Running>();
let built: string | null = null;

/**
 * Prepares a test file for commands: the program is compiled, and what is left running at the file's end is ended.
 * Call it at the file's top, once.
 */
export function prepareCommands(): void {
  // Several processes a test, on a machine that may have much else to do.
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });
  beforeAll(async () => {
    built = await builtProgram();
  });
  afterAll(async () => {
    const rest = [...left];
    for (const running of rest) running.signal("SIGTERM");
    await Promise.all(rest.map(({ ended }) => ended));
  });
}

function commandOf(args: readonly string[], source: boolean): ProcessCommand {
  if (source) return gramfleetCommand(args);
  if (built === null) throw new Error("call prepareCommands at the test file's top");
  return { file: process.execPath, args: [join(built, "cli", "main.js"), ...args] };
}

/** Starts `gramfleet <args>` as a process of its own, as a shell would; ended at the latest when the test file is. */
export function startGramfleet(args: readonly string[], options: RunOptions = {}): Running {
  const command = commandOf(args, options.source ?? false);
  const child = spawn(command.file, command.args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TZ: "UTC", ...options.env },
    cwd: options.cwd ?? tmpdir(),
    // The last one for processes that run for good: they tell whoever started them that they are ready.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let isReady = false;
  child.on("message", (message: { type?: string }) => {
    isReady ||= message.type === "ready";
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const running: Running = {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (name) => void child.kill(name),
    says: (what, timeoutMs) => until(() => what.test(stdout) || what.test(stderr), `"${what.source}"`, timeoutMs),
    ready: () => until(() => isReady, "being ready"),
    ended: new Promise((resolve) => {
      child.once("close", (code) => {
        left.delete(running);
        resolve({ code, stdout, stderr });
      });
    }),
  };
  left.add(running);
  return running;

  async function until(check: () => boolean, what: string, timeoutMs = 90_000): Promise<void> {
    const command = `gramfleet ${args.join(" ")}`;
    const end = () => child.exitCode ?? child.signalCode;
    await eventually(() => check() || end() !== null, { timeoutMs, what: `${what} of ${command}` });
    if (!check()) throw new Error(`${command} ended with ${end()} before ${what}: ${stderr}`);
  }
}

/** Runs `gramfleet <args>` to its end. */
export function gramfleet(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return startGramfleet(args, options).ended;
}

/** What a command with --json printed: its last line. */
export function jsonOf<T = unknown>(ran: Pick<Ran, "stdout">): T {
  return JSON.parse(ran.stdout.trimEnd().split("\n").at(-1) ?? "") as T;
}
