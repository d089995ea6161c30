import { loadConfig } from "../../config/load.ts";
import { createProducer, type Producer } from "../../queue/producer.ts";
import { assertRedis, openRedis } from "../../queue/redis.ts";
import { createLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createDueScan, type ScanDependencies } from "../../scheduler/due-scan.ts";
import { openBenchDatabase } from "../fleet.ts";

/** What both sides of `due` have: a database with users, an empty Redis, and the scan as the scheduler runs it. */
export async function openDueSide(env: NodeJS.ProcessEnv) {
  const config = loadConfig(env, ["database", "redis"]);
  const log = createLog({ level: "warn", name: "due" });
  const database = openBenchDatabase(config, { log });
  const redis = openRedis(config.redisUrl ?? "", "producer", log);
  await assertRedis(redis);
  const { limits, redisPrefix: prefix } = config;
  const producer = createProducer({ redis, prefix, log, timeoutMs: limits.producerTimeoutMs });
  const deps = (to: Pick<Producer, "addBulk">): ScanDependencies => ({
    ...{ database, limits, metrics: createMetrics(), producer: to },
    now: () => new Date(),
  });
  return {
    ...{ database, redis, prefix, producer },
    /** Turn after turn, as the loop does, until nobody is due any more. */
    async scan(to: Pick<Producer, "addBulk"> = producer): Promise<void> {
      const turn = createDueScan(deps(to));
      while ((await turn()) === "again");
    },
    /** How many jobs wait. */
    async waiting(): Promise<number> {
      const counts = await producer.queueCounts();
      return counts.reduce((sum, queue) => sum + queue.waiting, 0);
    },
    async close() {
      await producer.close();
      redis.disconnect();
      await database.close();
    },
  };
}
