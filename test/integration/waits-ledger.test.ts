import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { databaseNow } from "../../db/overview.ts";
import { bringBackWaits, runningWaits, type Wait } from "../../db/waits.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { createWaitLedger, type WaitLedger } from "../../telegram/waits.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

const METHOD = "messages.getHistory";
const HOUR = 3_600_000;

let place: TestDatabase;
let database: Database;
let accounts = 0n;

beforeAll(async () => {
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 4, fencedStatementMs: 1_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await place?.drop();
});

const account = () => {
  accounts += 1n;
  return accounts;
};
/** One process's ledger. */
const ledger = (options: { database?: Database; clock?: Clock } = {}) =>
  createWaitLedger({ database, clock: systemClock, log: silentLog, retryMs: 10, ...options });
/** What a process does once it has the account's lease. */
const learned = (waits: WaitLedger, id: bigint) =>
  database.asWorker(async (tx) => {
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(tx);
    waits.learn(await runningWaits(tx, id), rows[0]!.now);
  });
const skewed = (milliseconds: number): Clock => ({ ...systemClock, now: () => Date.now() + milliseconds });

test("a wait holds its method at once, and the next process too", async () => {
  const id = account();
  const one = ledger();
  await one.record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 60 });
  const two = ledger();
  expect(two.check(id, METHOD)).toBeNull();
  await learned(two, id);
  for (const held of [one.check(id, METHOD), two.check(id, METHOD)])
    expect(Math.abs((held?.until.getTime() ?? 0) - Date.now() - 60_000)).toBeLessThan(2_000);
  expect(two.check(id, "users.getUsers")).toBeNull();
  expect(two.check(account(), METHOD)).toBeNull();
});

test("slow mode holds one chat, a method's wait all of them, and the longer one counts", async () => {
  const id = account();
  const one = ledger();
  await one.record({ telegramId: id, method: METHOD, chatId: 5n, seconds: 60 });
  expect(one.check(id, METHOD)).toBeNull();
  expect(one.check(id, METHOD, 6n)).toBeNull();
  expect(one.check(id, METHOD, 5n)?.scope).toBe("chat");
  await one.record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 120 });
  expect(one.check(id, METHOD, 5n)?.scope).toBe("method");
});

test("a shorter wait never shortens a longer one, in memory or in PostgreSQL", async () => {
  const id = account();
  const one = ledger();
  const long = await one.record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 600 });
  const after = await one.record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 1 });
  expect(Math.abs(after.getTime() - long.getTime())).toBeLessThan(1_000);
  const [row] = await database.asWorker((tx) => runningWaits(tx, id));
  expect(row?.seconds).toBe(600);
});

test.each([
  { what: "an hour ahead", skew: HOUR },
  { what: "an hour behind", skew: -HOUR },
])("a process whose clock is $what does not call too early", async ({ skew }) => {
  const id = account();
  await ledger().record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 60 });
  const clock = skewed(skew);
  const wrong = ledger({ clock });
  await learned(wrong, id);
  const left = (wrong.check(id, METHOD)?.until.getTime() ?? 0) - clock.now();
  expect(left).toBeGreaterThan(58_000);
});

test("PostgreSQL's clock is set forward an hour: the wait holds in a process that reads it then, too", async () => {
  const id = account();
  await ledger().record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 60 });
  const [row] = await database.asWorker((tx) => runningWaits(tx, id));
  const other = ledger();
  other.learn([row!], new Date(Date.now() + HOUR));
  expect((other.check(id, METHOD)?.until.getTime() ?? 0) - Date.now()).toBeGreaterThan(58_000);
});

test("PostgreSQL's clock was set back since: a wait that would last longer than asked for is not counted as running", async () => {
  const id = account();
  await ledger().record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 60 });
  await database.asOwner((tx) =>
    sql`update waits set until = until + interval '1 hour' where telegram_id = ${id}`.execute(tx),
  );
  expect(await database.asWorker((tx) => runningWaits(tx, id))).toEqual([]);
});

