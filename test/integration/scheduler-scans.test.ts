import type { Redis } from "ioredis";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { claimDue, countSchedules, finish, loadSchedule } from "../../db/schedules.ts";
import { ensureSession, transition } from "../../db/sessions.ts";
import { addUser, setPaused } from "../../db/users.ts";
import { recordWait } from "../../db/waits.ts";
import { createEpoch } from "../../queue/epoch.ts";
import { createProducer, type Producer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createDueScan } from "../../scheduler/due-scan.ts";
import { measure, measureSessions } from "../../scheduler/gauges.ts";
import { createOverdueScan } from "../../scheduler/overdue.ts";
import { recoverFromFlush } from "../../scheduler/recovery.ts";
import { eventually } from "../support/eventually.ts";
import { sampleOf } from "../support/samples.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

const TENANT = "default";
const QUEUES = ["parse-1001", "parse-1002", "parse-own"];
const { url } = testRedis();
let prefix: string;
let home: TestDatabase;
let database: Database;
let redis: Redis;
let producer: Producer;

beforeAll(() => {
  redis = openRedis(url, "producer");
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  home = await testDatabase();
  prefix = testRedis().prefix;
  database = openDatabase({ url: home.url, poolSize: 4, fencedStatementMs: 5_000, log: silentLog });
  producer = createProducer({ redis, prefix, log: silentLog });
  return async () => {
    await producer.close();
    await database.close();
    await home.drop();
  };
});

const users = (count: number, options: { apiId?: number; from?: number; premium?: boolean } = {}) =>
  database.asWorker(async (tx) => {
    const ids: bigint[] = [];
    for (let index = 0; index < count; index += 1) {
      const telegramId = BigInt((options.from ?? 1) + index);
      const paid = options.premium ? { plan: "premium" as const, paidUntil: new Date("2100-01-01") } : {};
      const { user } = await addUser(tx, { tenantId: TENANT, telegramId, ...paid });
      const of = { tenantId: TENANT, userId: user.id, telegramId };
      const session = await ensureSession(tx, { ...of, apiId: options.apiId ?? 1001, ownApi: false });
      await transition(tx, session.id, { from: ["ABSENT"], to: "AUTHORIZED" });
      ids.push(user.id);
    }
    return ids;
  });
const deps = (
  given: { producer?: Pick<Producer, "addBulk" | "pausedQueues">; dueBatch?: number; afterMs?: number } = {},
) => ({
  database,
  producer: given.producer ?? producer,
  queues: QUEUES,
  now: () => new Date(),
  metrics: createMetrics(),
  log: silentLog,
  intervals: { premiumMs: 900_000, trialMs: 900_000, freeMs: 3_600_000 },
  limits: { dueBatch: given.dueBatch ?? 1_000, overdueAfterMs: given.afterMs ?? 0 },
});
/** The first turn of a scheduler. */
const scanDue = (given: Parameters<typeof createDueScan>[0]) => createDueScan(given)();
const scanOverdue = (given: Parameters<typeof createOverdueScan>[0]) => createOverdueScan(given)();
const counts = () => database.asWorker((tx) => countSchedules(tx, 1_000));
const waits = (telegramId: bigint, method: string, seconds: number, chatId = 0n) =>
  database.asWorker((tx) => recordWait(tx, { telegramId, method, chatId, seconds }));
const waiting = async () =>
  Object.fromEntries((await producer.queueCounts(QUEUES)).map((each) => [each.queue, each.waiting]));

