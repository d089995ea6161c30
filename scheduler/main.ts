import { databaseUrls } from "../config/database-urls.ts";
import type { Config } from "../config/load.ts";
import { ownDatabase } from "../db/open.ts";
import { createEpoch } from "../queue/epoch.ts";
import { queuesOf } from "../queue/jobs.ts";
import { ownProducer } from "../queue/open.ts";
import { announcePresence } from "../queue/presence.ts";
import { ownHealthServer } from "../runtime/health.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { startLoop } from "../runtime/loop.ts";
import type { LOOPS } from "../runtime/metrics/labels.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { runProcess } from "../runtime/process.ts";
import { ownTracing } from "../runtime/tracing.ts";
import { holdByApiId, settleApiIds } from "./api-ids.ts";
import { createBackups } from "./backups.ts";
import { createDueScan } from "./due-scan.ts";
import { measure, measureLedger, measureSessions } from "./gauges.ts";
import { maintain } from "./maintenance.ts";
import { createOverdueScan } from "./overdue.ts";
import { wakeOverslept } from "./overslept.ts";
import { recoverFromFlush } from "./recovery.ts";
import { retain } from "./retention.ts";
import { createServiceGauges, measureSizes } from "./service-gauges.ts";

/** Runs a scheduler until a signal ends it. Any number of them may run at once. */
export async function runScheduler(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel, name: "scheduler", traced: config.tracing !== null });
  await runProcess(log, (lifecycle) => startScheduler(config, lifecycle, log));
}

/**
 * What it opens is owned by `lifecycle`; `port` is where /live, /ready and /metrics are.
 *
 * @throws OperatorError where PostgreSQL or Redis is unreachable or unfit
 */
export async function startScheduler(config: Config, lifecycle: Lifecycle, log: Log): Promise<{ port: number }> {
  const { limits, reconcile, historyDepthFree, flood } = config;
  const metrics = createMetrics({ process: "scheduler" });
  const tracing = await ownTracing(lifecycle, config.tracing, "scheduler", log);
  const database = await ownDatabase(lifecycle, {
    ...databaseUrls(config),
    poolSize: config.databasePoolSize,
    fencedStatementMs: limits.fencedStatementMs,
    ...{ metrics, log },
  });
  const { redis, producer } = await ownProducer(lifecycle, config, log);
  const { masters, backup } = config.apiIds;
  const ours = [...masters, ...(backup ? [backup] : [])].map((api) => api.apiId);
  const queues = queuesOf(ours);
  const epoch = createEpoch({ redis, prefix: config.redisPrefix, queues });
  const deps = {
    database,
    redis,
    producer,
    apiIds: ours,
    queues,
    epoch,
    limits,
    reconcile,
    historyDepthFree,
    flood,
    retention: config.retention,
    intervals: config.intervals,
    metrics,
    log,
    now: () => new Date(),
  };

  await settleApiIds(deps);
  await recoverFromFlush(deps);
  const loop = (
    name: (typeof LOOPS)[number],
    everyMs: number,
    work: () => Promise<"again" | "rest">,
    restTimes = 0,
  ) => {
    const turn = () =>
      tracing.root(name, { fansOut: true, unlessIdle: true }, work).catch((error: unknown) => {
        metrics.schedulerFailures.inc({ loop: name });
        throw error;
      });
    lifecycle.own(name, startLoop({ name, everyMs, log, turn, restTimes }), (running) => running.stop());
  };
  loop("recovery", limits.overdueScanEveryMs, () => recoverFromFlush(deps));
  const scanDue = createDueScan(deps);
  let scannedAt = performance.now();
  loop("due scan", limits.dueScanEveryMs, async () => {
    const turn = await scanDue();
    scannedAt = performance.now();
    return turn;
  });
  loop("overdue scan", limits.overdueScanEveryMs, createOverdueScan(deps), limits.overdueRestTimes);
  loop("overslept jobs", limits.overdueScanEveryMs, () => wakeOverslept(deps));
  loop("maintenance", limits.maintenanceEveryMs, () => maintain(deps), limits.restTimes);
  loop("API IDs", limits.maintenanceEveryMs, () => holdByApiId(deps), limits.restTimes);
  if (config.backups.scheduled) {
    const { signal } = lifecycle;
    loop("backups", limits.maintenanceEveryMs, await createBackups({ ...deps, backups: config.backups, signal }));
  }
  loop("gauges", limits.overdueScanEveryMs, () => measure(deps), limits.restTimes);
  loop("session gauges", limits.overdueScanEveryMs, () => measureSessions(deps), limits.restTimes);
  loop("ledger gauges", limits.ledgerEveryMs, () => measureLedger(deps), limits.restTimes);
  loop("service gauges", limits.overdueScanEveryMs, createServiceGauges(deps));
  loop("size gauges", limits.ledgerEveryMs, () => measureSizes(deps), limits.restTimes);
  loop("retention", limits.maintenanceEveryMs, () => retain(deps), limits.restTimes);

  const health = await ownHealthServer(lifecycle, { ...config.metrics, ...{ metrics, database, redis } });
  const facts = () => ({ scannedSecondsAgo: Math.round((performance.now() - scannedAt) / 100) / 10 });
  announcePresence(lifecycle, { role: "scheduler", facts, prefix: config.redisPrefix, redis, log });
  log.info({ port: health.port, queues }, "scheduler started");
  return { port: health.port };
}
