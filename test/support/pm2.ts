import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

/** A process as pm2 lists it. */
export interface Pm2Process {
  readonly name: string;
  readonly pid: number;
  readonly status: string;
  readonly restarts: number;
  readonly metricsPort: number;
}

/** A pm2 of its own, with its daemon, files and sockets in `folder`. */
export interface Pm2 {
  /** Runs `pm2 <args>` to its end, and gives what it said. @throws where it failed */
  run(...args: string[]): Promise<string>;
  list(): Promise<readonly Pm2Process[]>;
  /** The daemon's own log. */
  log(): string;
  /** What a process of this name has said, to whichever stream. */
  logOf(name: string): string;
  daemonPid(): number;
  /** Ends the daemon, and all processes with it. Nothing where there is none. */
  kill(): Promise<void>;
}

interface Listed {
  readonly name: string;
  readonly pid: number;
  readonly pm2_env: { readonly status: string; readonly restart_time: number; readonly METRICS_PORT: string };
}

const program = join(createRequire(import.meta.url).resolve("pm2/package.json"), "..", "bin", "pm2");

/** @param folder is made; short, since sockets lie in it */
export function createPm2(options: {
  readonly folder: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}): Pm2 {
  const { folder, cwd } = options;
  mkdirSync(folder, { recursive: true });
  const pidFile = join(folder, "pm2.pid");
  // It asks for its newest version over the network unless told not to.
  const env = { ...options.env, PM2_HOME: folder, PM2_DISABLE_VERSION_CHECK: "true" };
  const run = (...args: string[]) =>
    new Promise<string>((resolve, reject) => {
      execFile(
        process.execPath,
        [program, ...args],
        { cwd, env, maxBuffer: 64 * 1024 ** 2 },
        (error, stdout, stderr) =>
          error ? reject(new Error(`pm2 ${args.join(" ")}: ${stdout}${stderr}`, { cause: error })) : resolve(stdout),
      );
    });
  const daemonPid = () => Number(readFileSync(pidFile, "utf8"));
  return {
    run,
    daemonPid,
    async list() {
      const said = await run("jlist");
      return (JSON.parse(said.slice(said.indexOf("[{"))) as Listed[]).map(({ name, pid, pm2_env }) => ({
        ...{ name, pid },
        status: pm2_env.status,
        restarts: pm2_env.restart_time,
        metricsPort: Number(pm2_env.METRICS_PORT),
      }));
    },
    log: () => readFileSync(join(folder, "pm2.log"), "utf8"),
    logOf: (name) =>
      readdirSync(join(folder, "logs"))
        .filter((file) => file.startsWith(`${name}-`))
        .map((file) => readFileSync(join(folder, "logs", file), "utf8"))
        .join(""),
    async kill() {
      if (!existsSync(pidFile)) return;
      const pid = daemonPid();
      await run("kill");
      await eventually(() => !isAlive(pid), { what: "the end of pm2's daemon" });
    },
  };
}

/** Whether there is a process of this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
