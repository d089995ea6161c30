import { afterAll, beforeAll, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createServiceGauges, measureSizes } from "../../scheduler/service-gauges.ts";
import { sampleOf } from "../support/samples.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

let place: TestDatabase;
let database: Database;
beforeAll(async () => {
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await place?.drop();
});

const connected = async (url: string) => {
  const redis = openRedis(url, "producer");
  await new Promise((resolve) => redis.once("ready", resolve));
  return redis;
};

it("shows that PostgreSQL and Redis answer, how fast, and how full Redis is", async () => {
  const metrics = createMetrics();
  const redis = await connected(testRedis().url);
  try {
    await createServiceGauges({ database, redis, metrics })();
    expect(await sampleOf(metrics.databaseUp)).toBe(1);
    expect(await sampleOf(metrics.databaseRoundTrip)).toBeGreaterThan(0);
    expect(await sampleOf(metrics.redisUp, { node: "socket" })).toBe(1);
    expect(await sampleOf(metrics.redisRoundTrip, { node: "socket" })).toBeGreaterThan(0);
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1]);
    const shown = (await sampleOf(metrics.redisMemoryUsed, { node: "socket" })) ?? 0;
    expect(shown / used).toBeGreaterThan(0.1);
    expect(shown / used).toBeLessThan(10);
    expect(await sampleOf(metrics.redisMemoryMax, { node: "socket" })).toBe(
      Number(/^maxmemory:(\d+)/m.exec(await redis.info("memory"))?.[1]),
    );
  } finally {
    redis.disconnect();
  }
});

it("shows which of them is away, and no figures of one that is", async () => {
  const metrics = createMetrics();
  const redis = await connected(testRedis().url);
  let away = false;
  const check = () => (away ? Promise.reject(new Error("away")) : database.check());
  const look = createServiceGauges({ database: { check }, redis, metrics });
  await look();
  away = true;
  redis.disconnect();
  await look();
  expect(await sampleOf(metrics.databaseUp)).toBe(0);
  expect(await sampleOf(metrics.redisUp, { node: "socket" })).toBe(0);
  expect(await sampleOf(metrics.redisMemoryUsed, { node: "socket" })).toBeUndefined();
});

it("says nothing of either before the first look", async () => {
  const metrics = createMetrics({ process: "scheduler" });
  expect(await metrics.scrape()).not.toMatch(/^(database_up|redis_up|scheduler_last_scan|session_backup_last)\S* /m);
});

it("shows what the database takes on disk, by what grows", async () => {
  const metrics = createMetrics();
  await measureSizes({ database, metrics });
  const whole = (await sampleOf(metrics.databaseBytes)) ?? 0;
  const { values } = await metrics.tableBytes.get();
  const tables = new Map(values.map(({ labels, value }) => [labels.table, value]));
  expect([...tables.keys()]).toEqual(["messages", "message_versions", "runs", "session_events", "other"]);
  for (const bytes of tables.values()) expect(bytes).toBeGreaterThan(0);
  expect([...tables.values()].reduce((sum, bytes) => sum + bytes)).toBeLessThan(whole);
});
