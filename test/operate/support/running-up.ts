import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ControlClient, createControlClient } from "../../../emulator/control-client.ts";
import { type Running, startGramfleet } from "../../support/gramfleet.ts";
import { freePort } from "./prometheus.ts";

/** `gramfleet up` with an api and a bot of its own beside it. */
export interface RunningUp {
  readonly up: Running;
  readonly telegram: ControlClient;
  /** Where the api listens. */
  readonly address: string;
  /** Where Prometheus finds all of them. */
  readonly targetFiles: readonly string[];
  /** Stops processes of a kind where they stand (SIGSTOP); the returned function lets them go on. */
  freeze(kind: "scheduler" | "worker"): () => void;
  close(): Promise<void>;
}

/** `dir` is for what they keep in temporary files, a short path. */
export async function startUp(options: {
  dataDir: string;
  dir: string;
  users: number;
  workers: number;
}): Promise<RunningUp> {
  const { dataDir, dir } = options;
  const at = ["--data-dir", dataDir];
  const sizes = ["--users", String(options.users), "--channels", "12", "--workers", String(options.workers)];
  const up = startGramfleet(["up", ...at, ...sizes], { env: { TMPDIR: dir } });
  await up.says(/^logs are under/m);
  const control = readdirSync(dir)
    .map((name) => join(dir, name, "control.sock"))
    .find((path) => existsSync(path));
  if (!control) throw new Error("the emulator's socket is not where it was");
  // In which logins are kept: an api without a keyring has none.
  const keyring = readFileSync(join(dataDir, "keyring"), "utf8").trim();
  const api = await startBeside(dataDir, "api", { API_PORT: "0", SESSION_ENCRYPTION_KEYS: keyring });
  const address = /"address":"([^"]+)"/.exec(api.running.stderr())?.[1] ?? "";
  const bot = await startBeside(dataDir, "bot", { AUTH_BASE_URL: address });
  const beside = [api, bot];
  const more = join(dir, "more-targets.json");
  const targets = beside.map(({ port, name }) => ({ targets: [`127.0.0.1:${port}`], labels: { process: name } }));
  writeFileSync(more, JSON.stringify(targets));
  return {
    up,
    telegram: createControlClient(control),
    address,
    targetFiles: [join(dataDir, "prometheus-targets.json"), more],
    freeze(kind) {
      const pids = childrenOf(up.pid).filter((pid) => argumentsOf(pid).at(-1) === kind);
      if (pids.length === 0) throw new Error(`no ${kind} is a child of up`);
      for (const pid of pids) process.kill(pid, "SIGSTOP");
      return () => {
        for (const pid of pids) process.kill(pid, "SIGCONT");
      };
    },
    async close() {
      for (const { running } of beside) running.signal("SIGTERM");
      await Promise.all(beside.map(({ running }) => running.ended));
    },
  };
}

async function startBeside(dataDir: string, name: string, env: NodeJS.ProcessEnv) {
  const port = await freePort();
  const running = startGramfleet([name, "--data-dir", dataDir], { env: { METRICS_PORT: String(port), ...env } });
  await running.ready();
  return { running, port, name };
}

/** Empty where it has ended since. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  // After the program's name, which may have spaces: its state, its parent.
  const parentOf = (pid: number) =>
    readProc(pid, "stat")
      .replace(/^.*\) /s, "")
      .split(" ")[1];
  return pids.map(Number).filter((pid) => parentOf(pid) === String(parent));
}

const argumentsOf = (pid: number): string[] => readProc(pid, "cmdline").split("\0").filter(Boolean);
