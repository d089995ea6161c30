import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Handlers, startConsumer } from "../../queue/consumer.ts";
import { createEpoch } from "../../queue/epoch.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { PauseQueue, Snooze } from "../../queue/outcome.ts";
import { createParking } from "../../queue/parking.ts";
import { keyPrefix } from "../../queue/prefix.ts";
import { createProducer } from "../../queue/producer.ts";
import { assertRedis, openRedis, type RedisRole } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { isRedisAway } from "../../runtime/redis-away.ts";
import { createLimiter } from "../../telegram/limiter.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-nodes.ts";

/* One node with all slots: it refuses keys of several slots as every cluster does, and is there at once. */

const PREFIX = "fleet";
const QUEUES = ["parse-1", "parse-2", "parse-own"];
let cluster: RedisCluster;
const open: Redis[] = [];
const connect = (role: RedisRole) => {
  const redis = openRedis(cluster.url, role);
  open.push(redis);
  return redis;
};

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 1, replicas: 0 });
});
afterEach(() => {
  for (const redis of open.splice(0)) redis.disconnect();
});
afterAll(() => cluster?.close());

const job = (queue: string, userId: string): NewJob => ({
  ...{ name: "parse-user", queue, urgency: "premium", dueAt: new Date() },
  data: { tenantId: "default", userId },
});

it("jobs of several queues are added, snoozed, waited for, counted and paused, each queue in a slot of its own", async () => {
  const producer = createProducer({ redis: connect("producer"), prefix: PREFIX, log: silentLog });
  const handle = async (data: unknown, context: { starts: number }) => {
    if (context.starts === 1) throw new Snooze(new Date(Date.now() + 5), "not now");
    return data;
  };
  const handlers = Object.fromEntries(
    ["parse-user", "backfill-channel", "reconcile-channel", "verify-session", "revoke-session"].map((name) => [
      name,
      handle,
    ]),
  ) as unknown as Handlers;
  const consumer = startConsumer({
    ...{ queues: QUEUES, redis: connect("worker"), prefix: PREFIX, handlers, concurrency: 2 },
    outcomeOf: (error) => error,
    limits: { jobLockMs: 30_000, stalledCheckMs: 15_000, maxStalledCount: 9, parkAfterStalls: 3, parkMs: 1_000 },
    ...{ metrics: createMetrics(), log: silentLog },
  });
  await consumer.ready;
  const refs = await producer.addBulk(QUEUES.flatMap((queue) => [job(queue, "1"), job(queue, "2")]));
  for (const ref of refs) expect(await producer.waitFor(ref, 20_000)).toMatchObject({ tenantId: "default" });
  const counts = await producer.queueCounts();
  expect(counts.map(({ queue, completed, failed }) => [queue, completed, failed])).toEqual(
    QUEUES.map((queue) => [queue, 2, 0]),
  );
  await producer.pause("parse-1");
  expect(await producer.pausedQueues()).toEqual(["parse-1"]);
  expect(await producer.wakeOverslept(QUEUES)).toBe(0);
  await consumer.close(1_000);
  await producer.close();

  const [node] = cluster.nodes;
  const keys = await node!.redis.keys("*");
  const slots = async (queue: string) =>
    new Set(
      await Promise.all(
        keys.filter((key) => key.includes(`:${queue}:`)).map((key) => node!.redis.cluster("KEYSLOT", key)),
      ),
    );
  const all = await Promise.all(QUEUES.map(slots));
  for (const each of all) expect(each.size).toBe(1);
  expect(new Set(all.flatMap((each) => [...each])).size).toBe(QUEUES.length);
});

it("what is parked and what is paused for a wait lies beside its queue", async () => {
  const redis = connect("worker");
  await assertRedis(redis);
  const queue = new Queue("parse-3", { connection: redis, prefix: keyPrefix(PREFIX, redis, "parse-3") });
  const added = await queue.add("parse-user", { tenantId: "default", userId: "1" });
  await createParking(redis, PREFIX).note(added, new Date(Date.now() + 60_000));
  const producer = createProducer({ redis: connect("producer"), prefix: PREFIX, log: silentLog });
  expect(await producer.parkedUntil({ queue: "parse-3", id: String(added.id) })).not.toBeNull();
  const paused = async () => {
    throw new PauseQueue(60_000, "flood");
  };
  const consumer = startConsumer({
    ...{ queues: ["parse-3"], redis, prefix: PREFIX, handlers: { "parse-user": paused } as unknown as Handlers },
    ...{ concurrency: 1, outcomeOf: (error: unknown) => error, metrics: createMetrics(), log: silentLog },
    limits: { jobLockMs: 30_000, stalledCheckMs: 15_000, maxStalledCount: 9, parkAfterStalls: 3, parkMs: 1_000 },
  });
  await eventually(() => producer.pausedUntil("parse-3"), { what: "a paused queue" });
  await consumer.close(1_000);
  await queue.close();
  await producer.close();
});

it("an epoch beside each queue: whichever is forgotten, it is noticed", async () => {
  const redis = connect("producer");
  await assertRedis(redis);
  const epoch = createEpoch({ redis, prefix: PREFIX, queues: QUEUES });
  expect(await epoch.holds()).toBe(false);
  await epoch.begin();
  for (const queue of QUEUES) {
    expect(await epoch.holds()).toBe(true);
    expect(await redis.del(`{${PREFIX}:${queue}}:epoch`)).toBe(1);
    expect(await epoch.holds()).toBe(false);
    await epoch.begin();
  }
});

it("calls take slots, an API ID and a method are paused in every process", async () => {
  const make = () =>
    createLimiter({
      ...{ redis: () => connect("limiter"), callsPerSecond: 1_000, prefix: PREFIX },
      ...{ slotDeadlineMs: 10_000, clock: systemClock, log: silentLog },
    });
  const [one, two] = [make(), make()];
  for (const limiter of [one, two]) for (const api of [1, 2]) await limiter.run(api, async () => undefined);
  for (const account of [1n, 2n, 3n]) await one.methods.flooded(1, "messages.getHistory", account, 60);
  await eventually(() => two.methods.check(1, "messages.getHistory"), { what: "a paused method" });
  await one.pause(2, 60_000);
  await eventually(() => two.paused(2), { what: "a paused API ID" });
  await expect(two.run(2, async () => undefined)).rejects.toThrow(/paused/);
  await two.run(1, async () => undefined);
  await Promise.all([one.close(), two.close()]);
});

it("a node that evicts keys is refused, by its own name; a cluster that is away is called away", async () => {
  const redis = connect("producer");
  const [node] = cluster.nodes;
  await node!.redis.config("SET", "maxmemory-policy", "allkeys-lru");
  await expect(assertRedis(redis)).rejects.toThrow(new RegExp(`127.0.0.1:${node!.port} evicts keys`));
  await node!.redis.config("SET", "maxmemory-policy", "noeviction");
  await expect(assertRedis(redis)).resolves.toBeUndefined();
  const away = openRedis("redis+cluster://fleet:hunter2@127.0.0.1:1,127.0.0.1:2", "producer");
  open.push(away);
  const refused = await assertRedis(away, 300).catch((error: unknown) => error);
  expect(String(refused)).toMatch(/does not answer at 127\.0\.0\.1:1, 127\.0\.0\.1:2: .*REDIS_URL$/);
  expect(isRedisAway(await away.get("a").catch((error: unknown) => error))).toBe(true);
});
