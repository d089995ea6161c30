import fs from "node:fs";
import { tmpdir } from "node:os";
import { runProgram } from "../../cli/program.ts";
import { eventually } from "./eventually.ts";
import type { Ran, Running, RunOptions } from "./gramfleet.ts";

type HereOptions = Omit<RunOptions, "source">;

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs `gramfleet <args>` to its end in this very process, which costs a tenth of a process of its own. What it would
 * find and leave there is its own for as long as it runs: environment, working directory, both streams, exit code.
 * One after the other, therefore, whoever asks. For commands that end by themselves; each file with some of them has
 * others that run as processes, for what is only so: the build, signals, an end with nothing left open.
 */
export function runHere(args: readonly string[], options: HereOptions = {}): Promise<Ran> {
  return startHere(args, options).ended;
}

/** The same, and what it says is heard while it runs. */
export function startHere(
  args: readonly string[],
  options: HereOptions = {},
): Pick<Running, "stdout" | "stderr" | "says" | "ended"> {
  const said = { stdout: "", stderr: "" };
  const ended = last.then(() => run(args, options, said));
  last = ended.catch(() => {});
  return {
    ended,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    async says(what, timeoutMs = 90_000) {
      const heard = () => what.test(said.stdout) || what.test(said.stderr);
      await eventually(heard, { timeoutMs, what: `"${what.source}" of gramfleet ${args.join(" ")}` });
    },
  };
}

async function run(args: readonly string[], { env, cwd }: HereOptions, said: Omit<Ran, "code">): Promise<Ran> {
  const { stdout, stderr, env: ownEnv } = process;
  const own = { cwd: process.cwd(), out: stdout.write, err: stderr.write, sync: fs.writeSync, code: process.exitCode };
  const hear =
    (stream: "stdout" | "stderr") =>
    (text: string | Uint8Array): boolean => {
      Object.assign(said, { [stream]: said[stream] + Buffer.from(text as string).toString() });
      return true;
    };
  const takeBack = keepProcess();
  process.env = { PATH: ownEnv.PATH, HOME: ownEnv.HOME, TZ: "UTC", ...env };
  process.chdir(cwd ?? tmpdir());
  process.exitCode = undefined;
  stdout.write = hear("stdout") as typeof stdout.write;
  stderr.write = hear("stderr") as typeof stderr.write;
  // The log's way to standard error.
  fs.writeSync = ((fd: number, data: string | Uint8Array, ...rest: never[]) => {
    if (fd !== 2) return own.sync(fd, data as Uint8Array, ...rest);
    hear("stderr")(data);
    return Buffer.byteLength(data);
  }) as typeof fs.writeSync;
  try {
    const code = await runProgram(args);
    return { code: code || Number(process.exitCode ?? 0), ...said };
  } finally {
    takeBack();
    process.env = ownEnv;
    process.chdir(own.cwd);
    process.exitCode = own.code;
    stdout.write = own.out;
    stderr.write = own.err;
    fs.writeSync = own.sync;
  }
}

/** What a process that runs for good does to its own before it finds that it cannot: gives what undoes it. */
function keepProcess(): () => void {
  const { channel } = process;
  const unref = channel?.unref;
  const events = ["SIGINT", "SIGTERM", "disconnect"] as const;
  const before = events.map((event) => new Set(process.listeners(event as "SIGINT")));
  // The channel is the test runner's, which it keeps alive.
  if (channel) channel.unref = () => {};
  return () => {
    if (channel && unref) channel.unref = unref;
    for (const [index, event] of events.entries())
      for (const listener of process.listeners(event as "SIGINT"))
        if (!before[index]?.has(listener)) process.off(event, listener);
  };
}