test("PostgreSQL's clock was set back since: a new wait counts as it was asked for, and the old one is not shortened", async () => {
  const setBack = (id: bigint) =>
    database.asOwner((tx) =>
      sql`update waits set until = until + interval '1 hour' where telegram_id = ${id}`.execute(tx),
    );
  const leftElsewhere = async (id: bigint) => {
    const other = ledger();
    await learned(other, id);
    return (other.check(id, METHOD)?.until.getTime() ?? 0) - Date.now();
  };
  const [short, long] = [account(), account()];
  await ledger().record({ telegramId: short, method: METHOD, chatId: 0n, seconds: 5 });
  await setBack(short);
  await ledger().record({ telegramId: short, method: METHOD, chatId: 0n, seconds: 600 });
  expect(await leftElsewhere(short)).toBeGreaterThan(590_000);
  await ledger().record({ telegramId: long, method: METHOD, chatId: 0n, seconds: 600 });
  await setBack(long);
  await ledger().record({ telegramId: long, method: METHOD, chatId: 0n, seconds: 60 });
  expect(await leftElsewhere(long)).toBeGreaterThan(590_000);
});

test("it was met once by a process whose clock was ahead: that process's end of it does not stand in for the next one's", async () => {
  const id = account();
  await ledger({ clock: skewed(HOUR) }).record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 1 });
  await ledger().record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 60 });
  const [row] = await database.asWorker((tx) => runningWaits(tx, id));
  const other = ledger();
  // By PostgreSQL's clock alone it would be over.
  other.learn([row!], new Date(Date.now() + HOUR));
  expect((other.check(id, METHOD)?.until.getTime() ?? 0) - Date.now()).toBeGreaterThan(58_000);
});

test("all clocks were set back since: it ends, however often it is read", async () => {
  const id = account();
  await ledger({ clock: skewed(HOUR) }).record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 1 });
  await database.asOwner((tx) =>
    sql`update waits set until = until + interval '1 hour' where telegram_id = ${id}`.execute(tx),
  );
  const left = async () => {
    const reader = ledger();
    const { waits, now } = await database.asWorker(async (tx) => ({
      waits: await sql<Wait>`select telegram_id as "telegramId", method, chat_id as "chatId", until,
        process_until as "processUntil", seconds from waits where telegram_id = ${id}`.execute(tx),
      now: await databaseNow(tx),
    }));
    reader.learn(waits.rows, now);
    return reader.check(id, METHOD);
  };
  expect(await left()).not.toBeNull();
  expect(await database.once(bringBackWaits)).toBeGreaterThan(0);
  await eventually(async () => (await left()) === null);
  expect(await database.once(bringBackWaits)).toBe(0);
});

test("over, it holds nothing any more", async () => {
  const id = account();
  const one = ledger();
  await one.record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 1 });
  expect(one.check(id, METHOD)).not.toBeNull();
  await eventually(() => one.check(id, METHOD) === null);
  expect(await database.asWorker((tx) => runningWaits(tx, id))).toEqual([]);
});

test("PostgreSQL away: the wait holds in memory, and is saved as soon as it is back", async () => {
  const id = account();
  let away = true;
  const flaky: Database = {
    ...database,
    once: (work) => (away ? Promise.reject(new Error("PostgreSQL is away")) : database.once(work)),
  };
  const one = ledger({ database: flaky });
  await one.record({ telegramId: id, method: METHOD, chatId: 0n, seconds: 60 });
  expect(one.check(id, METHOD)).not.toBeNull();
  expect(await database.asWorker((tx) => runningWaits(tx, id))).toEqual([]);
  away = false;
  const saved = await eventually(async () => (await database.asWorker((tx) => runningWaits(tx, id)))[0]);
  expect(saved.method).toBe(METHOD);
  await one.close();
});
