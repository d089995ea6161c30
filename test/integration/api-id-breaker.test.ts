import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimProbe, listOutages, putOutOfService } from "../../db/api-id-outage.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { ensureSession, loadSession, saveSealed, setHold, transition } from "../../db/sessions.ts";
import { addUser } from "../../db/users.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog as log } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { probeApiIds } from "../../telegram/api-ids/probing.ts";
import { ApiIdRefused } from "../../telegram/errors.ts";
import { createFleet, type Fleet } from "../../telegram/fleet.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { logInByPhone } from "../../telegram/login/log-in.ts";
import { eventually } from "../support/eventually.ts";
import { sampleOf } from "../support/samples.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";
import { BACKUP_API, startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

const MASTER = { apiId: 1001, apiHash: "a".repeat(32) };
const apiIds = { masters: [MASTER], backup: BACKUP_API };
const times = {
  ...{
    connectDeadlineMs: 10_000,
    callDeadlineMs: 10_000,
    pingEveryMs: 5_000,
    pingDisconnectMs: 12_000,
    closeWaitMs: 100,
  },
  ...{ leaseMs: 30_000, heartbeatMs: 10_000, quietMs: 15_000, callsInFlightPerAccount: 2 },
  // A test says itself when an API ID is due to be tried.
  ...{ apiIdPauseMs: 1, apiIdProbeFirstMs: 3_600_000, apiIdProbeMostMs: 10_000_000, apiIdProbeClaimMs: 60_000 },
};
const flood = { inlineMaxSeconds: 2, sleepThreshold: 120, scope: "account" } as const;
const keyring = [{ id: "k1", key: randomBytes(32) }];

let telegram: WireTelegram;
let place: TestDatabase;
let database: Database;
let lifecycle: Lifecycle;
let redis: ReturnType<typeof testRedis>;
let accounts = 0n;

beforeEach(async () => {
  telegram = await startWireTelegram();
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 8, fencedStatementMs: 5_000, log });
  lifecycle = new Lifecycle(log);
  redis = testRedis();
});
afterEach(async () => {
  await lifecycle?.close();
  await database?.close();
  await place?.drop();
  await telegram?.close();
});

/** What a worker process has, and its loop's turn. */
async function worker(given: { withoutBreakers?: boolean } = {}) {
  const metrics = createMetrics();
  const fleet = await createFleet(
    {
      ...{ database, heartbeatUrl: place.url, redisPrefix: redis.prefix, keyring, connect, limits: times },
      redis: () => openRedis(redis.url, "limiter"),
      apiIds: { ...apiIds, callsPerSecond: 1_000 },
      dataCenters: telegram.dataCenters,
      ...{ flood, metrics, clock, log, ...given },
    },
    lifecycle,
  );
  const turn = () => probeApiIds({ ...fleet, times, ours: [MASTER.apiId], ...{ database, metrics, log } });
  return { fleet, metrics, turn };
}

/** Accounts that are logged in by the master. */
async function plant(fleet: Fleet, count: number): Promise<bigint[]> {
  const ids: bigint[] = [];
  for (let index = 0; index < count; index += 1) {
    accounts += 1n;
    const telegramId = 6_300_000_000n + accounts;
    telegram.world.addUser({
      id: telegramId,
      phone: `99966${telegramId}`,
      dcId: 2,
      firstName: "Ada",
      username: null,
      premium: false,
      password: null,
    });
    const secret = await telegram.planted(telegramId);
    const id = await database.inTenant("default", async (tx) => {
      const { user } = await addUser(tx, { tenantId: "default", telegramId });
      return user.id;
    });
    ids.push(
      await database.asWorker(async (tx) => {
        const session = await ensureSession(tx, {
          ...{ tenantId: "default", userId: id, telegramId, apiId: MASTER.apiId, ownApi: false },
        });
        const binding = { tenantId: "default", sessionId: session.id, telegramId, apiId: MASTER.apiId };
        await saveSealed(tx, session.id, fleet.vault.seal(secret, binding));
        await transition(tx, session.id, { from: ["ABSENT"], to: "AUTHORIZED" });
        return session.id;
      }),
    );
  }
  return ids;
}

const refuse = () => telegram.refusals.order({ error: "API_ID_INVALID", code: 400, apiId: MASTER.apiId });
const refusedCalls = () => telegram.witness.summary().outcomes.API_ID_INVALID ?? 0;
const row = () =>
  database.once(async (tx) =>
    tx.selectFrom("api_ids").selectAll().where("api_id", "=", MASTER.apiId).executeTakeFirst(),
  );
const makeDue = () => database.asOwner((tx) => sql`update api_ids set probe_at = clock_timestamp()`.execute(tx));
const holds = (ids: readonly bigint[]) =>
  database.asWorker((tx) => Promise.all(ids.map(async (id) => (await loadSession(tx, id))?.holds.join())));
const queues = () =>
  database.asWorker(async (tx) =>
    (await tx.selectFrom("schedules").select("queue").execute()).map(({ queue }) => queue),
  );

/** Every account once, as its parse would: in two processes by turns. */
async function openAll(ids: readonly bigint[], fleets: readonly Fleet[]): Promise<string[]> {
  const said: string[] = [];
  for (const [index, id] of ids.entries()) {
    const { accounts } = fleets[index % fleets.length]!;
    said.push(await accounts.open(id, async () => "read").catch((error: Error) => error.name));
  }
  return said;
}

