import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { saveAccess, saveChannel, subscribe, unsubscribe } from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { storeHistory } from "../../db/messages.ts";
import { finishReconcile } from "../../db/reconcile.ts";
import { setHold } from "../../db/sessions.ts";
import { setPaused } from "../../db/users.ts";
import { recordWait } from "../../db/waits.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { measureLedger } from "../../scheduler/gauges.ts";
import { maintain } from "../../scheduler/maintenance.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

const TENANT = "default";
const HOUR = 3_600_000;
let home: TestDatabase;
let database: Database;
beforeEach(async () => {
  home = await testDatabase();
  database = openDatabase({ url: home.url, poolSize: 4, fencedStatementMs: 1_000, log: silentLog });
});
afterEach(async () => {
  await database.close();
  await home.drop();
});

type Planted = Awaited<ReturnType<typeof plantUser>>;

/** A channel that was added seven hours ago and has been read, and whoever follows it. */
async function channel(id: bigint, followers: readonly Planted[]) {
  await database.asWorker(async (tx) => {
    await saveChannel(tx, { id, username: null, title: "t", kind: "broadcast" });
    await storeHistory(tx, {
      channelId: id,
      ptsAtCall: null,
      newPts: 5,
      messages: [],
      covers: { from: 6, to: 10 },
      topMessageId: 10,
      readAt: new Date(),
    });
    await sql`update channels set created_at = now() - interval '7 hours' where id = ${id}`.execute(tx);
  });
  for (const { user } of followers) await follow(id, user.id);
}
async function follow(channelId: bigint, userId: bigint, availableMinId = 0) {
  const who = { tenantId: TENANT, userId };
  await database.inTenant(TENANT, (tx) => subscribe(tx, { ...who, name: channelId.toString() }));
  await database.asWorker(async (tx) => {
    await sql`update subscriptions set channel_id = ${channelId}, state = 'active'
      where user_id = ${userId} and name = ${channelId.toString()}`.execute(tx);
    await saveAccess(tx, { ...who, channelId, accessHash: 1n, joined: true, availableMinId });
  });
}
const set = (id: bigint, column: "reconciled_at" | "reconcile_asked_at", hoursAgo: number) =>
  database.asOwner((tx) =>
    sql`update channels set ${sql.ref(column)} = now() - ${hoursAgo} * interval '1 hour' where id = ${id}`.execute(tx),
  );

/** What one turn of the maintenance enqueues. */
async function turn(reconcileBatch = 10) {
  const jobs: NewJob[] = [];
  await maintain({
    database,
    producer: {
      addBulk: async (added) => {
        jobs.push(...added);
        return added.map(({ queue }, index) => ({ queue, id: String(index) }));
      },
    },
    now: () => new Date(),
    reconcile: { everyMs: 6 * HOUR },
    limits: { reconcileBatch },
  });
  return jobs;
}
const channelsOf = (jobs: readonly NewJob[]) =>
  jobs.flatMap((job) => (job.name === "reconcile-channel" ? [BigInt(job.data.channelId)] : []));
const usersOf = (jobs: readonly NewJob[]) =>
  jobs.flatMap((job) => (job.name === "reconcile-channel" ? [BigInt(job.data.userId)] : []));

describe("maintenance", () => {
  it("asks for the channels whose reconciling is due, each once, in the queue of an account that reaches it", async () => {
    const [first, second] = [await plantUser(database, 1n), await plantUser(database, 2n, { apiId: 1002 })];
    await channel(101n, [first]);
    await channel(102n, [second]);
    await channel(103n, [first, second]);
    await set(103n, "reconciled_at", 5);
    await channel(104n, []);
    const jobs = await turn();
    expect(channelsOf(jobs).sort()).toEqual([101n, 102n]);
    expect(jobs.find((job) => channelsOf([job])[0] === 102n)).toMatchObject({
      queue: "parse-1002",
      urgency: "reconcile",
      data: { tenantId: TENANT, userId: second.user.id.toString() },
    });
    expect(await turn()).toEqual([]);
    await database.asWorker((tx) => finishReconcile(tx, 101n));
    await set(102n, "reconcile_asked_at", 2);
    await set(103n, "reconciled_at", 6.1);
    expect(channelsOf(await turn()).sort()).toEqual([102n, 103n]);
  });

  it("asks for the longest ago first, a few a turn, and for each once with many schedulers", async () => {
    const reader = await plantUser(database, 1n);
    for (let id = 101n; id <= 112n; id += 1n) {
      await channel(id, [reader]);
      await set(id, "reconciled_at", Number(id));
    }
    expect(channelsOf(await turn(3)).sort()).toEqual([110n, 111n, 112n]);
    const turns = await Promise.all([turn(5), turn(5), turn(5)]);
    const rest = channelsOf([...turns.flat(), ...(await turn())]);
    expect(rest.sort()).toEqual([101n, 102n, 103n, 104n, 105n, 106n, 107n, 108n, 109n]);
  });

  it("chooses an account that is usable, need not wait, and sees furthest back", async () => {
    const held = await plantUser(database, 1n);
    const paused = await plantUser(database, 2n);
    const waiting = await plantUser(database, 3n);
    const near = await plantUser(database, 4n);
    const far = await plantUser(database, 5n);
    const left = await plantUser(database, 6n);
    await channel(101n, [held, paused, waiting, left]);
    await follow(101n, near.user.id, 500);
    await follow(101n, far.user.id, 100);
    await database.asWorker((tx) => setHold(tx, held.sessionId, "frozen", true));
    await database.inTenant(TENANT, (tx) => setPaused(tx, 2n, true));
    await database.inTenant(TENANT, (tx) => unsubscribe(tx, { userId: left.user.id, name: "101" }));
    const wait = { telegramId: 3n, method: "channels.getMessages", chatId: 0n, seconds: 3_600 };
    await database.asWorker((tx) => recordWait(tx, wait));
    const asked = async () => {
      const jobs = await turn();
      await set(101n, "reconcile_asked_at", 2);
      return usersOf(jobs);
    };
    expect(await asked()).toEqual([far.user.id]);
    await database.asWorker((tx) => recordWait(tx, { ...wait, telegramId: 5n, chatId: 101n }));
    expect(await asked()).toEqual([near.user.id]);
    await database.asWorker((tx) => recordWait(tx, { ...wait, telegramId: 4n, method: "contacts.resolveUsername" }));
    expect(await asked()).toEqual([near.user.id]);
    await database.asOwner((tx) =>
      sql`update channel_access set state = 'private' where user_id = ${near.user.id}`.execute(tx),
    );
    expect(await asked()).toEqual([]);
  });

  it("marks nothing where Redis is away", async () => {
    await channel(101n, [await plantUser(database, 1n)]);
    const away = { addBulk: () => Promise.reject(new Error("away")) };
    const deps = { database, producer: away, now: () => new Date(), limits: { reconcileBatch: 10 } };
    await expect(maintain({ ...deps, reconcile: { everyMs: HOUR } })).rejects.toThrow("away");
    expect(channelsOf(await turn())).toEqual([101n]);
  });
});

it("measures completeness", async () => {
  await channel(101n, [await plantUser(database, 1n)]);
  const metrics = createMetrics();
  await measureLedger({ database, historyDepthFree: 1_000, metrics });
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/^messages_missing 5$/m);
  expect(text).toMatch(/^messages_unverified 0$/m);
  expect(text).toMatch(/^channels_incomplete 1$/m);
  expect(text).toMatch(/^oldest_gap_seconds 0\.\d+$/m);
});
