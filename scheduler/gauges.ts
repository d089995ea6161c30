import type { Database } from "../db/database.ts";
import { ledgerTotals } from "../db/ledger.ts";
import { countSchedules } from "../db/schedules.ts";
import { countByState } from "../db/sessions.ts";
import { countRunningWaits } from "../db/waits.ts";
import type { Producer } from "../queue/producer.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** Brings the gauges of the schedule, of the queues and of what waits for Telegram up to date. */
export async function measure(deps: {
  readonly database: Database;
  readonly producer: Pick<Producer, "queueCounts">;
  readonly queues: readonly string[];
  readonly limits: { readonly overdueAfterMs: number };
  readonly flood: { readonly sleepThreshold: number };
  readonly metrics: Pick<Metrics, "usersDue" | "queueDepth" | "accountsWaiting">;
}): Promise<"rest"> {
  const [{ schedules, waiting, waitingLong }, queues] = await Promise.all([
    deps.database.asWorker(async (tx) => ({
      schedules: await countSchedules(tx, deps.limits.overdueAfterMs),
      waiting: await countRunningWaits(tx),
      waitingLong: await countRunningWaits(tx, deps.flood.sleepThreshold),
    })),
    deps.producer.queueCounts(deps.queues),
  ]);
  deps.metrics.accountsWaiting.set({ length: "any" }, waiting.accounts);
  deps.metrics.accountsWaiting.set({ length: "long" }, waitingLong.accounts);
  deps.metrics.usersDue.set(schedules.due);
  for (const { queue, waiting, delayed, parked, active, failed } of queues) {
    for (const [state, jobs] of Object.entries({ waiting, delayed, parked, active, failed }))
      deps.metrics.queueDepth.set({ queue, state }, jobs);
  }
  return "rest";
}

/** Brings the gauge of sessions up to date. */
export async function measureSessions(deps: {
  readonly database: Database;
  readonly metrics: Pick<Metrics, "sessionStates">;
}): Promise<"rest"> {
  const counts = await deps.database.once(countByState);
  for (const [state, count] of counts) deps.metrics.sessionStates.set({ state }, count);
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
