import { randomBytes, randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { lossesOfADay } from "../../db/account-losses.ts";
import { putInService } from "../../db/api-id-outage.ts";
import { listClosedToLogins } from "../../db/api-ids.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { deleteLease, insertLease, listLeases } from "../../db/leases.ts";
import { ensureSession, loadSealed, loadSession, saveSealed, sessionEvents, transition } from "../../db/sessions.ts";
import { addUser } from "../../db/users.ts";
import { recordWait } from "../../db/waits.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { createLog, silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { LeaseHeld, SessionUnusable } from "../../telegram/account.ts";
import type { Me, TelegramApi } from "../../telegram/api.ts";
import type { Connect, ConnectOptions } from "../../telegram/connection.ts";
import {
  AccountFrozen,
  ApiIdRefused,
  AuthDoubtful,
  AuthLost,
  FloodWait,
  LeaseLost,
  RpcRefused,
  WaitRunning,
} from "../../telegram/errors.ts";
import { createFleet, type Fleet } from "../../telegram/fleet.ts";
import { createVault } from "../../telegram/vault.ts";
import { eventually } from "../support/eventually.ts";
import { sampleOf } from "../support/samples.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

const GET_ME = "users.getUsers";
const keyring = [{ id: "k1", key: randomBytes(32) }];
const redis = testRedis();

let place: TestDatabase;
let database: Database;
const lifecycles: Lifecycle[] = [];
/** Every error that any fleet has logged. */
const told: string[] = [];
const log = createLog({ level: "error", name: "test", destination: { write: (line) => void told.push(line) } });
let users = 9_000n;

beforeAll(async () => {
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 10, fencedStatementMs: 1_000, log: silentLog });
});
afterEach(async () => {
  await Promise.all(lifecycles.splice(0).map((lifecycle) => lifecycle.close()));
});
afterAll(async () => {
  await database?.close();
  await place?.drop();
});

/** A Telegram of ten lines: who it says we are, what it throws, and what became of each connection. */
function telegram(me: bigint) {
  const events: string[] = [];
  const says = {
    me,
    onGetMe: null as Error | null,
    last: null as ConnectOptions | null,
  };
  const connect: Connect = async (options) => {
    events.push("connect");
    says.last = options;
    const getMe = async (): Promise<Me> => {
      if (says.onGetMe) throw says.onGetMe;
      return { id: says.me, firstName: null, username: null, phone: null, isBot: false };
    };
    const asked = () => options.policy.run({ method: GET_ME }, getMe);
    return {
      me: await asked(),
      api: { getMe: asked } as Partial<TelegramApi> as TelegramApi,
      async close() {
        const leased = (await database.asWorker(listLeases)).length;
        events.push(`closed, ${leased} leased`);
      },
    };
  };
  return { connect, events, says };
}

const fleet = (connect: Connect, metrics = createMetrics()): Promise<Fleet> => {
  const lifecycle = new Lifecycle(silentLog);
  lifecycles.push(lifecycle);
  return createFleet(
    {
      database,
      heartbeatUrl: place.url,
      redis: () => openRedis(redis.url, "limiter"),
      redisPrefix: `${redis.prefix}-${users}`,
      keyring,
      apiIds: { masters: [{ apiId: 1001, apiHash: "a".repeat(32) }], backup: null, callsPerSecond: 1000 },
      connect,
      dataCenters: null,
      flood: { inlineMaxSeconds: 2, sleepThreshold: 120, scope: "account" },
      limits: {
        leaseMs: 3_000,
        heartbeatMs: 200,
        quietMs: 1_500,
        connectDeadlineMs: 1_500,
        callDeadlineMs: 3_000,
        pingEveryMs: 500,
        pingDisconnectMs: 1_200,
        closeWaitMs: 100,
        callsInFlightPerAccount: 2,
      },
      metrics,
      clock: systemClock,
      log,
    },
    lifecycle,
  );
};

