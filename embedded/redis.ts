import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, closeSync, constants, openSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { delimiter, join } from "node:path";
import { OperatorError } from "../runtime/operator-error.ts";
import { sleep } from "../runtime/sleep.ts";

const PROGRAMS = ["redis-server", "valkey-server"];
const START_MS = 10_000;

export interface RunningRedis {
  /** Null where an earlier owner started it. */
  readonly pid: number | null;
  /** Settles when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** An URL that ioredis reads. */
export function redisUrl(socket: string): string {
  return `unix://${socket}`;
}

/**
 * Starts a private Redis on a unix socket. It keeps nothing on disk: what must survive is in PostgreSQL. One that an
 * earlier owner left running on the same socket is taken over as it is.
 *
 * @param options.path where programs are looked for, as in PATH
 * @param options.settings on its command line, after ours: fault tests let it remember
 * @throws OperatorError with the command to type where no redis-server is installed
 */
export async function startRedis(options: {
  socket: string;
  logFile: string;
  path: string;
  settings?: Readonly<Record<string, string>>;
}): Promise<RunningRedis> {
  const program = findProgram(options.path);
  if (await ping(options.socket))
    return { pid: null, ended: gone(options.socket), stop: () => shutDown(options.socket) };
  rmSync(options.socket, { force: true });
  const log = openSync(options.logFile, "a", 0o600);
  const child = spawn(
    program,
    [
      ...["--port", "0", "--unixsocket", options.socket, "--unixsocketperm", "700"],
      ...["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--daemonize", "no"],
      ...Object.entries(options.settings ?? {}).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    { stdio: ["ignore", log, log], detached: true, env: { PATH: options.path, TZ: "UTC" } },
  );
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  await ready(child, options);
  return {
    pid: child.pid ?? null,
    ended,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await ended;
    },
  };
}

async function ready(child: ChildProcess, options: { socket: string; logFile: string }): Promise<void> {
  const giveUpAt = performance.now() + START_MS;
  while (!(await ping(options.socket))) {
    const ended = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
    if (ended || performance.now() > giveUpAt) {
      child.kill("SIGKILL");
      const last = readFileSync(options.logFile, "utf8").trim().split("\n").at(-1);
      throw new OperatorError(`the private Redis did not start: ${last} (see ${options.logFile})`);
    }
    await sleep(10);
  }
}

function findProgram(path: string): string {
  for (const program of PROGRAMS) {
    for (const folder of path.split(delimiter)) {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return join(folder, program);
      } catch {}
    }
  }
  throw new OperatorError(`redis-server is not installed: ${installCommand()}; or set REDIS_URL to a Redis of yours`);
}

/** The exact command for this machine. */
function installCommand(): string {
  if (process.platform === "darwin") return "brew install redis";
  let release = "";
  try {
    release = readFileSync("/etc/os-release", "utf8");
  } catch {}
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  if (/^ID(_LIKE)?=.*(fedora|rhel|centos)/m.test(release)) return `${sudo}dnf install redis`;
  if (/^ID(_LIKE)?=.*(alpine)/m.test(release)) return `${sudo}apk add redis`;
  if (/^ID(_LIKE)?=.*(arch)/m.test(release)) return `${sudo}pacman -S valkey`;
  return `${sudo}apt-get install redis-server`;
}

/** Sends one inline command; gives the first line of the answer, null where nobody answers. */
function ask(socket: string, command: string): Promise<string | null> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    connection.setEncoding("utf8");
    connection.once("connect", () => connection.write(`${command}\r\n`));
    connection.once("data", (answer: string) => {
      connection.destroy();
      resolve(answer.split("\r\n")[0] ?? "");
    });
    connection.once("error", () => resolve(null));
    connection.once("close", () => resolve(null));
  });
}

async function ping(socket: string): Promise<boolean> {
  return (await ask(socket, "PING")) === "+PONG";
}

async function shutDown(socket: string): Promise<void> {
  await ask(socket, "SHUTDOWN NOSAVE");
  await gone(socket);
}

/** Settles when the connection to a Redis that is not our child ends. */
function gone(socket: string): Promise<void> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    connection.once("error", () => resolve());
    connection.once("close", () => resolve());
  });
}