describe("the due scan", () => {
  it("puts everybody who is due into the queue of their API ID, once", async () => {
    await users(5);
    await users(3, { apiId: 1002, from: 100 });
    await database.inTenant(TENANT, (tx) => setPaused(tx, 100n, true));
    await expect(scanDue(deps())).resolves.toBe("rest");
    await expect(scanDue(deps())).resolves.toBe("rest");
    expect(await waiting()).toEqual({ "parse-1001": 5, "parse-1002": 2, "parse-own": 0 });
    expect(await counts()).toMatchObject({ due: 0, inFlight: 7 });
  });

  it("goes on at once while its batches are full, and shares the work with other schedulers", async () => {
    await users(25);
    await expect(scanDue(deps({ dueBatch: 1 }))).resolves.toBe("again");
    expect(await waiting()).toMatchObject({ "parse-1001": 10 });
    await Promise.all([scanDue(deps({ dueBatch: 2 })), scanDue(deps({ dueBatch: 2 }))]);
    expect(await waiting()).toMatchObject({ "parse-1001": 25 });
  });

  it("loses nobody whose batch failed while others were enqueued", async () => {
    await users(9);
    let batches = 0;
    const failing = {
      ...producer,
      async addBulk(jobs: Parameters<Producer["addBulk"]>[0]) {
        batches += 1;
        if (batches === 2) throw new Error("lost");
        return producer.addBulk(jobs);
      },
    };
    const turn = createDueScan(deps({ producer: failing, dueBatch: 2 }));
    await expect(turn()).rejects.toThrow("lost");
    expect((await counts()).due).toBeGreaterThanOrEqual(2);
    await expect(turn()).resolves.toBe("rest");
    expect(await counts()).toMatchObject({ due: 0, inFlight: 9 });
    expect(await waiting()).toMatchObject({ "parse-1001": 9 });
  });

  it("finds again who came back from before the last look", async () => {
    const [first] = await users(4);
    const turn = createDueScan(deps());
    await turn();
    // As where a pause ends, or a wait: due since long ago, and claimed by nobody.
    await database.asWorker((tx) => finish(tx, first as bigint, new Date(Date.now() - 3_600_000)));
    await eventually(async () => {
      await turn();
      return (await counts()).inFlight === 4;
    });
    expect(await waiting()).toMatchObject({ "parse-1001": 4 });
  });

  it("claims nobody while Redis is away: they stay due", async () => {
    await users(3);
    const away = openRedis("redis://127.0.0.1:1", "producer");
    const lonely = createProducer({ redis: away, prefix, log: silentLog, timeoutMs: 200 });
    await expect(scanDue(deps({ producer: lonely }))).rejects.toThrow();
    away.disconnect();
    expect(await counts()).toMatchObject({ due: 3, inFlight: 0 });
    await scanDue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 3 });
  });

  it("is replayed without a second job after a crash between enqueueing and commit", async () => {
    await users(3);
    const crashing = {
      ...producer,
      addBulk: async (jobs: Parameters<Producer["addBulk"]>[0]) => {
        await producer.addBulk(jobs);
        throw new Error("crash");
      },
    };
    await expect(scanDue(deps({ producer: crashing }))).rejects.toThrow("crash");
    await scanDue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 3 });
  });
});

describe("accounts that Telegram has asked to wait", () => {
  it.each(["users.getUsers", "messages.getPeerDialogs"])("are left alone until %s may be called", async (method) => {
    await users(3);
    await waits(2n, method, 3_600);
    await scanDue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 2 });
    expect(await counts()).toMatchObject({ due: 1, inFlight: 2 });
    // The database's clock cannot be turned: the wait's end is moved to now instead.
    await database.asOwner((tx) => sql`update waits set until = clock_timestamp() where telegram_id = 2`.execute(tx));
    await scanDue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 3 });
    expect(await counts()).toMatchObject({ due: 0, inFlight: 3 });
  });

  it("are parsed where the wait is for one chat, or for what a parse can do without", async () => {
    await users(3);
    await waits(1n, "contacts.resolveUsername", 3_600);
    await waits(2n, "messages.getHistory", 3_600);
    await waits(3n, "messages.getPeerDialogs", 3_600, 77n);
    await scanDue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 3 });
  });

  it("are not taken for lost, and are found again once the wait is over", async () => {
    await users(2);
    await database.asWorker((tx) => claimDue(tx, 100));
    await waits(2n, "users.getUsers", 3_600);
    await scanOverdue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 1 });
    await database.asOwner((tx) => sql`update waits set until = clock_timestamp()`.execute(tx));
    await scanOverdue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 2 });
  });

  it("are found although PostgreSQL's clock was set back since", async () => {
    const [claimed, ahead, right] = await users(3);
    await database.asWorker((tx) => claimDue(tx, 100));
    await database.asWorker(async (tx) => {
      await finish(tx, ahead as bigint, new Date(Date.now() + 2 * 3_600_000));
      await finish(tx, right as bigint, new Date(Date.now() + 1_800_000));
      await sql`update schedules set claimed_at = claimed_at + interval '1 hour',
        last_enqueued_at = last_enqueued_at + interval '1 hour' where user_id = ${claimed}`.execute(tx);
    });
    const inMs = async (id: bigint | undefined) =>
      ((await database.asWorker((tx) => loadSchedule(tx, id as bigint)))?.nextParseAt.getTime() ?? 0) - Date.now();
    // Brought back, and found by the next scan.
    await scanOverdue(deps());
    await scanOverdue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 1 });
    expect(await inMs(ahead)).toBeLessThanOrEqual(3_600_000 * 1.05);
    expect(await inMs(right)).toBeLessThanOrEqual(1_800_000);
  });

  it("stay claimed by nobody when Redis has forgotten their jobs", async () => {
    await users(2);
    const epoch = createEpoch({ redis, prefix, queues: QUEUES });
    await epoch.begin();
    await scanDue(deps());
    await waits(2n, "users.getUsers", 3_600);
    await redis.del(...(await redis.keys(`{${prefix}}*`)));
    await recoverFromFlush({ database, epoch, log: silentLog });
    await scanDue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 1 });
    expect(await counts()).toMatchObject({ due: 1, inFlight: 1 });
  });
});