/** A user with an authorised session, and a fleet whose Telegram knows that user. */
async function setUp() {
  users += 1n;
  const telegramId = users;
  const fake = telegram(telegramId);
  const metrics = createMetrics();
  const made = await fleet(fake.connect, metrics);
  const session = await database.asWorker(async (tx) => {
    const tenant = { tenantId: "default", telegramId };
    const { user } = await database.inTenant("default", (tenantTx) => addUser(tenantTx, tenant));
    return ensureSession(tx, { ...tenant, userId: user.id, apiId: 1001, ownApi: false });
  });
  const secret = `1-secret-of-${telegramId}`;
  const binding = { tenantId: "default", sessionId: session.id, telegramId, apiId: 1001 };
  await database.asWorker(async (tx) => {
    await saveSealed(tx, session.id, made.vault.seal(secret, binding));
    await transition(tx, session.id, { from: ["ABSENT"], to: "PENDING_CODE" });
    await transition(tx, session.id, { from: ["PENDING_CODE"], to: "AUTHORIZED" });
  });
  const row = () => database.asWorker((tx) => loadSession(tx, session.id));
  const leases = async () => (await database.asWorker(listLeases)).filter((lease) => lease.sessionId === session.id);
  return {
    ...fake,
    metrics,
    fleet: made,
    accounts: made.accounts,
    id: session.id,
    telegramId,
    secret,
    binding,
    row,
    leases,
  };
}

const lost = () => new AuthLost("AUTH_KEY_UNREGISTERED", GET_ME);

describe("opening", () => {
  test("gives the work an account under its lease, then closes, then releases", async () => {
    const { accounts, id, telegramId, secret, says, events, leases, metrics } = await setUp();
    const fingerprints = (await sampleOf(metrics.fingerprintSeconds)) ?? 0;
    const result = await accounts.open(id, async (account) => {
      expect(accounts.size).toBe(1);
      expect(account.session.telegramId).toBe(telegramId);
      expect((await leases())[0]?.token).toBe(account.lease.token);
      expect(account.tally()).toEqual({ calls: 1, waits: 0 });
      return account.commit(async () => "committed");
    });
    expect(result).toBe("committed");
    expect(says.last?.session).toBe(secret);
    expect(says.last?.api).toEqual({ apiId: 1001, apiHash: "a".repeat(32) });
    expect(events).toEqual(["connect", "closed, 1 leased"]);
    expect(await leases()).toEqual([]);
    expect(accounts.size).toBe(0);
    expect(await sampleOf(metrics.lockAcquired)).toBe(1);
    expect(await sampleOf(metrics.telegramConnects, { outcome: "ok" })).toBe(1);
    expect(await sampleOf(metrics.telegramCallSeconds, { method: GET_ME })).toBe(1);
    expect(await sampleOf(metrics.fingerprintSeconds)).toBe(fingerprints + 1);
    expect(await sampleOf(metrics.activeTelegramSessions)).toBe(0);
  });

  test("whatever the work throws arrives, and everything is closed and released", async () => {
    const { accounts, id, events, leases } = await setUp();
    const failing = accounts.open(id, () => Promise.reject(new RangeError("the work failed")));
    await expect(failing).rejects.toThrow(new RangeError("the work failed"));
    expect(events).toEqual(["connect", "closed, 1 leased"]);
    expect(await leases()).toEqual([]);
  });

  test("a second opening of the same session finds it held, and sends nothing", async () => {
    const { accounts, id, events, metrics } = await setUp();
    const others = createMetrics();
    const other = await fleet(telegram(users).connect, others);
    await accounts.open(id, async () => {
      await expect(accounts.open(id, async () => 1)).rejects.toThrow(LeaseHeld);
      await expect(other.accounts.open(id, async () => 1)).rejects.toThrow(LeaseHeld);
    });
    expect(events).toHaveLength(2);
    expect(await sampleOf(metrics.lockFailed, { reason: "busy" })).toBe(1);
    expect(await sampleOf(others.lockFailed, { reason: "held" })).toBe(1);
  });

  test("closing the fleet ends what is open, and waits until it is released", async () => {
    const { accounts, id, leases } = await setUp();
    const working = accounts.open(
      id,
      ({ signal, api }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(api.getMe()))),
    );
    const ended = expect(working).rejects.toThrow(LeaseLost);
    await eventually(() => accounts.size === 1);
    await accounts.close();
    await ended;
    expect(await leases()).toEqual([]);
  });

  test("the lease lost in the middle: the work is told, and can neither call nor commit", async () => {
    const { accounts, id, metrics } = await setUp();
    const working = accounts.open(id, async (account) => {
      const { signal, api } = account;
      await database.asOwner((tx) => tx.deleteFrom("leases").where("session_id", "=", id).execute());
      await expect(account.commit(async () => 1)).rejects.toThrow(LeaseLost);
      await eventually(() => signal.aborted);
      await api.getMe();
    });
    await expect(working).rejects.toThrow(LeaseLost);
    expect(await sampleOf(metrics.lockLost)).toBe(1);
  });
});

