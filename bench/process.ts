import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ProcessCommand } from "../runtime/entry.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { ReadyMessage } from "../runtime/ready.ts";

/** Both sides are measured in processes of their own, so that neither shares an event loop with the other or with us. */
export interface BenchProcess {
  readonly pid: number;
  /** Asks a side (see serve.ts) to do something, and gives what came of it. One question at a time. */
  ask<T>(what: string): Promise<T>;
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
}

export type Answer =
  | { readonly type: "answer"; readonly value: unknown }
  | { readonly type: "failed"; readonly message: string };

/** Modules of bench's own that are started from the build. */
export const BUILT_SIDES = [
  "bench/store/raw-gramjs.ts",
  "bench/read/our-adapter.ts",
  "bench/jobs/bare-gramjs.ts",
  "bench/memory/our-accounts.ts",
  "bench/memory/bare-gramjs.ts",
  "bench/first-page/commands.ts",
] as const;

/** How to start one of them. */
export function builtSide(dist: string, module: (typeof BUILT_SIDES)[number]): ProcessCommand {
  return { file: process.execPath, args: [join(dist, module.replace(/\.ts$/, ".js"))] };
}

/** How to start one of bench's modules as source. */
export function sideCommand(module: URL): ProcessCommand {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx/esm")).href;
  return { file: process.execPath, args: ["--import", tsx, fileURLToPath(module)] };
}

/**
 * Starts a process and waits until it says that it is ready. It ends by itself when we are gone: its IPC channel closes.
 *
 * @throws OperatorError with the end of its log, where it ends before
 */
export async function startProcess(options: {
  readonly name: string;
  readonly command: ProcessCommand;
  readonly nodeFlags?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}): Promise<BenchProcess> {
  const log = openSync(options.logFile, "a", 0o600);
  const child = spawn(options.command.file, [...(options.nodeFlags ?? []), ...options.command.args], {
    env: options.env,
    stdio: ["ignore", log, log, "ipc"],
    // A Ctrl-C in the terminal reaches the driver alone, which stops its processes in order.
    detached: true,
  });
  closeSync(log);
  const exited = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
  const gone = async (): Promise<never> => {
    const how = await exited;
    throw new OperatorError(`${options.name} ended (${how}):\n${endOf(options.logFile)}`);
  };
  const ended = gone();
  ended.catch(() => {});
  const heard = () => Promise.race([nextMessage(child), ended]);

  const first = await heard();
  if (first.type !== "ready") throw new Error(`${options.name} says ${first.type} instead of ready`);
  return {
    pid: child.pid ?? 0,
    async ask<T>(what: string) {
      child.send({ ask: what });
      const answer = await heard();
      if (answer.type === "failed") throw new Error(`${options.name}: ${answer.message}`);
      if (answer.type !== "answer") throw new Error(`${options.name} says ${answer.type}`);
      return answer.value as T;
    },
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Words are for pm2: see `runtime/ready`. */
function nextMessage(child: ChildProcess): Promise<Answer | ReadyMessage> {
  return new Promise((resolve) => {
    const hear = (message: unknown) => {
      if (typeof message !== "object") return;
      child.off("message", hear);
      resolve(message as Answer | ReadyMessage);
    };
    child.on("message", hear);
  });
}

/** A log's last lines, for an error: the file itself goes with the folder that it is in. */
export const endOf = (file: string): string => readFileSync(file, "utf8").split("\n").slice(-15).join("\n");
