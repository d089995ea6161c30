import { afterAll, beforeAll, expect, it } from "vitest";
import { putOutOfService } from "../../db/api-id-outage.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import type { SessionHold } from "../../db/schema.ts";
import { setHold } from "../../db/sessions.ts";
import { silentLog } from "../../runtime/log.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { gramfleet, jsonOf, prepareCommands } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

/** What an operator does about what was held. */
const [FROZEN, FIRST, SECOND, FREE] = [901n, 902n, 903n, 904n] as const;
const REFUSED = 1002;
let home: TestDatabase;
let database: Database;

prepareCommands();
beforeAll(async () => {
  home = await testDatabase();
  database = openDatabase({ url: home.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
  const hold = async (telegramId: bigint, apiId: number, ...holds: SessionHold[]) => {
    const { sessionId } = await plantUser(database, telegramId, { apiId });
    await database.asWorker(async (tx) => {
      for (const each of holds) await setHold(tx, sessionId, each, true);
    });
  };
  await hold(FROZEN, 1001, "frozen");
  await hold(FIRST, REFUSED, "api_id_out");
  await hold(SECOND, REFUSED, "api_id_out", "frozen");
  await hold(FREE, 1001);
  await database.asWorker((tx) => putOutOfService(tx, REFUSED, "API_ID_INVALID"));
});
afterAll(async () => {
  await database?.close();
  await home?.drop();
});

const env = () => ({ DATABASE_URL: home.url, MASTER_API_IDS: "1003", MASTER_API_HASHES: "a".repeat(32) });
const run = (...args: string[]) => runHere(args, { env: env() });

/** Who is in the due scan's queue. */
const scheduled = () =>
  database.asWorker(async (tx) => {
    const rows = await tx
      .selectFrom("schedules")
      .innerJoin("users", "users.id", "schedules.user_id")
      .select("users.telegram_id")
      .where("schedules.queue", "is not", null)
      .orderBy("users.telegram_id")
      .execute();
    return rows.map((row) => BigInt(row.telegram_id));
  });

it("a session that was held is read again once it is released, and no other", async () => {
  expect(await scheduled()).toEqual([FREE]);
  expect(await gramfleet(["sessions", "release", String(FROZEN)], { env: env() })).toMatchObject({
    ...{ code: 0, stderr: "", stdout: "901: released (was held: frozen)\n" },
  });
  expect(await scheduled()).toEqual([FROZEN, FREE]);
});

it("says in one line why there is nothing to release", async () => {
  const [free, unknown, refused, inService, noApiId, notOurs] = await Promise.all([
    run("sessions", "release", String(FREE)),
    run("sessions", "release", "999"),
    run("sessions", "release", String(FIRST)),
    run("api-ids", "resume", "1001"),
    run("api-ids", "resume", "many"),
    run("api-ids", "resume", "77"),
  ]);
  expect(free.stderr).toBe("gramfleet: 904 has no session that is held\n");
  expect(unknown.stderr).toMatch(/^gramfleet: no user 999 here: [^\n]+\n$/);
  expect(refused.stderr).toMatch(
    /^gramfleet: API ID 1002 serves nobody now: [^\n]*"gramfleet api-ids resume 1002" [^\n]+\n$/,
  );
  expect(inService.stderr).toBe("gramfleet: API ID 1001 is in service\n");
  expect(noApiId).toMatchObject({ code: 2, stderr: expect.stringMatching(/^gramfleet: [^\n]*whole number[^\n]*\n$/) });
  expect(notOurs.stderr).toMatch(/^gramfleet: no API ID 77 here: [^\n]+\n$/);
});

it("a refused API ID is shown, and comes back with the sessions that were held for it alone", async () => {
  const { stdout } = await run("api-ids", "list");
  expect(stdout).toMatch(/^ +1002 +out of service +\S+ \S+Z +2 +2 +1 +0 +API_ID_INVALID +\S+ \S+Z$/m);
  expect(stdout).toMatch(/^ +1003 +in service +– +0 +0 +0 +0 +– +–$/m);
  expect(jsonOf(await run("api-ids", "resume", String(REFUSED), "--json"))).toEqual({ apiId: REFUSED, released: 2 });
  expect(await scheduled()).toEqual([FROZEN, FIRST, FREE]);
  expect(jsonOf(await run("api-ids", "list", "--json"))).toContainEqual({
    ...{ apiId: REFUSED, state: "in service", outOfServiceAt: null, reason: null, refusals: 0, probeAt: null },
    ...{ drainingAt: null, retiredAt: null, unconfiguredAt: null, firstSeenAt: expect.any(String) },
    ...{ sessions: 2, held: 1, frozen: 1, frozenLately: 0, bannedLately: 0 },
  });
});
