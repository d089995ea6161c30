import { databaseUrls } from "../config/database-urls.ts";
import type { Config } from "../config/load.ts";
import { createPostNotifier } from "../db/notify.ts";
import { ownDatabase } from "../db/open.ts";
import { type Consumer, type JobContext, startConsumer } from "../queue/consumer.ts";
import { queuesOf } from "../queue/jobs.ts";
import { ownProducer, ownRedis } from "../queue/open.ts";
import { announcePresence } from "../queue/presence.ts";
import { openRedis } from "../queue/redis.ts";
import { systemClock as clock } from "../runtime/clock.ts";
import { createFailpoint, noFailpoint } from "../runtime/failpoint.ts";
import { ownHealthServer } from "../runtime/health.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { startLoop } from "../runtime/loop.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { runProcess } from "../runtime/process.ts";
import { ownTracing } from "../runtime/tracing.ts";
import { probeApiIds } from "../telegram/api-ids/probing.ts";
import { createFleet } from "../telegram/fleet.ts";
import { fleetOptions, loginDependencies } from "../telegram/from-config.ts";
import { keepOriginalCodec } from "../telegram/gramjs/codec/fast-codec.ts";
import { connect } from "../telegram/gramjs/connect.ts";
import { keyMarks } from "../telegram/key-marks.ts";
import { sweepAbandonedLogins } from "../telegram/login/abandoned.ts";
import { createHandlers } from "./handlers.ts";
import { outcomeOf } from "./outcome-of.ts";
import { suspendWithoutDatabase } from "./suspension.ts";

export interface RunningWorker {
  /** Where /live, /ready and /metrics are. */
  readonly port: number;
  readonly consumer: Consumer;
}

/** Runs a worker until a signal ends it. Any number of them may run at once. */
export async function runWorker(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel, name: "worker", traced: config.tracing !== null });
  await runProcess(log, (lifecycle) => startWorker(config, lifecycle, log));
}

/**
 * Starts serving the queues of all configured API IDs. `lifecycle.close()` stops taking jobs, lets those under way finish
 * or hand themselves back, closes sockets, releases leases, then Redis and PostgreSQL.
 *
 * @throws OperatorError where PostgreSQL, Redis or the keyring is unfit
 */
export async function startWorker(config: Config, lifecycle: Lifecycle, log: Log): Promise<RunningWorker> {
  const { limits, apiIds, redisPrefix: prefix } = config;
  const metrics = createMetrics({ process: "worker" });
  const { without } = config.faults;
  if (!config.fastCodec) keepOriginalCodec();
  const ours = [...apiIds.masters, ...(apiIds.backup ? [apiIds.backup] : [])].map((api) => api.apiId);
  const failpoint = config.faults.failpoint ? createFailpoint(config.faults.failpoint) : noFailpoint;
  if (without.size > 0) log.error({ without: [...without] }, "protections are taken away");
  const tracing = await ownTracing(lifecycle, config.tracing, "worker", log);
  const database = await ownDatabase(lifecycle, {
    ...databaseUrls(config),
    poolSize: config.databasePoolSize,
    fencedStatementMs: limits.fencedStatementMs,
    fenced: !without.has("fence"),
    ...{ failpoint, metrics, log },
  });
  const hints = lifecycle.own(
    "hints to readers",
    createPostNotifier({ database, everyMs: limits.notifyEveryMs, log }),
    (opened) => opened.close(),
  );
  const { redis, producer } = await ownProducer(lifecycle, config, log);
  const fleet = await createFleet(
    fleetOptions(config, {
      redis: () => openRedis(config.redisUrl ?? "", "limiter", log),
      ...{ database, connect, metrics, clock, log, without },
    }),
    lifecycle,
  );
  const outcome = (error: unknown, { starts, queue, now }: JobContext) =>
    outcomeOf(error, {
      ...{ now: now(), random: Math.random(), starts, queue },
      leaseHeldSnoozeMs: limits.leaseHeldSnoozeMs,
      apiIdPauseMs: limits.apiIdPauseMs,
    });
  const handlers = createHandlers({
    accounts: fleet.accounts,
    random: Math.random,
    changed: hints.changed,
    outcomeOf: outcome,
    intervals: config.intervals,
    historyDepthFree: config.historyDepthFree,
    reconcileWindow: config.reconcile.window,
    ...{ database, producer, clock, limits, metrics, log },
  });
  const health = await ownHealthServer(lifecycle, { ...config.metrics, ...{ metrics, database, redis } });
  const consumer = lifecycle.own(
    "consumer",
    startConsumer({
      queues: queuesOf(ours),
      redis: ownRedis(lifecycle, config, "worker", log),
      outcomeOf: outcome,
      concurrency: config.workerConcurrency,
      ...{ prefix, handlers, limits, metrics, log, tracing, failpoint },
    }),
    (opened) => opened.close(limits.shutdownGraceMs),
  );
  await consumer.ready;
  // Tried without its gate a process is to be heard: this would silence it nearly as soon.
  if (!without.has("gate"))
    lifecycle.own(
      "suspension",
      suspendWithoutDatabase({
        check: () => database.check(),
        consumer,
        everyMs: limits.heartbeatMs,
        // A lease is lost by then, and its job's work with it.
        answerWithinMs: limits.leaseMs - limits.heartbeatMs,
        log,
      }),
      (loop) => loop.stop(),
    );
  lifecycle.own(
    "abandoned logins",
    sweepAbandonedLogins(
      loginDependencies(config, { database, fleet, metrics, clock, log }),
      limits.abandonedLoginsEveryMs,
    ),
    (loop) => loop.stop(),
  );
  lifecycle.own(
    "API IDs' probes",
    startLoop({
      name: "API IDs",
      everyMs: limits.apiIdsEveryMs,
      log,
      turn: () =>
        probeApiIds({
          accounts: fleet.accounts,
          apiIds: fleet.apiIds,
          times: limits,
          ours,
          ...{ database, metrics, log },
        }),
    }),
    (loop) => loop.stop(),
  );
  const keys = keyMarks(config.keyring);
  announcePresence(lifecycle, { role: "worker", facts: () => ({ active: consumer.active }), keys, prefix, redis, log });
  log.info({ port: health.port, concurrency: config.workerConcurrency }, "worker started");
  return { port: health.port, consumer };
}
