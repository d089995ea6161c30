import type { PlanIntervals } from "../config/plans.ts";
import { bringBackToNow, claimOverdue } from "../db/schedules.ts";
import { bringBackWaits } from "../db/waits.ts";
import type { Producer } from "../queue/producer.ts";
import type { Log } from "../runtime/log.ts";
import { currentSpan } from "../runtime/tracing.ts";
import { parseJobs, type ScanDependencies } from "./due-scan.ts";

/** `nextParseAt` goes no further beyond an interval. */
const LONGEST_SPREAD = 1.05;

/**
 * Finds users that were claimed and never parsed (a job that got lost, a worker that died), and enqueues them again.
 * Queues that serve nobody now are spared. A job that is still there absorbs its like. What PostgreSQL's clock wrote
 * before it was set back is brought back to now first.
 */
export async function scanOverdue(
  deps: Omit<ScanDependencies, "producer" | "limits"> & {
    readonly producer: Pick<Producer, "addBulk" | "pausedQueues">;
    readonly queues: readonly string[];
    readonly intervals: PlanIntervals;
    readonly limits: { readonly dueBatch: number; readonly overdueAfterMs: number };
    readonly log: Log;
  },
): Promise<"again" | "rest"> {
  const pausedQueues = await deps.producer.pausedQueues(deps.queues);
  const { premiumMs, trialMs, freeMs } = deps.intervals;
  const longestMs = Math.max(premiumMs, trialMs, freeMs) * LONGEST_SPREAD;
  const claimed = await deps.database.asWorker(async (tx) => {
    const users = await bringBackToNow(tx, longestMs);
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
