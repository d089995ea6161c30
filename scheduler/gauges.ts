import type { Database } from "../db/database.ts";
import { ledgerTotals } from "../db/ledger.ts";
import { countSchedules } from "../db/schedules.ts";
import type { Producer } from "../queue/producer.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** Brings the gauges of the schedule and of the queues up to date. */
export async function measure(deps: {
  readonly database: Database;
  readonly producer: Pick<Producer, "queueCounts">;
  readonly queues: readonly string[];
  readonly limits: { readonly overdueAfterMs: number };
  readonly metrics: Pick<Metrics, "usersDue" | "queueDepth">;
}): Promise<"rest"> {
  const [schedules, queues] = await Promise.all([
    deps.database.asWorker((tx) => countSchedules(tx, deps.limits.overdueAfterMs)),
    deps.producer.queueCounts(deps.queues),
  ]);
  deps.metrics.usersDue.set(schedules.due);
  for (const { queue, waiting, delayed, active, failed } of queues) {
    for (const [state, jobs] of Object.entries({ waiting, delayed, active, failed }))
      deps.metrics.queueDepth.set({ queue, state }, jobs);
  }
  return "rest";
}

/** Brings the gauges of completeness up to date. */
export async function measureLedger(deps: {
  readonly database: Database;
  readonly historyDepthFree: number;
  readonly metrics: Pick<Metrics, "messagesMissing" | "messagesUnverified" | "channelsIncomplete" | "oldestGap">;
}): Promise<"rest"> {
  const totals = await deps.database.once((tx) => ledgerTotals(tx, deps));
  deps.metrics.messagesMissing.set(totals.missing);
  deps.metrics.messagesUnverified.set(totals.unverified);
  deps.metrics.channelsIncomplete.set(totals.incomplete);
  deps.metrics.oldestGap.set(totals.oldestGapSeconds);
  return "rest";
}
