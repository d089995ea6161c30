import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { insertLease } from "../../db/leases.ts";
import { claimDue, claimOverdue, voidClaims } from "../../db/schedules.ts";
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
const claim = () => database.asWorker((tx) => claimDue(tx, 10));
const overdue = () => database.asWorker((tx) => claimOverdue(tx, { afterMs: minutes(1), limit: 10, pausedQueues: [] }));
/** As if everything had happened that much earlier. */
const age = (ms: number) =>
  database.asOwner((tx) =>
    sql`update schedules set claimed_at = claimed_at - ${ms} * interval '1 ms',
      last_enqueued_at = last_enqueued_at - ${ms} * interval '1 ms',
      last_started_at = last_started_at - ${ms} * interval '1 ms'`.execute(tx),
  );

/** A worker that was killed in the middle of a run leaves its lease, which nobody asks for while no job is there. */
describe("a run whose worker was killed", () => {
  const killed = async () => {
    const { user, sessionId } = await plantUser(database, 1n);
    await claim();
    await database.asOwner((tx) => sql`update schedules set last_started_at = now()`.execute(tx));
    await database.asWorker((tx) => insertLease(tx, { sessionId, token: newToken(), holder: "killed" }));
    return user.id;
  };

  it("is void where Redis has lost its job too", async () => {
    const userId = await killed();
    expect(await database.asWorker(voidClaims)).toBe(1);
    expect((await claim()).map((due) => due.userId)).toEqual([userId]);
  });

  it("is found again in the end, whatever became of its job", async () => {
    const userId = await killed();
    await age(minutes(5));
    expect(await overdue()).toEqual([]);
    await age(minutes(10));
    expect((await overdue()).map((due) => due.userId)).toEqual([userId]);
  });

  it("is found although the account waits for something that no parse needs", async () => {
    const userId = await killed();
    const hours = { telegramId: 1n, seconds: 20 * 3_600 };
    await database.asWorker(async (tx) => {
      await recordWait(tx, { ...hours, method: "contacts.resolveUsername", chatId: 0n });
      await recordWait(tx, { ...hours, method: "messages.getHistory", chatId: 5n });
    });
    await age(minutes(15));
    expect((await overdue()).map((due) => due.userId)).toEqual([userId]);
  });
});
