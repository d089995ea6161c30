import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { insertLease } from "../../db/leases.ts";
import {
  claimDue,
  claimOfDue,
  claimOverdue,
  countSchedules,
  finish,
  type LookFrom,
  loadSchedule,
  makeDue,
  markEnqueued,
  startRun,
  voidClaims,
} from "../../db/schedules.ts";
import { ensureSession, loadSession, transition } from "../../db/sessions.ts";
import { addUser } from "../../db/users.ts";
import { recordWait } from "../../db/waits.ts";
import { silentLog } from "../../runtime/log.ts";
import { newToken, plantUser } from "../support/fleet-rows.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 4, fencedStatementMs: 1_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});
beforeEach(() => database.asOwner((tx) => sql`truncate users, waits cascade`.execute(tx)));

const minutes = (count: number) => count * 60_000;
const claim = (limit = 10) => database.asWorker((tx) => claimDue(tx, limit));
const overdue = (given: { limit?: number; pausedQueues?: string[] } = {}) =>
  database.asWorker((tx) => claimOverdue(tx, { afterMs: minutes(1), limit: 10, pausedQueues: [], ...given }));
/** As if everything had happened that much earlier. */
const age = (ms: number) =>
  database.asOwner((tx) =>
    sql`update schedules set next_parse_at = next_parse_at - ${ms} * interval '1 ms',
      claimed_at = claimed_at - ${ms} * interval '1 ms', last_enqueued_at = last_enqueued_at - ${ms} * interval '1 ms',
      last_started_at = last_started_at - ${ms} * interval '1 ms'`.execute(tx),
  );

describe("the due scan", () => {
  it("claims who is due and can be parsed, the oldest first, each once", async () => {
    const users = [];
    for (const [index, telegramId] of [11n, 12n, 13n, 14n].entries()) {
      const planted = await plantUser(database, telegramId, { apiId: 500 + index });
      users.push(planted);
      await database.asWorker((tx) => finish(tx, planted.user.id, new Date(Date.now() - minutes(10 - index))));
    }
    const [first, second, third, last] = users.map(({ user }) => user.id);
    await database.asWorker((tx) => finish(tx, last ?? 0n, new Date(Date.now() + minutes(5))));
    const claimed = await claim(2);
    expect(claimed.map(({ userId, queue }) => [userId, queue])).toEqual([
      [first, "parse-500"],
      [second, "parse-501"],
    ]);
    expect((await claim()).map(({ userId }) => userId)).toEqual([third]);
    expect(await claim()).toEqual([]);
    expect(await database.asWorker((tx) => countSchedules(tx, minutes(9.5)))).toEqual({
      due: 0,
      inFlight: 3,
      late: 1,
      schedulable: 4,
    });
  });

  it("looks from where the last look ended, never later than a transaction may still commit", async () => {
    const [long, lately] = [await plantUser(database, 21n), await plantUser(database, 22n)];
    await database.asWorker((tx) => finish(tx, long.user.id, new Date(Date.now() - minutes(10))));
    await database.asWorker((tx) => finish(tx, lately.user.id, new Date()));
    const from = (where: LookFrom) =>
      database.asWorker(async (tx) => {
        const claimed = await claimDue(tx, 10, where);
        await voidClaims(tx);
        return claimed.map(({ userId }) => userId);
      });
    expect(await from({ lookedMsAgo: 0 })).toEqual([lately.user.id]);
    expect(await from({ lookedMsAgo: minutes(11) })).toEqual([long.user.id, lately.user.id]);
    expect(await from(new Date(Date.now() + minutes(60)))).toEqual([lately.user.id]);
    expect(await from(new Date(Date.now() - minutes(9)))).toEqual([lately.user.id]);
    expect(await from(new Date(Date.now() - minutes(11)))).toEqual([long.user.id, lately.user.id]);
    expect(await from("the beginning")).toEqual([long.user.id, lately.user.id]);
  });

  it("gives no user to two scans at once, and gives back what a scan did not commit", async () => {
    for (let telegramId = 1n; telegramId <= 6n; telegramId += 1n) await plantUser(database, telegramId);
    const seen: bigint[] = [];
    await database.asWorker(async (tx) => {
      seen.push(...(await claimDue(tx, 3)).map(({ userId }) => userId));
      seen.push(...(await claim(10)).map(({ userId }) => userId));
    });
    expect(new Set(seen).size).toBe(6);
    await database.asWorker(voidClaims);
    const crash = database.asWorker(async (tx) => {
      await claimDue(tx, 10);
      throw new Error("Redis is down");
    });
    await expect(crash).rejects.toThrow("Redis is down");
    expect(await claim()).toHaveLength(6);
  });

  it("sets the next parse at the end of a run, and makes due what lies ahead", async () => {
    const { user } = await plantUser(database, 1n);
    await claim();
    await database.asWorker((tx) => startRun(tx, user.id));
    const next = new Date(Date.now() + minutes(15));
    await database.asWorker((tx) => finish(tx, user.id, next));
    expect(await database.asWorker((tx) => loadSchedule(tx, user.id))).toMatchObject({
      nextParseAt: next,
      claimedAt: null,
    });
    expect(await claim()).toEqual([]);
    expect(await database.inTenant("elsewhere", (tx) => makeDue(tx, "all"))).toBe(0);
    expect(await database.inTenant("default", (tx) => makeDue(tx, [user.id]))).toBe(1);
    expect(await database.inTenant("default", (tx) => makeDue(tx, "all"))).toBe(0);
    await database.inTenant("default", (tx) => markEnqueued(tx, [user.id]));
    expect(await claim()).toEqual([]);
  });
});

