import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { endRun, lagSince, lastRuns, type Run, runTotals } from "../../db/runs.ts";
import { listUsers } from "../../db/user-summary.ts";
import { addUser, countUsers, findUser, loadUser, setPlan } from "../../db/users.ts";
import { countRunningWaits, deleteOldWaits, recordWait, runningWaits } from "../../db/waits.ts";
import { silentLog } from "../../runtime/log.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
  await database.asOwner((tx) => sql`insert into tenants (id, name) values ('acme', 'Acme')`.execute(tx));
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});
beforeEach(() => database.asOwner((tx) => sql`truncate users, waits cascade`.execute(tx)));

const day = (days: number) => new Date(Date.now() + days * 86_400_000);

describe("users", () => {
  it("is added once in its tenant, and seen there alone", async () => {
    const add = (tenantId: string) => database.inTenant(tenantId, (tx) => addUser(tx, { tenantId, telegramId: 9n }));
    const { user, added } = await add("default");
    expect(added).toBe(true);
    expect(await add("default")).toEqual({ user, added: false });
    expect(await database.inTenant("acme", (tx) => findUser(tx, 9n))).toBeNull();
    expect(await database.inTenant("acme", (tx) => setPlan(tx, 9n, { plan: "premium", paidUntil: null }))).toBe(false);
    const other = await add("acme");
    expect(other.user.id).not.toBe(user.id);
    expect(await database.inTenant("acme", (tx) => findUser(tx, 9n))).toEqual(other.user);
    expect([await database.inTenant("acme", countUsers), await database.asWorker(countUsers)]).toEqual([1, 2]);
  });

  it("is listed by the plan in force", async () => {
    const { user } = await plantUser(database, 1n);
    await plantUser(database, 2n);
    await plantUser(database, 3n);
    await database.inTenant("default", async (tx) => {
      await setPlan(tx, 1n, { plan: "premium", paidUntil: day(1) });
      await setPlan(tx, 2n, { plan: "premium", paidUntil: day(-1), trialExpiresAt: day(1) });
      await setPlan(tx, 3n, { plan: "premium", paidUntil: day(-1) });
    });
    const listed = async (plan?: string) => {
      const users = await database.inTenant("default", (tx) => listUsers(tx, plan === undefined ? {} : { plan }));
      return users.map(({ telegramId }) => telegramId);
    };
    expect([await listed("premium"), await listed("trial"), await listed("free")]).toEqual([[1n], [2n], [3n]]);
    expect(await listed()).toEqual([1n, 2n, 3n]);
    const [first] = await database.inTenant("default", (tx) => listUsers(tx, { limit: 1 }));
    expect(first).toMatchObject({ sessionState: "AUTHORIZED", subscriptions: 0, lastRunAt: null, lastOutcome: null });
    expect((await database.asWorker((tx) => loadUser(tx, user.id)))?.plan).toBe("premium");
  });
});

describe("waits", () => {
  it("is never shortened", async () => {
    const record = (seconds: number, chatId = 0n) =>
      database.asWorker((tx) => recordWait(tx, { telegramId: 5n, method: "messages.getHistory", chatId, seconds }));
    const long = await record(3_600);
    expect(long.until.getTime() - Date.now()).toBeGreaterThan(3_590_000);
    expect(await record(5)).toEqual(long);
    expect((await record(7_200)).seconds).toBe(7_200);
    await record(-10, 77n);
    expect((await database.asWorker((tx) => runningWaits(tx, 5n))).map(({ chatId }) => chatId)).toEqual([0n]);
    expect(await database.asWorker(countRunningWaits)).toEqual({ waits: 1, accounts: 1 });
    expect(await database.asWorker((tx) => deleteOldWaits(tx, 60_000))).toBe(0);
    expect(await database.asWorker((tx) => deleteOldWaits(tx, 1_000))).toBe(1);
  });
});

describe("runs", () => {
  it("is summed up, and its lag counted from the second run of each user", async () => {
    const since = new Date(Date.now() - 1_000);
    const { user } = await plantUser(database, 1n);
    const run = (given: Partial<Run>): Run => ({
      tenantId: "default",
      userId: user.id,
      slot: new Date(),
      startedAt: new Date(),
      plan: "free",
      outcome: "done",
      error: null,
      channels: 3,
      channelsChanged: 1,
      calls: 4,
      waits: 0,
      added: 5,
      edited: 1,
      deleted: 0,
      ...given,
    });
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
    await database.asWorker(async (tx) => {
      for (const given of [{ slot: ago(900) }, { slot: ago(10) }, { slot: ago(30), plan: "premium" }])
        await endRun(tx, run(given), new Date());
      await endRun(tx, run({ outcome: "failed", error: "x", slot: ago(500), added: 0 }), new Date());
    });
    const totals = { parses: 3, failed: 1, added: 15, edited: 4, deleted: 0 };
    expect(await database.asWorker((tx) => runTotals(tx, since))).toEqual(totals);
    expect(await database.inTenant("acme", (tx) => runTotals(tx, since))).toMatchObject({ parses: 0 });
    const lag = await database.asWorker((tx) => lagSince(tx, since));
    expect([...lag.keys()].sort()).toEqual(["all", "free", "premium"]);
    expect(lag.get("all")?.runs).toBe(2);
    expect(lag.get("free")?.p99).toBeGreaterThanOrEqual(10);
    expect(lag.get("free")?.p99).toBeLessThan(30);
    expect(await database.asWorker((tx) => lagSince(tx, day(1)))).toEqual(new Map());
    const [last] = await database.asWorker((tx) => lastRuns(tx, user.id, 1));
    expect(last).toMatchObject({ outcome: "failed", error: "x", added: 0 });
  });
});