describe("what is not opened", () => {
  test.each([
    { what: "no such session", prepare: async () => undefined, id: 999_999n, reason: "unknown" },
    {
      what: "a stale one",
      prepare: (id: bigint) => database.asWorker((tx) => transition(tx, id, { from: ["AUTHORIZED"], to: "STALE" })),
      reason: "STALE",
    },
    {
      what: "a held one",
      prepare: (id: bigint) =>
        database.asOwner((tx) =>
          tx
            .updateTable("sessions")
            .set({ holds: ["frozen"] })
            .where("id", "=", id)
            .execute(),
        ),
      reason: "frozen",
    },
  ])("$what: nothing is sent", async ({ prepare, id: other, reason }) => {
    const { accounts, id, events } = await setUp();
    await prepare(id);
    await expect(accounts.open(other ?? id, async () => 1)).rejects.toMatchObject({ name: "SessionUnusable", reason });
    expect(events).toEqual([]);
  });

  test("an account that has to wait: nothing is sent, and no lease is kept", async () => {
    const { accounts, id, telegramId, fleet: made, events, leases } = await setUp();
    const other = await fleet(telegram(telegramId).connect);
    await other.waits.record({ telegramId, method: GET_ME, chatId: 0n, seconds: 60 });
    await expect(accounts.open(id, async () => 1)).rejects.toThrow(WaitRunning);
    await expect(made.accounts.open(id, async () => 1)).rejects.toThrow(WaitRunning);
    expect(events).toEqual([]);
    expect(await leases()).toEqual([]);
  });

  test("what the last holder wrote just before it let go is known", async () => {
    const { accounts, id, telegramId, events, leases } = await setUp();
    const before = { sessionId: id, token: randomUUID(), holder: "before" };
    await database.once((tx) => insertLease(tx, before));
    let opening: Promise<unknown> = Promise.resolve();
    await database.asWorker(async (tx) => {
      await deleteLease(tx, before);
      opening = accounts.open(id, async () => 1).catch((error: unknown) => error);
      const blocked = sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await eventually(async () => (await database.once((other) => blocked.execute(other))).rows.length > 0);
      await recordWait(tx, { telegramId, method: GET_ME, chatId: 0n, seconds: 60 });
    });
    expect(await opening).toBeInstanceOf(WaitRunning);
    expect(events).toEqual([]);
    expect(await leases()).toEqual([]);
  });

  test("what the caller knows of a session is not what counts", async () => {
    const { accounts, id, row, events, leases } = await setUp();
    const known = (await row())!;
    await expect(accounts.open(known, async ({ session }) => session.id)).resolves.toBe(id);
    await database.asWorker((tx) => transition(tx, id, { from: ["AUTHORIZED"], to: "STALE" }));
    await expect(accounts.open(known, async () => 1)).rejects.toMatchObject({ reason: "STALE" });
    expect(events).toHaveLength(2);
    expect(await leases()).toEqual([]);
  });

  test("another account's session: alarm, hold, and nothing is read", async () => {
    const { accounts, id, says, row, events } = await setUp();
    says.me += 1n;
    let worked = false;
    const opening = accounts.open(id, async () => {
      worked = true;
    });
    await expect(opening).rejects.toMatchObject({ name: "SessionUnusable", reason: "owner_mismatch" });
    expect(worked).toBe(false);
    expect((await row())?.holds).toEqual(["owner_mismatch"]);
    expect(events).toHaveLength(2);
    await expect(accounts.open(id, async () => 1)).rejects.toThrow(SessionUnusable);
  });

  test("a row whose ciphertext was copied from another", async () => {
    const [one, two] = [await setUp(), await setUp()];
    await database.asWorker(async (tx) => saveSealed(tx, one.id, (await loadSealed(tx, two.id))!));
    await expect(one.accounts.open(one.id, async () => 1)).rejects.toMatchObject({ name: "VaultError" });
    expect(one.events).toEqual([]);
    expect(await one.leases()).toEqual([]);
    await one.accounts.close();
    await database.asWorker(async (tx) => saveSealed(tx, one.id, one.fleet.vault.seal(one.secret, one.binding)));
  });
});