describe("the start of a run", () => {
  it("is marked, and tells whom it is for and by which session", async () => {
    const { user, sessionId } = await plantUser(database, 1n);
    const { queue, nextParseAt } = (await database.asWorker((tx) => loadSchedule(tx, user.id)))!;
    expect(queue).not.toBeNull();
    const start = () => database.once((tx) => startRun(tx, user.id));
    const session = await database.once((tx) => loadSession(tx, sessionId));
    expect(await start()).toEqual({ user, session, nextParseAt, serverNow: expect.any(Date) });
    expect((await database.asWorker((tx) => loadSchedule(tx, user.id)))?.lastStartedAt).not.toBeNull();
    const newer = { tenantId: "default", userId: user.id, telegramId: 1n, appId: "another", apiId: 2, ownApi: false };
    const { id } = await database.asWorker((tx) => ensureSession(tx, newer));
    expect((await start())?.session?.id).toBe(sessionId);
    await database.asWorker((tx) => transition(tx, sessionId, { from: ["AUTHORIZED"], to: "STALE" }));
    expect((await start())?.session).toMatchObject({ id, state: "ABSENT" });
  });

  it("is told of a user without a session, and not of one that is none of ours", async () => {
    const { user } = await database.inTenant("default", (tx) => addUser(tx, { tenantId: "default", telegramId: 2n }));
    expect(await database.once((tx) => startRun(tx, user.id))).toMatchObject({ user, session: null });
    expect(await database.once((tx) => startRun(tx, 999_999n))).toBeNull();
  });
});

describe("claims that came to nothing", () => {
  it("are found again after a while, and then not before another", async () => {
    const { user } = await plantUser(database, 1n, { apiId: 9 });
    await claim();
    expect(await overdue()).toEqual([]);
    await age(minutes(2));
    expect(await overdue({ pausedQueues: ["parse-9"] })).toEqual([]);
    expect((await overdue()).map(({ userId }) => userId)).toEqual([user.id]);
    expect(await overdue()).toEqual([]);
    await age(minutes(2));
    expect(await overdue()).toHaveLength(1);
  });

  it("are left alone while the run goes on or the account waits", async () => {
    const { user, sessionId } = await plantUser(database, 1n);
    await claim();
    await age(minutes(3));
    await database.asWorker((tx) => startRun(tx, user.id));
    expect(await overdue()).toEqual([]);
    const lease = { sessionId, token: newToken() };
    await database.asWorker((tx) => insertLease(tx, { ...lease, holder: "a" }));
    await age(minutes(2));
    expect(await overdue()).toEqual([]);
    await database.asOwner((tx) => sql`delete from leases`.execute(tx));
    await database.asWorker((tx) => recordWait(tx, { telegramId: 1n, method: "m", chatId: 0n, seconds: 60 }));
    expect(await overdue()).toEqual([]);
    await database.asOwner((tx) => sql`update waits set until = now() - interval '1 second'`.execute(tx));
    expect(await overdue()).toHaveLength(1);
    expect(await database.asWorker(voidClaims)).toBe(1);
    expect(await claim()).toHaveLength(1);
  });
});

describe("with 100,000 users", () => {
  it("finds the due ones by the index", { timeout: 60_000 }, async () => {
    await database.asWorker(async (tx) => {
      await sql`insert into users (tenant_id, telegram_id) select 'default', n from generate_series(1, 100000) n`.execute(
        tx,
      );
      await sql`insert into schedules (user_id, tenant_id, queue, next_parse_at)
        select id, 'default', 'parse-1', now() + (telegram_id - 2000) * interval '1 second' from users`.execute(tx);
    });
    await database.asOwner((tx) => sql`analyze schedules, users`.execute(tx));
    const plan = await database.asOwner((tx) =>
      sql<{ "QUERY PLAN": string }>`explain ${claimOfDue(1_000, { lookedMsAgo: 0 })}`.execute(tx),
    );
    expect(plan.rows.map((row) => row["QUERY PLAN"]).join("\n")).toContain("schedules_due");
    expect(await claim(1000)).toHaveLength(1000);
  });
});
