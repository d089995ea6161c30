import { createProducer, type Producer } from "../queue/producer.ts";
import { openRedis } from "../queue/redis.ts";
import type { CommandContext } from "./context.ts";

/** The queues, for as long as the command runs. */
export async function openQueues(context: Pick<CommandContext, "config" | "lifecycle" | "log">): Promise<Producer> {
  const { config, lifecycle, log } = context;
  const redis = lifecycle.own("redis", await openRedis(config.redisUrl ?? "", "producer"), (client) =>
    client.disconnect(),
  );
  return lifecycle.own("producer", createProducer({ redis, prefix: config.redisPrefix, log }), (opened) =>
    opened.close(),
  );
}
