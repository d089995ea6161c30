import type { Redis } from "ioredis";
import type { Config } from "../config/load.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Log } from "../runtime/log.ts";
import { createProducer, type Producer } from "./producer.ts";
import { assertRedis, openRedis, type RedisRole } from "./redis.ts";

type Where = Pick<Config, "redisUrl" | "redisPrefix"> & {
  readonly limits: Pick<Config["limits"], "producerTimeoutMs">;
};

/** Opens a connection, owned by `lifecycle`. */
export function ownRedis(lifecycle: Lifecycle, config: Pick<Config, "redisUrl">, role: RedisRole, log: Log): Redis {
  const redis = openRedis(config.redisUrl ?? "", role, log);
  return lifecycle.own(`Redis (${role})`, redis, (opened) => opened.disconnect());
}

/**
 * Opens what a process puts jobs into queues with, and the connection that it does so by, owned by `lifecycle`.
 *
 * @throws OperatorError where Redis is unreachable or unfit
 */
export async function ownProducer(
  lifecycle: Lifecycle,
  config: Where,
  log: Log,
): Promise<{ readonly redis: Redis; readonly producer: Producer }> {
  const redis = ownRedis(lifecycle, config, "producer", log);
  await assertRedis(redis);
  const options = { redis, prefix: config.redisPrefix, log, timeoutMs: config.limits.producerTimeoutMs };
  const producer = lifecycle.own("producer", createProducer(options), (opened) => opened.close());
  return { redis, producer };
}
