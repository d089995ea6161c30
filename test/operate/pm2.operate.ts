import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { listLeases } from "../../db/leases.ts";
import { attempts } from "../../faults/attempts.ts";
import { judge } from "../../faults/judge.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { BOT_TOKEN } from "../support/bot.ts";
import { builtProgram } from "../support/build.ts";
import { processesOf } from "../support/data-dir.ts";
import { eventually } from "../support/eventually.ts";
import { freePorts } from "../support/free-ports.ts";
import { startHttpLoad } from "../support/http-load.ts";
import { createPm2, isAlive, type Pm2Process } from "../support/pm2.ts";
import { openProductionHome, type ProductionHome } from "../support/production-home.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const RELOADS = 3;
const WORKERS = 3;
const PROCESSES = ["api-1", "api-2", "bot", "scheduler", "worker-1", "worker-2", "worker-3"];
/** From the scheduler's metrics to the last worker's, and the api. */
const PORTS = 6 + WORKERS + 1;

const lifecycle = new Lifecycle(silentLog);
afterAll(() => lifecycle.close());

/** The program as it is deployed: built, beside pm2's file. */
async function deploy(folder: string): Promise<string> {
  mkdirSync(join(folder, "bin"), { recursive: true });
  for (const file of ["ecosystem.config.cjs", "bin/gramfleet.mjs"]) copyFileSync(join(root, file), join(folder, file));
  const dist = await builtProgram();
  symlinkSync(dist, join(folder, "dist"));
  return folder;
}

async function start(home: ProductionHome) {
  const firstPort = await freePorts(PORTS);
  const apiPort = firstPort + PORTS - 1;
  const deployed = await deploy(join(home.dir, "app"));
  const pm2 = createPm2({
    folder: join(home.dir, "pm2"),
    cwd: deployed,
    env: {
      ...home.env,
      METRICS_PORT: String(firstPort),
      API_PORT: String(apiPort),
      API_REQUESTS_PER_MINUTE: "1000000",
      WORKERS: String(WORKERS),
    },
  });
  lifecycle.own("pm2", pm2, (started) => started.kill());
  await pm2.run("start", "ecosystem.config.cjs");
  return { pm2, apiUrl: `http://127.0.0.1:${apiPort}/docs` };
}

const pidsOf = (processes: readonly Pm2Process[]) => processes.map(({ pid }) => pid);
const isReady = async ({ metricsPort }: Pm2Process) => (await fetch(`http://127.0.0.1:${metricsPort}/ready`)).ok;

test("pm2 runs it, replaces every process under load, and leaves none behind", { timeout: 900_000 }, async () => {
  const home = await openProductionHome(lifecycle, {
    ...{ users: 40, channels: 16, postsPerMinute: 400, answerMs: [20, 200], pace: 300 },
    bot: { token: BOT_TOKEN, username: "gramfleet_bot" },
  });
  const leases = () => home.database.once(listLeases);
  const { pm2, apiUrl } = await start(home);
  const started = await pm2.list();
  expect(started.map(({ name }) => name).sort()).toEqual(PROCESSES);
  const daemon = pm2.daemonPid();
  const everyPid = new Set([daemon, ...pidsOf(started)]);

  const load = startHttpLoad(apiUrl, 4);
  for (let reload = 1; reload <= RELOADS; reload += 1) {
    const before = await pm2.list();
    await eventually(async () => (await leases()).length > 0, { what: "a parse under way" });
    await pm2.run("reload", reload % 2 === 0 ? "ecosystem.config.cjs" : "all");
    const after = await pm2.list();
    expect(after.map(({ name }) => name).sort()).toEqual(PROCESSES);
    expect(after.filter(({ status }) => status !== "online")).toEqual([]);
    expect(pidsOf(after).filter((pid) => everyPid.has(pid))).toEqual([]);
    expect(pidsOf(before).filter(isAlive)).toEqual([]);
    expect(await Promise.all(after.map(isReady))).toEqual(after.map(() => true));
    expect(new Set(after.map(({ metricsPort }) => metricsPort)).size).toBe(PROCESSES.length);
    for (const pid of pidsOf(after)) everyPid.add(pid);
  }
  expect(pm2.logOf("api-1")).toMatch(/"msg":"api started"/);
  expect(pm2.logOf("worker-1")).toMatch(/"msg":"worker started"/);
  const { answered, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(100);

  const said: string[] = [];
  const checks = await judge({ signal: lifecycle.signal, progress: (line) => said.push(line) }, home);
  expect(
    checks.filter(({ pass }) => !pass),
    said.join("\n"),
  ).toEqual([]);
  const jobs = await attempts(home.config.redisUrl ?? "", home.config.redisPrefix);
  expect(jobs).toMatchObject({ usedUp: 0, stalled: 0 });
  expect(jobs.seen).toBeGreaterThan(0);
  const figures = Object.fromEntries(checks.map(({ name, value }) => [name, value]));
  process.stderr.write(`pm2: ${JSON.stringify({ answered, ...jobs, ...figures })}\n`);

  await pm2.run("stop", "all");
  expect((await pm2.list()).map(({ status }) => status)).toEqual(PROCESSES.map(() => "stopped"));
  expect([...everyPid].filter(isAlive)).toEqual([daemon]);
  expect(await leases()).toEqual([]);

  // Started again, and ended by pm2's own end.
  await pm2.run("start", "all");
  const again = await pm2.list();
  expect(await Promise.all(again.map(isReady))).toEqual(again.map(() => true));
  await pm2.run("delete", "api-1");
  expect((await pm2.list()).map(({ name }) => name).sort()).toEqual(PROCESSES.filter((name) => name !== "api-1"));
  await pm2.kill();
  expect([...everyPid, ...pidsOf(again)].filter(isAlive)).toEqual([]);
  expect(processesOf(home.dir)).toEqual([]);
  const ends = [...pm2.log().matchAll(/App \[.*exited with code \[(\d+)\]/g)].map(([, code]) => code);
  expect(ends.length).toBeGreaterThanOrEqual(PROCESSES.length * (RELOADS + 2));
  expect(new Set(ends)).toEqual(new Set(["0"]));
  expect(pm2.log()).not.toMatch(/SIGKILL|still alive/);
});
