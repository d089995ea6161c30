import type { Config } from "../config/load.ts";
import { openDatabase } from "../db/client.ts";
import { assertSchema } from "../db/migrate.ts";
import { createProducer } from "../queue/producer.ts";
import { assertRedis, openRedis } from "../queue/redis.ts";
import { startHealthServer } from "../runtime/health.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { runProcess } from "../runtime/process.ts";
import { fleetStatus } from "./status.ts";

/** Runs the api until a signal ends it. */
export async function runApi(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel, name: "api" });
  await runProcess(log, (lifecycle) => startApi(config, lifecycle, log));
}

/**
 * Serves `/status`, the fleet at a glance as JSON, beside what every process serves. It never calls Telegram. What it
 * opens is owned by `lifecycle`.
 *
 * @throws OperatorError where PostgreSQL or Redis is unreachable or unfit
 */
export async function startApi(config: Config, lifecycle: Lifecycle, log: Log): Promise<{ port: number }> {
  const { limits } = config;
  const metrics = createMetrics({ defaults: true });
  const database = lifecycle.own(
    "PostgreSQL",
    openDatabase({ url: config.databaseUrl ?? "", poolSize: 5, fencedStatementMs: limits.fencedStatementMs, log }),
    (opened) => opened.close(),
  );
  await assertSchema(database);
  const redis = lifecycle.own("Redis", openRedis(config.redisUrl ?? "", "producer", log), (opened) =>
    opened.disconnect(),
  );
  await assertRedis(redis);
  const producer = lifecycle.own(
    "producer",
    createProducer({ redis, prefix: config.redisPrefix, log, timeoutMs: limits.producerTimeoutMs }),
    (opened) => opened.close(),
  );
  const health = lifecycle.own(
    "server",
    await startHealthServer({
      ...config.metrics,
      metrics,
      checks: { database: () => database.check(), redis: async () => void (await redis.ping()) },
      documents: { "/status": () => fleetStatus({ database, producer, lateMs: limits.overdueAfterMs }) },
    }),
    (opened) => opened.close(),
  );
  log.info({ port: health.port }, "api started");
  return { port: health.port };
}