describe("endings", () => {
  test("a session that is over at Telegram is STALE, with the reason", async () => {
    const { accounts, id, says, row, metrics } = await setUp();
    says.onGetMe = new AuthLost("AUTH_KEY_DUPLICATED", GET_ME);
    await expect(accounts.open(id, async () => 1)).rejects.toThrow(AuthLost);
    expect(await row()).toMatchObject({ state: "STALE", reason: "duplicated" });
    expect(await sampleOf(metrics.sessionEndings, { reason: "duplicated" })).toBe(1);
    expect(await sampleOf(metrics.telegramConnects, { outcome: "refused" })).toBe(1);
    const events = await database.asWorker((tx) => sessionEvents(tx, id));
    expect(events.at(-1)).toMatchObject({ fromState: "AUTHORIZED", toState: "STALE", reason: "duplicated" });
  });

  test("not where another key has been stored meanwhile", async () => {
    const { accounts, id, fleet: made, binding, row, metrics } = await setUp();
    const opening = accounts.open(id, async () => {
      await database.asWorker((tx) => saveSealed(tx, id, made.vault.seal("1-a-new-login", binding)));
      throw lost();
    });
    await expect(opening).rejects.toThrow(AuthLost);
    expect(await row()).toMatchObject({ state: "AUTHORIZED", reason: null });
    expect(await sampleOf(metrics.sessionEndings, { reason: "auth_lost" })).toBe(0);
  });

  test("an unknown 401 of a session that still answers concerns its call only", async () => {
    const { accounts, id, row } = await setUp();
    const doubt = () => Promise.reject(new AuthDoubtful("SOMETHING_NEW", "messages.getHistory"));
    await expect(accounts.open(id, doubt)).rejects.toThrow(RpcRefused);
    expect((await row())?.state).toBe("AUTHORIZED");
  });

  test("an unknown 401 that getMe confirms ends the session", async () => {
    const { accounts, id, says, row } = await setUp();
    const opening = accounts.open(id, async () => {
      says.onGetMe = new AuthDoubtful("SOMETHING_NEW", GET_ME);
      throw new AuthDoubtful("SOMETHING_NEW", "messages.getHistory");
    });
    await expect(opening).rejects.toThrow(AuthLost);
    expect(await row()).toMatchObject({ state: "STALE", reason: "auth_lost" });
  });

  test("a frozen account is held", async () => {
    const { accounts, id, row } = await setUp();
    const frozen = () => Promise.reject(new AccountFrozen("FROZEN_METHOD_INVALID", "messages.getHistory"));
    await expect(accounts.open(id, frozen)).rejects.toThrow(AccountFrozen);
    expect((await row())?.holds).toEqual(["frozen"]);
    expect(await database.asWorker(lossesOfADay)).toContainEqual({ apiId: 1001, kind: "frozen", count: 1 });
  });

  test("a banned account is lost to its API ID, and nothing else that ends is", async () => {
    const { accounts, id, says } = await setUp();
    says.onGetMe = new AuthLost("USER_DEACTIVATED_BAN", GET_ME);
    await expect(accounts.open(id, async () => 1)).rejects.toThrow(AuthLost);
    const banned = (await database.asWorker(lossesOfADay)).filter(({ kind }) => kind === "banned");
    expect(banned).toEqual([{ apiId: 1001, kind: "banned", count: 1 }]);
  });

  test("an API ID that Telegram refuses goes out of service, and its sessions are not opened", async () => {
    const { accounts, id, row } = await setUp();
    const refused = () => Promise.reject(new ApiIdRefused("API_ID_PUBLISHED_FLOOD", "help.getConfig"));
    await expect(accounts.open(id, refused)).rejects.toThrow(ApiIdRefused);
    expect((await row())?.holds).toEqual(["api_id_out"]);
    expect((await database.asWorker(listClosedToLogins)).out).toEqual(new Set([1001]));
    const other = await setUp();
    await expect(other.accounts.open(other.id, async () => 1)).rejects.toMatchObject({ reason: "api_id_out" });
    expect(other.events).toEqual([]);
    await database.asWorker((tx) => putInService(tx, 1001));
  });

  test("a long wait is written down before the lease is free", async () => {
    const { accounts, id, telegramId, says, metrics } = await setUp();
    says.onGetMe = new FloodWait("FLOOD_WAIT", GET_ME, 300);
    await expect(accounts.open(id, async () => 1)).rejects.toThrow(WaitRunning);
    expect(await sampleOf(metrics.telegramFloodWaitSeconds, { api_id: "1001", method: GET_ME })).toBe(300);
    for (const outcome of ["ok", "refused", "failed"])
      expect(await sampleOf(metrics.telegramConnects, { outcome })).toBe(0);
    const next = telegram(telegramId);
    await expect((await fleet(next.connect)).accounts.open(id, async () => 1)).rejects.toThrow(WaitRunning);
    expect(next.events).toEqual([]);
  });
});

