import { sql } from "kysely";
import { lagSince, runTotals } from "../../db/runs.ts";
import { databaseTime } from "../../db/schedules.ts";
import { builtCommand } from "../../faults/build.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { sleep } from "../../runtime/sleep.ts";
import { acquire } from "../acquire.ts";
import { type CpuParts, cpuOf } from "../cpu.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import type { MeasuredGround } from "../ground.ts";
import { startProcess } from "../process.ts";
import { MEASURED, type Service } from "./measured.ts";
import { type Scenario, simulate } from "./simulate.ts";

const USERS = 200;
/** Nobody follows any: what reading costs would have to be measured apart. A parse is its lease, connection and owner check. */
const CHANNELS = 1;
const CHANNELS_PER_USER = 0;
const CONCURRENCY = 8;
/** Plan intervals this many times shorter: 15 s and 60 s. */
const PACE = 60;
const [PREMIUM_EVERY, FREE_EVERY] = [900 / PACE, 3_600 / PACE];
const WARM_UP_MS = 12_000;
const COUNTED_MS = 40_000;

interface Seen {
  readonly parsesPerSecond: number;
  readonly callsPerSecond: number;
  /** Cores of a worker, on average. */
  readonly workerUse: number;
  readonly lag: { readonly p50: number; readonly p99: number };
  /** Seconds of a run, the median. */
  readonly duration: number;
}

export interface Compared {
  readonly name: string;
  readonly predicted: Pick<Seen, "parsesPerSecond" | "callsPerSecond" | "workerUse" | "lag">;
  readonly seen: Seen;
}

/**
 * Runs a real fleet on the emulator three times: half of the users on one worker, from which a parse's cost is taken; then
 * all of them on one worker, and on two, which the simulation has to predict from that.
 */
export async function check(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  note: (text: string) => void,
): Promise<{ readonly service: Service; readonly compared: readonly Compared[] }> {
  const paced = { EMULATOR_PACE: String(PACE), WORKER_CONCURRENCY: String(CONCURRENCY), METRICS_PORT: "0" };
  const fleet = await startFleet(ground, lifecycle, {
    ...{ name: "simulate", users: USERS, ours: USERS, subscribed: false, channels: CHANNELS, files: [] },
    worker: { nodeFlags: [], env: paced },
  });
  const env = { ...fleet.env, ...paced };
  const start = (name: string, role: string) =>
    acquire(
      lifecycle,
      name,
      startProcess({
        name,
        command: builtCommand(ground.dist, [role]),
        env,
        logFile: ground.logFile(`simulate-${name}`),
      }),
      (each) => each.stop(),
    );
  const workers: CpuParts = { one: fleet.cpu.worker! };
  const run = async (name: string, share: number, parts: CpuParts): Promise<Seen & { premiumShare: number }> => {
    const premiumShare = await spread(fleet, share);
    note(`${name}: warming up`);
    await sleep(WARM_UP_MS);
    note(`${name}: counting`);
    return { ...(await count(fleet, parts)), premiumShare };
  };
  await spread(fleet, 0.5);
  await start("scheduler", "scheduler");

  const half = await run("half of the users, one worker", 0.5, workers);
  const perParse = half.workerUse / half.parsesPerSecond;
  const callsPerParse = half.callsPerSecond / half.parsesPerSecond;
  const service: Service = {
    cpuPerParse: perParse,
    cpuPerChange: MEASURED.cpuPerChange.value,
    roundTrip: Math.max(0.001, (half.duration - perParse) / callsPerParse),
  };
  const one = await run("all users, one worker", 1, workers);
  const second = await start("worker-2", "worker");
  const two = await run("all users, two workers", 1, { ...workers, two: { root: second.pid } });
  const predict = (count: number, { premiumShare }: { premiumShare: number }) => {
    const scenario: Scenario = {
      ...{ users: USERS, premiumShare, premiumEvery: PREMIUM_EVERY, freeEvery: FREE_EVERY },
      ...{ channelsPerUser: CHANNELS_PER_USER, channels: CHANNELS, postsPerChannelPerDay: 0 },
      ...{ workers: count, apiIds: 3, callsPerSecond: 100_000, concurrency: CONCURRENCY },
      ...{ floodProbability: 0, floodSeconds: 0, service, warmUp: 120, seconds: 600, seed: 1 },
    };
    return simulate(scenario);
  };
  return {
    service,
    compared: [
      { name: "all users, one worker", predicted: predict(1, one), seen: one },
      { name: "all users, two workers", predicted: predict(2, two), seen: two },
    ],
  };
}

/** So many of the users are parsed, due evenly over their intervals; gives the share of premium among them. */
async function spread({ database }: Fleet, share: number): Promise<number> {
  return database.asOwner(async (tx) => {
    await sql`
      update schedules s set claimed_at = null,
        queue = case when n.turn <= ${share * USERS}::float8 then 'parse-' || n.api_id end,
        next_parse_at = now() + random() * case n.plan when 'premium' then ${PREMIUM_EVERY}::float8 else ${FREE_EVERY}::float8 end
          * interval '1 second'
      from (
        select u.id, u.plan, e.api_id, row_number() over (order by u.id) as turn
        from users u join sessions e on e.user_id = u.id and e.state = 'AUTHORIZED'
      ) n where n.id = s.user_id`.execute(tx);
    const { rows } = await sql<{ premium: number }>`
      select avg((u.plan = 'premium')::int)::float8 as premium
      from users u join schedules s on s.user_id = u.id where s.queue is not null`.execute(tx);
    return rows[0]?.premium ?? 0;
  });
}

async function count(fleet: Fleet, parts: CpuParts): Promise<Seen> {
  const { database, control } = fleet;
  const since = new Date(await database.once(databaseTime));
  const before = await control.summary();
  const startedAt = performance.now();
  const { cpu } = await cpuOf(parts, () => sleep(COUNTED_MS));
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await control.summary();
  const [totals, lags, { rows }] = await database.asWorker(async (tx) => [
    await runTotals(tx, since),
    await lagSince(tx, since),
    await sql<{ seconds: number }>`
      select percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at))::float8 as seconds
      from runs where finished_at >= ${since}`.execute(tx),
  ]);
  const { p50, p99 } = lags.get("all") ?? { p50: Number.NaN, p99: Number.NaN };
  const cores = Object.values(cpu).reduce((sum, each) => sum + each, 0) / seconds;
  return {
    parsesPerSecond: totals.parses / seconds,
    callsPerSecond: (after.calls - before.calls) / seconds,
    workerUse: cores / Object.keys(parts).length,
    lag: { p50, p99 },
    duration: rows[0]?.seconds ?? 0,
  };
}
