import { afterAll, beforeAll, expect, it } from "vitest";
import { putOutOfService } from "../../db/api-id-outage.ts";
import { listClosedToLogins } from "../../db/api-ids.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { silentLog } from "../../runtime/log.ts";
import { settleApiIds } from "../../scheduler/api-ids.ts";
import { pickAgain, pickMaster } from "../../telegram/shards.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { jsonOf, prepareCommands } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

/** The life of a master: seen, draining, retired, taken out of the configuration, and back. */
const [OLD, NEW, OWN] = [1001, 1002, 77_777];
let home: TestDatabase;
let database: Database;

prepareCommands();
beforeAll(async () => {
  home = await testDatabase();
  database = openDatabase({ url: home.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
  for (const telegramId of [901n, 902n, 903n]) await plantUser(database, telegramId, { apiId: OLD });
  await plantUser(database, 904n, { apiId: NEW });
  await plantUser(database, 905n, { apiId: OWN, ownApi: true });
});
afterAll(async () => {
  await database?.close();
  await home?.drop();
});

const run = (...args: string[]) =>
  runHere(args, {
    env: {
      DATABASE_URL: home.url,
      MASTER_API_IDS: `${OLD},${NEW}`,
      MASTER_API_HASHES: `${"a".repeat(32)},${"b".repeat(32)}`,
    },
  });
const listed = async (apiId: number) =>
  (jsonOf(await run("api-ids", "list", "--json")) as { apiId: number }[]).find((row) => row.apiId === apiId);

/** A scheduler's start with these configured, and what it said of what is missing. */
async function start(...apiIds: number[]): Promise<unknown[]> {
  const said: unknown[] = [];
  const log = { ...silentLog, info: () => undefined, error: (fields: unknown) => said.push(fields) };
  await settleApiIds({ database, apiIds, log: log as never });
  return said;
}

/** Whom the due scan would enqueue, by queue. */
const scheduled = () =>
  database.asWorker(async (tx) => {
    const rows = await tx
      .selectFrom("schedules")
      .innerJoin("users", "users.id", "schedules.user_id")
      .select(["users.telegram_id", "schedules.queue"])
      .where("schedules.queue", "is not", null)
      .orderBy("users.telegram_id")
      .execute();
    return rows.map((row) => `${row.telegram_id} ${row.queue}`);
  });
const OF_OLD = [901, 902, 903].map((id) => `${id} parse-1001`);
const OTHERS = ["904 parse-1002", "905 parse-own"];

it("an API ID is known from when it is first configured, and adding one moves nobody", async () => {
  expect(await start(OLD)).toEqual([{ missing: [{ api_id: NEW, sessions: 1 }] }]);
  const seen = await listed(OLD);
  expect(seen).toMatchObject({ state: "in service", firstSeenAt: expect.any(String), sessions: 3 });
  expect(await start(OLD, NEW)).toEqual([]);
  expect(await scheduled()).toEqual([...OF_OLD, ...OTHERS]);
  expect(await start(OLD, NEW, 1003)).toEqual([]);
  expect(await listed(OLD)).toEqual(seen);
  expect(await scheduled()).toEqual([...OF_OLD, ...OTHERS]);
});

it("taken out of the configuration, its sessions are held and shown, until it is back", async () => {
  expect(await start(NEW)).toEqual([{ missing: [{ api_id: OLD, sessions: 3 }] }]);
  expect(await scheduled()).toEqual(OTHERS);
  expect(await listed(OLD)).toMatchObject({ state: "not configured", sessions: 3, held: 3 });
  expect((await run("api-ids", "resume", String(OLD))).stderr).toMatch(
    /^gramfleet: API ID 1001 is not configured: [^\n]+\n$/,
  );
  expect(await start(OLD, NEW)).toEqual([]);
  expect(await scheduled()).toEqual([...OF_OLD, ...OTHERS]);
  expect(await listed(OLD)).toMatchObject({ state: "in service", held: 0 });
});

it("draining, it takes no logins, and its sessions go on", async () => {
  expect(jsonOf(await run("api-ids", "drain", String(OLD), "--json"))).toEqual({
    apiId: OLD,
    draining: true,
    sessions: 3,
  });
  expect(await scheduled()).toEqual([...OF_OLD, ...OTHERS]);
  expect(await listed(OLD)).toMatchObject({ state: "draining", held: 0 });
  const apiIds = { masters: [OLD, NEW].map((apiId) => ({ apiId, apiHash: "" })), backup: null };
  const closed = await database.asWorker(listClosedToLogins);
  for (const userId of [0n, 1n, 2n, 3n]) {
    expect(pickMaster(userId, apiIds, closed).apiId).toBe(NEW);
    expect(pickAgain({ userId, apiId: OLD, ownApi: false }, apiIds, closed).apiId).toBe(NEW);
  }
});

it("is not retired while sessions are pinned to it, unless it is said what becomes of them", async () => {
  const { code, stderr } = await run("api-ids", "retire", String(OLD));
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^gramfleet: API ID 1001 has 3 sessions \(901, 902, 903\): say [^\n]*--sessions log-out or --sessions hold\n$/,
  );
  expect(await scheduled()).toEqual([...OF_OLD, ...OTHERS]);
  expect((await run("api-ids", "retire", "1003")).stdout).toMatch(
    /^API ID 1003 is retired: 0 sessions logged out, 0 held\n/,
  );
  expect(jsonOf(await run("api-ids", "retire", String(OLD), "--sessions", "hold", "--json"))).toEqual({
    ...{ apiId: OLD, retired: true, loggedOut: 0, held: 3 },
  });
  expect(await scheduled()).toEqual(OTHERS);
  expect(await listed(OLD)).toMatchObject({ state: "retired", held: 3 });
  expect((await run("api-ids", "drain", String(OLD))).stderr).toMatch(/^gramfleet: API ID 1001 is retired/);
});

it("stays retired at the next start, says nothing of what was decided, and comes back when it is asked to", async () => {
  expect(await start(NEW)).toEqual([]);
  expect(await scheduled()).toEqual(OTHERS);
  expect(await start(OLD, NEW)).toEqual([]);
  expect(await scheduled()).toEqual(OTHERS);
  expect(jsonOf(await run("api-ids", "resume", String(OLD), "--json"))).toEqual({ apiId: OLD, released: 3 });
  expect(await scheduled()).toEqual([...OF_OLD, ...OTHERS]);
});

it("nobody can be logged out by an API ID that Telegram refuses", async () => {
  await database.asWorker((tx) => putOutOfService(tx, NEW, "API_ID_INVALID"));
  const { code, stderr } = await runHere(["api-ids", "retire", String(NEW), "--sessions", "log-out"], {
    env: {
      DATABASE_URL: home.url,
      REDIS_URL: "redis://127.0.0.1:1",
      MASTER_API_IDS: `${NEW}`,
      MASTER_API_HASHES: "b".repeat(32),
    },
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^gramfleet: Telegram refuses API ID 1002[^\n]+\n$/);
});