test("a row under a key that this process lacks ends nothing, and somebody is told", async () => {
  const { accounts, id, row, leases, events, metrics, secret, binding, telegramId } = await setUp();
  const fresh = { id: "k2", key: randomBytes(32) };
  const sealed = createVault([fresh, ...keyring]).seal(secret, binding);
  await database.asWorker((tx) => saveSealed(tx, id, sealed));
  const before = await row();
  const opening = accounts.open(id, async () => 1);
  await expect(opening).rejects.toMatchObject({ name: "VaultError", reason: "unknown_key" });
  await expect(opening).rejects.not.toThrow(secret);
  expect(await row()).toEqual(before);
  expect(await database.asWorker((tx) => loadSealed(tx, id))).toEqual(sealed);
  expect([await leases(), events]).toEqual([[], []]);
  expect(await sampleOf(metrics.vaultRefusals, { reason: "unknown_key" })).toBe(1);
  const alarm = `"session_id":"${id}","key_id":"k2","reason":"unknown_key","msg":"security alarm:`;
  expect(told.filter((line) => line.includes(alarm))).toHaveLength(1);
  await accounts.close();

  // Started anew with the key, behind its own, it goes on as if nothing had been.
  keyring.push(fresh);
  try {
    const next = telegram(telegramId);
    expect(await (await fleet(next.connect)).accounts.open(id, async ({ session }) => session.id)).toBe(id);
    await database.asWorker((tx) => saveSealed(tx, id, createVault(keyring).seal(secret, binding)));
  } finally {
    keyring.pop();
  }
});

test("a keyring that does not open what is stored: no start", async () => {
  await setUp();
  const saved = keyring[0]!;
  keyring[0] = { id: saved.id, key: randomBytes(32) };
  try {
    await expect(fleet(telegram(1n).connect)).rejects.toThrow(OperatorError);
  } finally {
    keyring[0] = saved;
  }
});
