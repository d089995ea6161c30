import { loadConfig } from "../../config/load.ts";
import type { Database } from "../../db/database.ts";
import { createProducer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { createLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { holdByApiId } from "../../scheduler/api-ids.ts";
import { createDueScan } from "../../scheduler/due-scan.ts";
import { measure, measureLedger, measureSessions } from "../../scheduler/gauges.ts";
import { maintain } from "../../scheduler/maintenance.ts";
import { createOverdueScan } from "../../scheduler/overdue.ts";
import { TASKS } from "../../scheduler/retention.ts";
import { measureSizes } from "../../scheduler/service-gauges.ts";
import { API_IDS } from "./fill.ts";

export interface TurnCost {
  readonly loop: string;
  readonly everyMs: number;
  /** Of a turn, the second one in a row, with nothing beside it. */
  readonly ms: number;
}

/** What one turn of each of the scheduler's loops takes at this size, before anybody is due in numbers. */
export async function costOfTurns(env: NodeJS.ProcessEnv, database: Database): Promise<TurnCost[]> {
  const config = loadConfig(env, ["database", "redis"]);
  const { limits, redisPrefix: prefix } = config;
  const log = createLog({ level: "warn", name: "costs" });
  const redis = openRedis(config.redisUrl ?? "", "producer", log);
  const producer = createProducer({ redis, prefix, log });
  const queues = API_IDS.map((apiId) => `parse-${apiId}`);
  const { reconcile, historyDepthFree, flood, retention, intervals } = config;
  const deps = {
    ...{ database, producer, queues, limits, log, reconcile, historyDepthFree, flood, retention, intervals },
    ...{ metrics: createMetrics({ process: "scheduler" }), apiIds: API_IDS, now: () => new Date() },
  };
  const turns: [string, number, () => Promise<unknown>][] = [
    ["due scan, nobody due", limits.dueScanEveryMs, createDueScan(deps)],
    ["overdue scan", limits.overdueScanEveryMs, createOverdueScan(deps)],
    ["maintenance", limits.maintenanceEveryMs, () => maintain(deps)],
    ["API IDs", limits.maintenanceEveryMs, () => holdByApiId(deps)],
    ["gauges", limits.overdueScanEveryMs, () => measure(deps)],
    ["session gauges", limits.overdueScanEveryMs, () => measureSessions(deps)],
    ["ledger gauges", limits.ledgerEveryMs, () => measureLedger(deps)],
    ["size gauges", limits.ledgerEveryMs, () => measureSizes(deps)],
    ...TASKS.map((task): [string, number, () => Promise<unknown>] => [
      `retention: ${task.name}`,
      task.everyMs(limits),
      () => task.batch(deps),
    ]),
  ];
  try {
    const costs: TurnCost[] = [];
    for (const [loop, everyMs, turn] of turns) {
      // The first one warms caches, and does what a scheduler's first turn alone does.
      await turn();
      const startedAt = performance.now();
      await turn();
      costs.push({ loop, everyMs, ms: performance.now() - startedAt });
    }
    return costs;
  } finally {
    await producer.close();
    redis.disconnect();
  }
}
