import { loadavg } from "node:os";
import { Command, CommanderError } from "commander";
import { sql } from "kysely";
import { wholeNumber } from "../../cli/options.ts";
import { createOutput, type Output, table } from "../../cli/output.ts";
import { loadConfig } from "../../config/load.ts";
import type { Database } from "../../db/database.ts";
import { countDue } from "../../db/schedules.ts";
import { gramfleetCommand } from "../../runtime/entry.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { createLog } from "../../runtime/log.ts";
import { sleep } from "../../runtime/sleep.ts";
import { acquire } from "../acquire.ts";
import { cpuOf } from "../cpu.ts";
import { openBenchDatabase } from "../fleet.ts";
import { openGround } from "../ground.ts";
import { sideCommand, startProcess } from "../process.ts";
import { costOfTurns } from "./costs.ts";
import { API_IDS, fill, spread } from "./fill.ts";
import { lookAtTables, planOfClaim } from "./seen.ts";

interface Flags {
  readonly users: number;
  readonly premiumPercent: number;
  readonly minutes: number;
  readonly json: boolean;
}

/** Due to enqueued: what is to hold. */
const P99_MS = 5_000;
const SCHEDULER_CORES = 0.5;

const program = new Command("scale")
  .description("a scheduler keeping pace with a million users in PostgreSQL; exit 1 where it does not")
  .option("--users <n>", "users (1,000,000)", wholeNumber(1_000), 1_000_000)
  .option("--premium-percent <n>", "of them premium, due every 15 minutes (50)", wholeNumber(0), 50)
  .option("--minutes <n>", "measured for so long (5)", wholeNumber(1), 5)
  .option("--json", "end with one line of JSON", false)
  .exitOverride()
  .action(async (flags: Flags) => {
    process.exitCode = (await scale(flags)) ? 0 : 1;
  });

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}

async function scale(flags: Flags): Promise<boolean> {
  const out = createOutput({ json: flags.json });
  const log = createLog({ level: "warn", name: "scale" });
  const lifecycle = new Lifecycle(log);
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => void lifecycle.close().then(() => process.exit(130)));
  return run(flags, out, lifecycle, log).finally(() => lifecycle.close());
}

/** Whoever became due while the table was written is caught up with first: hardly anybody is late any more. */
async function caughtUp(database: Database, note: (text: string) => void): Promise<void> {
  for (;;) {
    await sleep(5_000);
    const { due, inFlight, late } = await database.once((tx) => countDue(tx, 2_000));
    if (late < 1_000) return;
    note(`catching up: ${due} due, ${inFlight} in the queues`);
  }
}

async function run(flags: Flags, out: Output, lifecycle: Lifecycle, log: ReturnType<typeof createLog>) {
  const ground = await openGround({ env: process.env, name: "scale", lifecycle, log });
  const env: NodeJS.ProcessEnv = {
    ...(await ground.environment("scale")),
    ...{ REDIS_PREFIX: "scale", METRICS_PORT: "0", LOG_LEVEL: "warn" },
    MASTER_API_IDS: API_IDS.join(","),
    MASTER_API_HASHES: API_IDS.map(() => "0".repeat(32)).join(","),
  };
  const database = openBenchDatabase(loadConfig(env, ["database"]), ground);
  lifecycle.own("database", database, (db) => db.close());
  const { users, premiumPercent, minutes } = flags;
  await fill(database, { users, premiumShare: premiumPercent / 100, note: (text) => out.note(text) });
  await database.asOwner((tx) => sql`checkpoint`.execute(tx)).catch(() => undefined);
  const costs = await costOfTurns(env, database);
  const start = (name: string, command: Parameters<typeof startProcess>[0]["command"]) =>
    acquire(lifecycle, name, startProcess({ name, command, env, logFile: ground.logFile(name) }), (each) =>
      each.stop(),
    );
  const consumer = await start("consumer", sideCommand(new URL("./consumer.ts", import.meta.url)));
  const scheduler = await start("scheduler", gramfleetCommand(["scheduler"]));
  await spread(database, 0);
  await caughtUp(database, (text) => out.note(text));
  await consumer.ask<number[]>("lateness");
  const parts = {
    scheduler: { root: scheduler.pid },
    consumer: { root: consumer.pid },
    postgres: { root: ground.supervisorPid, program: "postgres" },
    redis: { root: ground.supervisorPid, program: "redis-server" },
  };
  const before = await lookAtTables(database);
  const startedAt = performance.now();
  const { cpu } = await cpuOf(parts, async () => {
    for (let minute = 1; minute <= minutes; minute += 1) {
      await sleep(60_000);
      out.note(`minute ${minute} of ${minutes}, load ${loadavg()[0]?.toFixed(1)}`);
    }
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const late = await consumer.ask<number[]>("lateness");
  const after = await lookAtTables(database);
  const plan = await planOfClaim(database, 1_000);
  const quantile = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))] ?? Number.NaN;
  const cores = Object.fromEntries(Object.entries(cpu).map(([part, used]) => [part, used / seconds]));
  const result = {
    ...{ users, premiumPercent, seconds, perSecond: late.length / seconds, loadAverage: loadavg() },
    lateMs: { p50: quantile(0.5), p99: quantile(0.99), most: late.at(-1) ?? Number.NaN },
    ...{ cores, costs, plan },
    tables: after.map((each, index) => {
      const was = before[index] ?? each;
      return {
        ...{ ...each, updates: each.updates - was.updates, hotUpdates: each.hotUpdates - was.hotUpdates },
        sequentialScans: each.sequentialScans - was.sequentialScans,
      };
    }),
  };
  const holds = result.lateMs.p99 < P99_MS && (cores.scheduler ?? 1) < SCHEDULER_CORES;
  const round = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(2));
  out.result({ ...result, holds }, () => [
    `${users} users, ${premiumPercent} % premium: ${round(result.perSecond)} enqueued a second for ${round(seconds)} s`,
    `due to enqueued: p50 ${round(result.lateMs.p50)} ms, p99 ${round(result.lateMs.p99)} ms, most ${round(result.lateMs.most)} ms`,
    `cores: ${Object.entries(cores)
      .map(([part, used]) => `${part} ${used.toFixed(3)}`)
      .join(", ")}`,
    ...table(
      ["table", "MB", "indexes MB", "dead rows", "updates", "of them HOT", "sequential scans"],
      result.tables.map((each) => [
        ...[each.name, round(each.tableMb), round(each.indexMb), String(each.dead)],
        ...[String(each.updates), String(each.hotUpdates), String(each.sequentialScans)],
      ]),
    ),
    ...table(
      ["loop", "every", "a turn"],
      costs.map(({ loop, everyMs, ms }) => [loop, `${everyMs} ms`, `${round(ms)} ms`]),
    ),
    ...plan,
    holds ? "holds" : "DOES NOT HOLD",
  ]);
  return holds;
}
