import { createProducer, type Producer } from "../queue/producer.ts";
import { assertRedis, openRedis } from "../queue/redis.ts";
import type { CommandContext } from "./context.ts";

/** The queues, for as long as the command runs. @throws OperatorError where Redis is unreachable or unfit */
export async function openQueues(context: Pick<CommandContext, "config" | "lifecycle" | "log">): Promise<Producer> {
  const { config, lifecycle, log } = context;
  const redis = lifecycle.own("redis", openRedis(config.redisUrl ?? "", "producer", log), (client) =>
    client.disconnect(),
  );
  await assertRedis(redis);
  return lifecycle.own("producer", createProducer({ redis, prefix: config.redisPrefix, log }), (opened) =>
    opened.close(),
  );
}
