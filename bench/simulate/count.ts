import { readFileSync } from "node:fs";
import { sql } from "kysely";
import { lagSince, runTotals } from "../../db/runs.ts";
import { databaseTime } from "../../db/schedules.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { sleep } from "../../runtime/sleep.ts";
import { callsBetween } from "../calls/count.ts";
import { type CpuPart, cpuOf } from "../cpu.ts";
import type { CheckFleet } from "./check-fleet.ts";
import { startPosting } from "./posts.ts";

/** After a change of load, until what is under way is of the new one. */
const SETTLE_MS = 3_000;

/** What a fleet is given to do. */
export interface Load {
  readonly name: string;
  /** Of all users, 0 to 1. */
  readonly share: number;
  readonly postsPerSecond: number;
}

/** What was seen of it, by the second. */
export interface Seen extends Load {
  readonly workers: number;
  readonly premiumShare: number;
  readonly parsesPerSecond: number;
  readonly callsPerSecond: number;
  /** Channels read because something was new in them. */
  readonly changesPerSecond: number;
  /** Cores of a worker, on average. */
  readonly workerUse: number;
  readonly lag: { readonly p50: number; readonly p99: number };
  /** Seconds of a run, the median. */
  readonly duration: number;
  /** Of a second: for how long a worker was ready to run, and something else had the processors. */
  readonly workerWaited: number;
}

/**
 * Puts a load on the fleet and counts for `milliseconds` once it has settled.
 *
 * @throws where a parse or a job has failed: its cost is no figure; where it is interrupted
 */
export async function countUnder(
  load: Load,
  { fleet, lifecycle, milliseconds }: { fleet: CheckFleet; lifecycle: Lifecycle; milliseconds: number },
): Promise<Seen> {
  const { control, channels } = fleet;
  const { signal } = lifecycle;
  signal.throwIfAborted();
  const premiumShare = await fleet.spread(load.share);
  const posting = startPosting({ control, channels, perSecond: load.postsPerSecond, signal });
  await sleep(SETTLE_MS, signal);
  signal.throwIfAborted();
  const seen = await count(fleet, async () => {
    await sleep(milliseconds, signal);
    signal.throwIfAborted();
  });
  await posting.stop();
  return { ...seen, ...load, premiumShare };
}

async function count(fleet: CheckFleet, work: () => Promise<void>): Promise<Omit<Seen, keyof Load | "premiumShare">> {
  const { database, control, workers } = fleet;
  const since = new Date(await database.once(databaseTime));
  const before = await control.summary();
  const waitedBefore = waitedBy(workers);
  const startedAt = performance.now();
  const { cpu } = await cpuOf(Object.fromEntries(workers.map((each) => [each.root, each])), work);
  const seconds = (performance.now() - startedAt) / 1_000;
  const waited = waitedBy(workers) - waitedBefore;
  const after = await control.summary();
  const [totals, lags, { rows }] = await database.asWorker(async (tx) => [
    await runTotals(tx, since),
    await lagSince(tx, since),
    await sql<{ seconds: number }>`
      select percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at))::float8 as seconds
      from runs where finished_at >= ${since}`.execute(tx),
  ]);
  const failed = (await fleet.producer.queueCounts()).reduce((sum, queue) => sum + queue.failed, 0);
  if (totals.failed + failed > 0) throw new Error(`${totals.failed} parses and ${failed} jobs failed`);
  const { p50, p99 } = lags.get("all") ?? { p50: Number.NaN, p99: Number.NaN };
  const changes = callsBetween(before.callsByMethod, after.callsByMethod).get("updates.GetChannelDifference") ?? 0;
  return {
    workers: workers.length,
    parsesPerSecond: totals.parses / seconds,
    callsPerSecond: (after.calls - before.calls) / seconds,
    changesPerSecond: changes / seconds,
    workerUse: Object.values(cpu).reduce((sum, each) => sum + each, 0) / seconds / workers.length,
    lag: { p50, p99 },
    duration: rows[0]?.seconds ?? 0,
    workerWaited: waited / seconds / workers.length,
  };
}

/** Seconds that the main threads of these have waited for a processor so far: /proc/PID/schedstat, its second field in ns. */
function waitedBy(workers: readonly CpuPart[]): number {
  const waited = ({ root }: CpuPart) => Number(readFileSync(`/proc/${root}/schedstat`, "utf8").split(" ")[1]) / 1e9;
  return workers.reduce((sum, worker) => sum + waited(worker), 0);
}