describe("what went missing", () => {
  it("is enqueued again when it was claimed and never started, sparing paused queues", async () => {
    await users(2);
    await users(2, { apiId: 1002, from: 100 });
    await database.asWorker((tx) => claimDue(tx, 100));
    await producer.pause("parse-1002");
    await expect(scanOverdue(deps({ afterMs: 60_000 }))).resolves.toBe("rest");
    expect(await waiting()).toMatchObject({ "parse-1001": 0 });
    await scanOverdue(deps());
    expect(await waiting()).toEqual({ "parse-1001": 2, "parse-1002": 0, "parse-own": 0 });
    await producer.resume("parse-1002");
    await scanOverdue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 2, "parse-1002": 2 });
  });

  it("is due again once Redis has forgotten everything", async () => {
    const [first] = await users(4);
    const epoch = createEpoch({ redis, prefix, queues: QUEUES });
    await recoverFromFlush({ database, epoch, log: silentLog });
    expect(await epoch.holds()).toBe(true);
    await scanDue(deps());
    await database.asWorker((tx) => finish(tx, first as bigint, new Date(Date.now() + 60_000)));
    await recoverFromFlush({ database, epoch, log: silentLog });
    expect(await counts()).toMatchObject({ due: 0, inFlight: 3 });
    const keys = await redis.keys(`{${prefix}}*`);
    await redis.del(...keys);
    await recoverFromFlush({ database, epoch, log: silentLog });
    expect(await counts()).toMatchObject({ due: 3, inFlight: 0 });
    await scanDue(deps());
    expect(await waiting()).toMatchObject({ "parse-1001": 3 });
    const untouched = await database.asWorker((tx) => loadSchedule(tx, first as bigint));
    expect(untouched?.nextParseAt.getTime()).toBeGreaterThan(Date.now());
  });
});

it("measures who is due and what waits in which queue", async () => {
  await users(3);
  const all = deps();
  await scanDue(all);
  await users(1, { from: 4 });
  await waits(2n, "messages.getHistory", 600);
  await waits(3n, "messages.getHistory", 60);
  await measure({ ...all, producer, flood: { sleepThreshold: 120 } });
  const accounts = (await all.metrics.accountsWaiting.get()).values;
  expect(accounts.map(({ labels, value }) => [labels.length, value])).toEqual([
    ["any", 2],
    ["long", 1],
  ]);
  expect((await all.metrics.usersDue.get()).values[0]?.value).toBe(1);
  const depth = (await all.metrics.queueDepth.get()).values;
  expect(depth.find(({ labels }) => labels.queue === "parse-1001" && labels.state === "waiting")?.value).toBe(3);
  expect(await sampleOf(all.metrics.usersInFlight)).toBe(3);
  await measureSessions({ ...all, apiIds: [1001, 1002] });
  expect(await sampleOf(all.metrics.usersScheduled)).toBe(4);
  expect(await sampleOf(all.metrics.lastScan)).toBeCloseTo(Date.now() / 1_000, -2);
});

it("measures who is overdue, and which queue serves nobody", async () => {
  const [first] = await users(4);
  const all = deps({ afterMs: 0 });
  await database.asWorker((tx) => finish(tx, first as bigint, new Date(Date.now() + 60_000)));
  await producer.pause("parse-1002");
  try {
    await measure({ ...all, producer, flood: { sleepThreshold: 120 } });
    const { queuePaused } = all.metrics;
    expect(await sampleOf(queuePaused, { queue: "parse-1002", by: "operator" })).toBe(1);
    expect(await sampleOf(queuePaused, { queue: "parse-1002", by: "telegram" })).toBe(0);
    expect(await sampleOf(queuePaused, { queue: "parse-1001", by: "operator" })).toBe(0);
    expect(await sampleOf(all.metrics.usersOverdue)).toBe(3);
  } finally {
    await producer.resume("parse-1002");
  }
});

it("serves premium users first of those due together", async () => {
  await users(1, { from: 1 });
  await users(1, { from: 2, premium: true });
  await scanDue(deps());
  const jobs = await redis.zrange(`{${prefix}}:parse-1001:prioritized`, "0", "-1");
  const [first] = await Promise.all(jobs.map((id) => redis.hget(`{${prefix}}:parse-1001:${id}`, "data")));
  expect(JSON.parse(first ?? "{}")).toMatchObject({ userId: "2" });
});