describe("an API ID that Telegram refuses", () => {
  it("is met by one account, and all of its sessions are held", async () => {
    const [one, two] = [await worker(), await worker()];
    const ids = await plant(one.fleet, 8);
    expect(await openAll(ids.slice(0, 2), [one.fleet, two.fleet])).toEqual(["read", "read"]);
    refuse();
    expect(await openAll(ids, [one.fleet, two.fleet])).toEqual(["ApiIdRefused", ...Array(7).fill("SessionUnusable")]);
    expect(refusedCalls()).toBe(1);
    expect(await holds(ids)).toEqual(Array(8).fill("api_id_out"));
    expect(await queues()).toEqual(Array(8).fill(null));
    expect(await row()).toMatchObject({ reason: "API_ID_INVALID", refusals: 1 });
  });

  it("without a breaker it is met by every account", async () => {
    const [one, two] = [await worker({ withoutBreakers: true }), await worker({ withoutBreakers: true })];
    const ids = await plant(one.fleet, 8);
    refuse();
    expect(await openAll(ids, [one.fleet, two.fleet])).toEqual(Array(8).fill("ApiIdRefused"));
    expect(refusedCalls()).toBe(8);
  });

  it("is tried by one account of one process at a time, ever more rarely, and comes back with its sessions", async () => {
    const workers = [await worker(), await worker(), await worker()];
    const [first] = workers;
    const ids = await plant(first!.fleet, 3);
    const takeBack = refuse();
    await expect(first!.fleet.accounts.open(ids[0]!, async () => 1)).rejects.toThrow(ApiIdRefused);
    const turns = () => Promise.all(workers.map(({ turn }) => turn()));
    await turns();
    expect(refusedCalls()).toBe(1);
    const waits = [];
    for (const refusals of [2, 3, 4]) {
      await makeDue();
      await eventually(async () => {
        await turns();
        return (await row())?.refusals === refusals;
      });
      await turns();
      expect(refusedCalls()).toBe(refusals);
      waits.push((await row())!.probe_after_ms);
    }
    expect(waits).toEqual([7_200_000n, 10_000_000n, 10_000_000n]);
    const counted = await Promise.all(
      workers.map(
        async ({ metrics }) => (await sampleOf(metrics.apiIdProbes, { api_id: "1001", outcome: "refused" })) ?? 0,
      ),
    );
    expect(counted.reduce((sum, each) => sum + each)).toBe(3);
    await database.asWorker((tx) => setHold(tx, ids[2]!, "frozen", true));

    takeBack();
    await makeDue();
    await eventually(async () => {
      await turns();
      return (await row())?.out_of_service_at === null;
    });
    expect(await holds(ids)).toEqual(["", "", "frozen"]);
    expect(await queues()).toEqual(expect.arrayContaining(["parse-1001", "parse-1001", null]));
    await turns();
    expect(await openAll(ids.slice(0, 2), [workers[1]!.fleet, workers[2]!.fleet])).toEqual(["read", "read"]);
  });

  it("takes no logins: they go by the backup, until it is back", async () => {
    const { fleet, metrics } = await worker();
    const deps = {
      ...{ database, fleet, apiIds, dataCenters: telegram.dataCenters, times, flood, metrics, clock, log },
      ...{ callsInFlight: 2, codesPerDay: 100 },
    };
    const logIn = async (telegramId: bigint) => {
      const phone = `9996621${telegramId}`;
      telegram.world.addUser({
        id: telegramId,
        phone,
        dcId: 2,
        firstName: "Ada",
        username: null,
        premium: false,
        password: null,
      });
      const { user } = await database.inTenant("default", (tx) => addUser(tx, { tenantId: "default", telegramId }));
      const asking = { code: async () => "22222", password: () => Promise.reject(new Error("there is none")) };
      const { session } = await logInByPhone(deps, { tenantId: "default", user, phone }, asking);
      return session;
    };
    const takeBack = refuse();
    await expect(logIn(701n)).rejects.toThrow(ApiIdRefused);
    expect(await database.once(listOutages)).toMatchObject([{ apiId: MASTER.apiId }]);
    expect(await logIn(702n)).toMatchObject({ state: "AUTHORIZED", apiId: BACKUP_API.apiId });
    takeBack();
    await database.asOwner((tx) => tx.updateTable("api_ids").set({ out_of_service_at: null }).execute());
    expect(await logIn(703n)).toMatchObject({ state: "AUTHORIZED", apiId: MASTER.apiId });
  });
});

describe("whoever tries it", () => {
  it("is one account, chosen anew only where nobody died over it; none that has to wait or is held otherwise", async () => {
    const { fleet } = await worker();
    const [waiting, frozen, fit, other] = await plant(fleet, 4);
    const claim = () => database.asWorker((tx) => claimProbe(tx, MASTER.apiId, 60_000));
    await database.asWorker(async (tx) => {
      await putOutOfService(tx, MASTER.apiId, "API_ID_INVALID", 1);
      await setHold(tx, frozen!, "frozen", true);
      await setHold(tx, other!, "parked", true);
      const account = (await loadSession(tx, waiting!))!;
      await tx
        .insertInto("waits")
        .values({
          ...{ telegram_id: account.telegramId, method: "users.getUsers", seconds: 60 },
          ...{ until: new Date(Date.now() + 60_000), process_until: new Date(Date.now() + 60_000) },
        })
        .execute();
    });
    await makeDue();
    expect(await claim()).toMatchObject({ sessionId: fit });
    expect(await claim()).toBeNull();
    await database.asWorker((tx) => setHold(tx, other!, "parked", false));
    await database.asOwner((tx) => sql`update api_ids set probe_until = clock_timestamp()`.execute(tx));
    for (const _ of [1, 2, 3]) {
      expect(await claim()).toMatchObject({ sessionId: fit });
      await database.asOwner((tx) => sql`update api_ids set probe_until = clock_timestamp()`.execute(tx));
    }
  });
});
