import type { Redis } from "ioredis";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { createProducer, type Producer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { plantUser } from "./fleet-rows.ts";
import { testDatabase, testRedis } from "./services.ts";

/** What commands of one file of tests work on, and what their tests look at it by. */
export interface CliHome {
  readonly service: ReturnType<typeof testRedis>;
  readonly env: NodeJS.ProcessEnv;
  readonly redis: Redis;
  readonly database: Database;
  readonly producer: Producer;
  close(): Promise<void>;
}

/**
 * A database and a part of Redis, and the environment that names them to a command.
 *
 * @param given.apiIds MASTER_API_IDS
 * @param given.people Telegram ids of users of the first API ID, with sessions that open nowhere
 */
export async function startCliHome(given: {
  readonly apiIds: readonly number[];
  readonly people: readonly bigint[];
}): Promise<CliHome> {
  const service = testRedis();
  const place = await testDatabase();
  const database = openDatabase({ url: place.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
  const redis = openRedis(service.url, "producer");
  const producer = createProducer({ redis, prefix: service.prefix, log: silentLog });
  const [apiId = 0] = given.apiIds;
  for (const telegramId of given.people) await plantUser(database, telegramId, { apiId });
  return {
    ...{ service, redis, database, producer },
    env: {
      DATABASE_URL: place.url,
      REDIS_URL: service.url,
      REDIS_PREFIX: service.prefix,
      MASTER_API_IDS: given.apiIds.join(","),
      MASTER_API_HASHES: given.apiIds.map((id) => id.toString(16).padStart(32, "a")).join(","),
    },
    async close() {
      await producer.close();
      redis.disconnect();
      await database.close();
      await place.drop();
    },
  };
}
