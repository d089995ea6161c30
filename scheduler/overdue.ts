import type { PlanIntervals } from "../config/plans.ts";
import { bringBackToNow, claimOverdue, databaseTime } from "../db/schedules.ts";
import { bringBackWaits } from "../db/waits.ts";
import type { Producer } from "../queue/producer.ts";
import type { Log } from "../runtime/log.ts";
import { currentSpan } from "../runtime/tracing.ts";
import { parseJobs, type ScanDependencies } from "./due-scan.ts";

/** `nextParseAt` goes no further beyond an interval. */
const LONGEST_SPREAD = 1.05;

/** What PostgreSQL's clock may fall behind ours by between two looks, unless it was set back. */
const DRIFT_MS = 30_000;

export interface OverdueDependencies extends Omit<ScanDependencies, "producer" | "limits"> {
  readonly producer: Pick<Producer, "addBulk" | "pausedQueues">;
  readonly queues: readonly string[];
  readonly intervals: PlanIntervals;
  readonly limits: { readonly dueBatch: number; readonly overdueAfterMs: number };
  readonly log: Log;
}

/**
 * The overdue scan's turns: each finds users that were claimed and never parsed (a job that got lost, a worker that died),
 * and enqueues them again. Queues that serve nobody now are spared. A job that is still there absorbs its like.
 *
 * What PostgreSQL's clock wrote before it was set back is brought back to now. That looks at every user, so it is done in
 * the first turn, and where that clock is seen to have gone back since the last.
 */
export function createOverdueScan(deps: OverdueDependencies): () => Promise<"again" | "rest"> {
  let seen: { readonly database: number; readonly at: number } | null = null;
  return async () => {
    const database = await deps.database.once(databaseTime);
    const at = performance.now();
    const setBack = seen === null || database - seen.database < at - seen.at - DRIFT_MS;
    const turn = await scanOverdue(deps, setBack);
    seen = { database, at };
    return turn;
  };
}

async function scanOverdue(deps: OverdueDependencies, setBack: boolean): Promise<"again" | "rest"> {
  const pausedQueues = await deps.producer.pausedQueues(deps.queues);
  const { premiumMs, trialMs, freeMs } = deps.intervals;
  const longestMs = Math.max(premiumMs, trialMs, freeMs) * LONGEST_SPREAD;
  const claimed = await deps.database.asWorker(async (tx) => {
    const users = setBack ? await bringBackToNow(tx, longestMs) : 0;
    const waits = await bringBackWaits(tx);
    if (users + waits > 0) deps.log.warn({ users, waits }, "times brought back: PostgreSQL's clock was set back");
    const overdue = await claimOverdue(tx, {
      afterMs: deps.limits.overdueAfterMs,
      limit: deps.limits.dueBatch,
      pausedQueues,
    });
    if (overdue.length > 0) await deps.producer.addBulk(parseJobs(overdue, deps.now()));
    return overdue.length;
  });
  if (claimed > 0) deps.log.info({ users: claimed }, "overdue parses enqueued again");
  deps.metrics.dueScanned.inc(claimed);
  currentSpan().set({ "gramfleet.users": claimed });
  return claimed === deps.limits.dueBatch ? "again" : "rest";
}
