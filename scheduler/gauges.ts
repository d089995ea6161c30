import { lossesOfADay } from "../db/account-losses.ts";
import { listApiIds } from "../db/api-ids.ts";
import type { Database } from "../db/database.ts";
import { ledgerTotals } from "../db/ledger-totals.ts";
import { countDue, countSchedulable } from "../db/schedules.ts";
import { countByHold, countByState } from "../db/sessions.ts";
import { countRunningWaits } from "../db/waits.ts";
import type { Producer } from "../queue/producer.ts";
import { apiIdLabel, SESSION_HOLDS } from "../runtime/metrics/labels.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** Brings the gauges of the schedule, of the queues and of what waits for Telegram up to date. */
export async function measure(deps: {
  readonly database: Database;
  readonly producer: Pick<Producer, "queueCounts" | "pausedUntil">;
  readonly queues: readonly string[];
  readonly limits: { readonly overdueAfterMs: number };
  readonly flood: { readonly sleepThreshold: number };
  readonly metrics: Pick<
    Metrics,
    "usersDue" | "usersInFlight" | "usersOverdue" | "queueDepth" | "queuePaused" | "accountsWaiting"
  >;
}): Promise<"rest"> {
  const [{ schedules, waiting, waitingLong }, queues, pauses] = await Promise.all([
    deps.database.asWorker(async (tx) => ({
      schedules: await countDue(tx, deps.limits.overdueAfterMs),
      waiting: await countRunningWaits(tx),
      waitingLong: await countRunningWaits(tx, deps.flood.sleepThreshold),
    })),
    deps.producer.queueCounts(deps.queues),
    Promise.all(deps.queues.map(async (queue) => [queue, await deps.producer.pausedUntil(queue)] as const)),
  ]);
  deps.metrics.accountsWaiting.set({ length: "any" }, waiting.accounts);
  deps.metrics.accountsWaiting.set({ length: "long" }, waitingLong.accounts);
  deps.metrics.usersDue.set(schedules.due);
  deps.metrics.usersInFlight.set(schedules.inFlight);
  deps.metrics.usersOverdue.set(schedules.late);
  for (const [queue, until] of pauses) deps.metrics.queuePaused.set({ queue, by: "telegram" }, until ? 1 : 0);
  for (const { queue, paused, waiting, delayed, parked, active, failed } of queues) {
    deps.metrics.queuePaused.set({ queue, by: "operator" }, paused ? 1 : 0);
    for (const [state, jobs] of Object.entries({ waiting, delayed, parked, active, failed }))
      deps.metrics.queueDepth.set({ queue, state }, jobs);
  }
  return "rest";
}

/** Brings the gauges of whoever can be parsed, of sessions, and of the API IDs that they have, up to date. */
export async function measureSessions(deps: {
  readonly database: Database;
  /** Ours: the masters, and the backup. */
  readonly apiIds: readonly number[];
  readonly metrics: Pick<
    Metrics,
    "usersScheduled" | "sessionStates" | "sessionsHeld" | "apiIdOut" | "apiIdSessions" | "apiIdAccountsLost"
  >;
}): Promise<"rest"> {
  const { schedulable, states, holds, apiIds, losses } = await deps.database.asWorker(async (tx) => ({
    schedulable: await countSchedulable(tx),
    states: await countByState(tx),
    holds: await countByHold(tx),
    apiIds: await listApiIds(tx),
    losses: await lossesOfADay(tx),
  }));
  deps.metrics.usersScheduled.set(schedulable);
  for (const [state, count] of states) deps.metrics.sessionStates.set({ state }, count);
  for (const hold of SESSION_HOLDS) deps.metrics.sessionsHeld.set({ hold }, holds.get(hold) ?? 0);
  const labels = [...deps.apiIds.map((apiId) => apiIdLabel(apiId, false)), apiIdLabel(0, true)];
  const shown = new Map(labels.map((label) => [label, { out: 0, usable: 0, held: 0, frozen: 0, banned: 0 }]));
  for (const { apiId, outOfServiceAt, sessions, held } of apiIds) {
    const sum = shown.get(apiIdLabel(apiId, !deps.apiIds.includes(apiId)));
    if (!sum) continue;
    sum.out += outOfServiceAt ? 1 : 0;
    sum.usable += sessions - held;
    sum.held += held;
  }
  for (const { apiId, kind, count } of losses) {
    const sum = shown.get(apiIdLabel(apiId ?? 0, apiId === null || !deps.apiIds.includes(apiId)));
    if (sum) sum[kind] += count;
  }
  for (const [api_id, { out, usable, held, frozen, banned }] of shown) {
    deps.metrics.apiIdAccountsLost.set({ api_id, how: "frozen" }, frozen);
    deps.metrics.apiIdAccountsLost.set({ api_id, how: "banned" }, banned);
    deps.metrics.apiIdOut.set({ api_id }, out);
    deps.metrics.apiIdSessions.set({ api_id, usable: "yes" }, usable);
    deps.metrics.apiIdSessions.set({ api_id, usable: "no" }, held);
  }
  return "rest";
}

/** Brings the gauges of completeness up to date. */
export async function measureLedger(deps: {
  readonly database: Database;
  readonly historyDepthFree: number;
  readonly metrics: Pick<Metrics, "messagesMissing" | "messagesUnverified" | "channelsIncomplete" | "oldestGap">;
}): Promise<"rest"> {
  const totals = await deps.database.asWorker((tx) => ledgerTotals(tx, deps));
  deps.metrics.messagesMissing.set(totals.missing);
  deps.metrics.messagesUnverified.set(totals.unverified);
  deps.metrics.channelsIncomplete.set(totals.incomplete);
  deps.metrics.oldestGap.set(totals.oldestGapSeconds);
  return "rest";
}
