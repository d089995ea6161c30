import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { ensureSession, loadSealed, loadSession, saveSealed, transition } from "../../db/sessions.ts";
import { addUser, type User } from "../../db/users.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog as log } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { Transient } from "../../telegram/errors.ts";
import { createFleet, type Fleet } from "../../telegram/fleet.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { logInByPhone } from "../../telegram/login/log-in.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

const CODE = "11111";
const MASTER = { apiId: 1001, apiHash: "a".repeat(32) };
const OTHER = { apiId: 1002, apiHash: "b".repeat(32) };
const times = {
  connectDeadlineMs: 5_000,
  callDeadlineMs: 700,
  pingEveryMs: 5_000,
  pingDisconnectMs: 12_000,
  closeWaitMs: 100,
};
const flood = { inlineMaxSeconds: 2, sleepThreshold: 120, scope: "account" } as const;
const metrics = createMetrics();
const redis = testRedis();

let telegram: WireTelegram;
let place: TestDatabase;
let database: Database;
let fleet: Fleet;
const lifecycle = new Lifecycle(log);
const apiIds = { masters: [MASTER], backup: null };

beforeAll(async () => {
  telegram = await startWireTelegram();
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 6, fencedStatementMs: 2_000, log });
  fleet = await createFleet(
    {
      database,
      heartbeatUrl: place.url,
      redis: () => openRedis(redis.url, "limiter"),
      redisPrefix: redis.prefix,
      keyring: [{ id: "k1", key: randomBytes(32) }],
      apiIds: { masters: [MASTER, OTHER], backup: null, callsPerSecond: 1_000 },
      connect,
      dataCenters: telegram.dataCenters,
      limits: { leaseMs: 30_000, heartbeatMs: 10_000, quietMs: 15_000, callsInFlightPerAccount: 2, ...times },
      ...{ flood, metrics, clock, log },
    },
    lifecycle,
  );
});
afterAll(async () => {
  await lifecycle.close();
  await database?.close();
  await place?.drop();
  await telegram?.close();
});

let number = 0;
let user: User;
let phone: string;
beforeEach(async () => {
  number += 1;
  phone = `9996610${String(number).padStart(3, "0")}`;
  const id = 6_000_000_000n + BigInt(number);
  telegram.world.addUser({ id, phone, firstName: "Ada", username: null, dcId: 1, premium: false, password: null });
  const added = await database.inTenant("default", (tx) => addUser(tx, { tenantId: "default", telegramId: id }));
  user = added.user;
});

const logIn = (given: { database?: Database; masters?: (typeof MASTER)[]; code?: string } = {}) =>
  logInByPhone(
    {
      database: given.database ?? database,
      fleet,
      apiIds: { ...apiIds, ...(given.masters ? { masters: given.masters } : {}) },
      codesPerDay: 100,
      dataCenters: telegram.dataCenters,
      callsInFlight: 2,
      ...{ times, flood, metrics, clock, log },
    },
    { tenantId: "default", user, phone },
    { code: async () => given.code ?? CODE, password: async () => "" },
  );
const sessionOf = async (by: Database = database) => {
  const session = await by.asOwner((tx) =>
    tx.selectFrom("sessions").select("id").where("user_id", "=", user.id).executeTakeFirstOrThrow(),
  );
  const info = await by.asWorker((tx) => loadSession(tx, session.id));
  if (!info) throw new Error("no session");
  return info;
};
/** The clear session as it is stored; null where there is none. */
async function secretOf(): Promise<string | null> {
  const { id, tenantId, telegramId, apiId } = await sessionOf();
  const sealed = await database.asWorker((tx) => loadSealed(tx, id));
  return sealed && fleet.vault.open(sealed, { tenantId, sessionId: id, telegramId, apiId });
}
/** Whose key it is at Telegram. */
async function ownerOf(secret: string | null): Promise<bigint | null> {
  if (secret === null) return null;
  try {
    const connection = await connect(telegram.options(secret));
    try {
      return (await connection.api.getMe()).id;
    } finally {
      await connection.close();
    }
  } catch {
    return null;
  }
}
/** A session that has ended, sealed under this API ID. */
async function ended(apiId: number): Promise<void> {
  await database.asWorker(async (tx) => {
    const of = { tenantId: "default", userId: user.id, telegramId: user.telegramId };
    const { id } = await ensureSession(tx, { ...of, apiId, ownApi: false });
    const binding = { tenantId: "default", sessionId: id, telegramId: user.telegramId, apiId };
    await saveSealed(tx, id, fleet.vault.seal("1-an-old-key", binding));
    await transition(tx, id, { from: ["ABSENT"], to: "AUTHORIZED" });
    await transition(tx, id, { from: ["AUTHORIZED"], to: "STALE" });
  });
}
const opens = async () => {
  const { id } = await sessionOf();
  return fleet.accounts.open(id, async ({ api }) => (await api.getMe()).id);
};

it("goes by the API ID that an ended session is pinned to, where that is still ours", async () => {
  await ended(MASTER.apiId);
  // Alone, either of these would be picked for a first login.
  await logIn({ masters: user.id % 2n === 0n ? [OTHER, MASTER] : [MASTER, OTHER] });
  expect(await sessionOf()).toMatchObject({ state: "AUTHORIZED", apiId: MASTER.apiId });
  expect(await opens()).toBe(user.telegramId);
});

it("pins the new key to another API ID where that one is not ours any more", async () => {
  await ended(999);
  await logIn();
  expect(await sessionOf()).toMatchObject({ state: "AUTHORIZED", apiId: MASTER.apiId });
  expect(await opens()).toBe(user.telegramId);
});

it("logs out the key of a login that could neither be kept nor logged out, before it begins anew", async () => {
  let transactions = 0;
  const dying: Database = {
    ...database,
    underLease(lease, work) {
      transactions += 1;
      // Begin, seal: then PostgreSQL is away.
      return transactions > 2 ? Promise.reject(new Error("away")) : database.underLease(lease, work);
    },
  };
  const logOut = telegram.handlers.get("auth.LogOut");
  if (!logOut) throw new Error("no auth.LogOut");
  telegram.handlers.set("auth.LogOut", () => new Promise(() => {}));
  await expect(logIn({ database: dying })).rejects.toThrow("away");
  telegram.handlers.set("auth.LogOut", logOut);
  expect((await sessionOf()).state).toBe("PENDING_CODE");
  const left = await secretOf();
  expect(await ownerOf(left)).toBe(user.telegramId);
  await logIn();
  expect(await ownerOf(left)).toBeNull();
  expect(await opens()).toBe(user.telegramId);
});

it("logs the key out where Telegram may have said yes although nobody heard it", async () => {
  const signIn = telegram.handlers.get("auth.SignIn");
  if (!signIn) throw new Error("no auth.SignIn");
  telegram.handlers.set("auth.SignIn", async (request, context) => {
    await signIn(request, context);
    return new Promise(() => {});
  });
  await expect(logIn()).rejects.toBeInstanceOf(Transient);
  telegram.handlers.set("auth.SignIn", signIn);
  expect((await sessionOf()).state).toBe("ABSENT");
  expect(await secretOf()).toBeNull();
  expect(telegram.keys.ofAccount(user.telegramId)).toEqual([]);
});

it("keeps no key where Telegram said no", async () => {
  await expect(logIn({ code: "00000" })).rejects.toThrow("PHONE_CODE_INVALID");
  expect((await sessionOf()).state).toBe("ABSENT");
  expect(await secretOf()).toBeNull();
  await logIn();
  expect(await opens()).toBe(user.telegramId);
});
