import type { Config } from "../config/load.ts";
import { openDatabase } from "../db/client.ts";
import { assertSchema } from "../db/migrate.ts";
import { createPostNotifier } from "../db/notify.ts";
import { type Consumer, type JobContext, startConsumer } from "../queue/consumer.ts";
import { queuesOf } from "../queue/jobs.ts";
import { createProducer } from "../queue/producer.ts";
import { assertRedis, openRedis } from "../queue/redis.ts";
import { systemClock as clock } from "../runtime/clock.ts";
import { createFailpoint, noFailpoint } from "../runtime/failpoint.ts";
import { startHealthServer } from "../runtime/health.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { runProcess } from "../runtime/process.ts";
import { createFleet } from "../telegram/fleet.ts";
import { fleetOptions, loginDependencies } from "../telegram/from-config.ts";
import { keepOriginalCodec } from "../telegram/gramjs/codec/fast-codec.ts";
import { connect } from "../telegram/gramjs/connect.ts";
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
  const log = createLog({ level: config.logLevel, name: "worker" });
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
  const metrics = createMetrics({ defaults: true });
  const { without } = config.faults;
  if (!config.fastCodec) keepOriginalCodec();
  const failpoint = config.faults.failpoint ? createFailpoint(config.faults.failpoint) : noFailpoint;
  if (without.size > 0) log.error({ without: [...without] }, "protections are taken away");
  const database = lifecycle.own(
    "PostgreSQL",
    openDatabase({
      ...databaseOptions(config, log),
      failpoint,
      onTransition: ({ from, to }) => metrics.sessionTransitions.inc({ from, to }),
    }),
    (opened) => opened.close(),
  );
  await assertSchema(database);
  const hints = lifecycle.own(
    "hints to readers",
    createPostNotifier({ database, everyMs: limits.notifyEveryMs, log }),
    (opened) => opened.close(),
  );
  const redis = (role: "producer" | "worker") =>
    lifecycle.own(`Redis (${role})`, openRedis(config.redisUrl ?? "", role, log), (opened) => opened.disconnect());
  const producerRedis = redis("producer");
  await assertRedis(producerRedis);
  const producer = lifecycle.own(
    "producer",
    createProducer({ redis: producerRedis, prefix, log, timeoutMs: limits.producerTimeoutMs }),
    (opened) => opened.close(),
  );
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
  const health = lifecycle.own(
    "health server",
    await startHealthServer({
      ...config.metrics,
      metrics,
      checks: { database: () => database.check(), redis: async () => void (await producerRedis.ping()) },
    }),
    (opened) => opened.close(),
  );
  const consumer = lifecycle.own(
    "consumer",
    startConsumer({
      queues: queuesOf([...apiIds.masters, ...(apiIds.backup ? [apiIds.backup] : [])].map((api) => api.apiId)),
      redis: redis("worker"),
      outcomeOf: outcome,
      concurrency: config.workerConcurrency,
      ...{ prefix, handlers, limits, metrics, log, failpoint },
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
  log.info({ port: health.port, concurrency: config.workerConcurrency }, "worker started");
  return { port: health.port, consumer };
}

const databaseOptions = (config: Config, log: Log) => ({
  url: config.databaseUrl ?? "",
  poolSize: config.databasePoolSize,
  fencedStatementMs: config.limits.fencedStatementMs,
  fenced: !config.faults.without.has("fence"),
  log,
});
