import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { unfinishedImports } from "../../db/imports.ts";
import { sessionEvents } from "../../db/sessions.ts";
import { deleteUnclaimed } from "../../db/unclaimed-sessions.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import type { Connect } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { createLeases } from "../../telegram/lease.ts";
import { endAbandonedLogins } from "../../telegram/login/abandoned.ts";
import type { LoginDependencies } from "../../telegram/login/custody.ts";
import { type ImportedSession, importSession } from "../../telegram/login/import-session.ts";
import { VaultError } from "../../telegram/vault.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";
import { OWN_API, sessionOf } from "../support/wire-telegram.ts";

const API = { apiId: 1001, apiHash: "a".repeat(32), own: false };
let fleet: LoginFleet;

beforeAll(async () => {
  fleet = await startLoginFleet();
});
afterAll(() => fleet?.close());

/** Somebody whom another program is logged in as. */
async function elsewhere(apiId = API.apiId) {
  const { telegramId } = fleet.person({ dcId: 2 });
  const key = randomBytes(256);
  fleet.telegram.keys.plant({ key, dcId: 2, accountId: telegramId, apiId });
  return { telegramId, secret: await sessionOf(key) };
}

const take = (
  given: Pick<ImportedSession, "secret"> & Partial<ImportedSession>,
  { connects = connect, signal = new AbortController().signal } = {},
) =>
  importSession(
    fleet.deps,
    { tenantId: "default", telegramId: null, api: API, format: "telethon-sqlite", ...given },
    connects,
    signal,
  );

/** A promise that never comes to anything but by `reject`. */
function withResolvers() {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<never>((_, fail) => {
    reject = fail;
  });
  return { promise, reject };
}

/** Whether Telegram still knows somebody by it. */
async function lives(secret: string): Promise<bigint | string> {
  try {
    const connection = await connect(fleet.telegram.options(secret));
    await connection.close();
    return connection.me.id;
  } catch (error) {
    return String(error);
  }
}

const sessions = () => fleet.sessions();

/** As another process would sweep, with leases of its own. */
function sweeper(): LoginDependencies {
  const leases = createLeases({
    ...{ database: fleet.database, heartbeatUrl: fleet.databaseUrl, holder: "another", metrics: createMetrics() },
    ...{ times: { leaseMs: 30_000, heartbeatMs: 10_000, quietMs: 15_000 }, clock: systemClock, log: silentLog },
  });
  onTestFinished(() => leases.close());
  return { ...fleet.deps, fleet: { ...fleet.fleet, leases } };
}

const callsSince = async (work: () => Promise<unknown>) => {
  const before = fleet.telegram.witness.summary();
  await work();
  const after = fleet.telegram.witness.summary();
  return { calls: after.calls - before.calls, connections: after.connectionsTotal - before.connectionsTotal };
};

it("makes whoever it is a user, with a session that is used from then on", async () => {
  const { telegramId, secret } = await elsewhere();
  const spent = await callsSince(async () => {
    const { me, session } = await take({ secret });
    expect(me.id).toBe(telegramId);
    expect(session).toMatchObject({ telegramId, appId: `user_${telegramId}`, state: "AUTHORIZED", apiId: 1001 });
    expect(await fleet.secretOf(session.id)).toBe(secret);
    const events = await fleet.database.asWorker((tx) => sessionEvents(tx, session.id));
    expect(events).toMatchObject([
      { fromState: "ABSENT", toState: "AUTHORIZED", reason: "imported (telethon-sqlite)" },
    ]);
  });
  expect(spent).toEqual({ calls: 1, connections: 1 });
  const [session] = (await sessions()).filter((each) => each.telegramId === telegramId);
  const answered = await fleet.fleet.accounts.open(session?.id ?? 0n, ({ api }) => api.getMe());
  expect(answered.id).toBe(telegramId);
  expect(fleet.telegram.witness.keysKilled()).toEqual([]);
});

it("goes by somebody's own API ID, whose hash is sealed; and forgets it where nothing comes of it", async () => {
  const own = { ...OWN_API, own: true };
  const ownRows = () => fleet.database.asOwner((tx) => tx.selectFrom("own_api_ids").select(["id", "api_id"]).execute());
  const [ada, eve] = [await elsewhere(OWN_API.apiId), await elsewhere(OWN_API.apiId)];
  await expect(take({ secret: eve.secret, api: own, telegramId: 1n })).rejects.toThrow(/account \d+'s, not 1's/);
  expect(await ownRows()).toEqual([]);
  const { session } = await take({ secret: ada.secret, api: own });
  expect(session).toMatchObject({ apiId: OWN_API.apiId, ownApi: true });
  expect(await ownRows()).toHaveLength(1);
  const answered = await fleet.fleet.accounts.open(session.id, ({ api }) => api.getMe());
  expect(answered.id).toBe(ada.telegramId);
});

it("leaves a session that is AUTHORIZED as it is, and connects by no key that is kept here", async () => {
  const { telegramId, secret } = await elsewhere();
  const { session } = await take({ secret });
  const other = await sessionOf(randomBytes(256));
  const again = await callsSince(() => expect(take({ secret })).rejects.toThrow("its key is kept here already"));
  expect(again).toEqual({ calls: 0, connections: 0 });
  // Another key of the same account, under the same app and under another.
  const key = randomBytes(256);
  fleet.telegram.keys.plant({ key, dcId: 2, accountId: telegramId, apiId: API.apiId });
  const second = await sessionOf(key);
  await expect(take({ secret: second })).rejects.toThrow("is logged in already");
  await expect(take({ secret: second, appId: "second" })).rejects.toThrow("another authorised session");
  await expect(take({ secret: other })).rejects.toThrow("AUTH_KEY_INVALID");
  expect(await fleet.secretOf(session.id)).toBe(secret);
  expect(await lives(second)).toBe(telegramId);
  expect((await sessions()).filter(({ state }) => state === "ABSENT")).toEqual([]);
});

it("two imports of one key at once: one takes it over, by one connection", async () => {
  const { secret } = await elsewhere();
  const spent = await callsSince(async () => {
    const results = await Promise.allSettled([take({ secret }), take({ secret }), take({ secret, appId: "mine" })]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
  });
  expect(spent).toEqual({ calls: 1, connections: 1 });
});

it("without looking for it first, a key that is in use here is ended by its own import", async () => {
  const { secret } = await elsewhere();
  const { session } = await take({ secret });
  const { vault } = fleet.fleet;
  const blind = {
    ...vault,
    open() {
      throw new VaultError("unknown_key", "not looked at");
    },
  };
  await expect(
    fleet.fleet.accounts.open(session.id, async ({ api }) => {
      await importSession(
        { ...fleet.deps, fleet: { ...fleet.fleet, vault: blind } },
        { tenantId: "default", telegramId: null, secret, api: API, format: "telethon-sqlite" },
        async (options) => {
          const connection = await connect(options);
          // What reads by it meanwhile goes on.
          await api.getMe().finally(() => connection.close());
          return connection;
        },
        new AbortController().signal,
      );
    }),
  ).rejects.toThrow("AUTH_KEY_DUPLICATED");
  expect(fleet.telegram.witness.keysKilled()).toHaveLength(1);
});

it("refuses an app that is another account's", async () => {
  const [ada, eve] = [await elsewhere(), await elsewhere()];
  await take({ secret: ada.secret, appId: "phone" });
  await expect(take({ secret: eve.secret, appId: "phone" })).rejects.toThrow("the app phone is another account's");
  expect(await lives(eve.secret)).toBe(eve.telegramId);
});

it("however it ends, its key stays logged in where it came from", async () => {
  const { telegramId, secret } = await elsewhere();
  const ended = new AbortController();
  ended.abort();
  await expect(take({ secret, telegramId: 1n })).rejects.toThrow("nothing of it is kept");
  await expect(take({ secret }, { signal: ended.signal })).rejects.toThrow("ended before it was done");
  await expect(take({ secret }, { connects: () => Promise.reject(new Error("no way there")) })).rejects.toThrow();
  const asBot: Connect = async (options) => {
    const connection = await connect(options);
    return { me: { ...connection.me, isBot: true }, api: connection.api, close: () => connection.close() };
  };
  await expect(take({ secret }, { connects: asBot })).rejects.toThrow("it is a bot's");
  expect((await sessions()).filter((each) => each.state === "ABSENT")).toEqual([]);
  expect(await lives(secret)).toBe(telegramId);
  expect((await take({ secret })).session.state).toBe("AUTHORIZED");
});

it("one whose process died is deleted by the sweep, and never logged out; a login's key is", async () => {
  const { telegramId, secret } = await elsewhere();
  const stopped = withResolvers();
  let asked = () => {};
  const connecting = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const importing = take(
    { secret },
    {
      connects() {
        asked();
        return stopped.promise;
      },
    },
  );
  await connecting;
  const left = await fleet.database.asWorker((tx) => unfinishedImports(tx, 10));
  expect(left).toMatchObject([{ state: "ABSENT", userId: 0n }]);
  const id = left[0]?.id ?? 0n;
  expect(await fleet.secretOf(id)).toBe(secret);
  // While it is under way its lease is held.
  expect(await endAbandonedLogins(fleet.deps)).toBe(0);

  // The process is gone, and its lease with it.
  await fleet.database.asOwner((tx) => tx.deleteFrom("leases").where("session_id", "=", id).execute());
  const other = sweeper();
  const spent = await callsSince(async () => expect(await endAbandonedLogins(other)).toBe(1));
  expect(spent).toEqual({ calls: 0, connections: 0 });
  expect(await fleet.database.asWorker((tx) => unfinishedImports(tx, 10))).toEqual([]);
  stopped.reject(new Error("too late"));
  await expect(importing).rejects.toThrow();
  expect(await lives(secret)).toBe(telegramId);

  // Were it pending, as a login is, it would be logged out: the state is what keeps it.
  let pending = 0n;
  await expect(
    take(
      { secret },
      {
        async connects() {
          const [row] = await fleet.database.asWorker((tx) => unfinishedImports(tx, 1));
          pending = row?.id ?? 0n;
          await fleet.database.asOwner((tx) =>
            tx.updateTable("sessions").set({ state: "PENDING_QR" }).where("id", "=", pending).execute(),
          );
          throw new Error("died");
        },
      },
    ),
  ).rejects.toThrow("died");
  expect(await endAbandonedLogins(fleet.deps)).toBe(1);
  expect(await lives(secret)).toMatch(/AUTH_KEY/);
  await fleet.database.asWorker((tx) => deleteUnclaimed(tx, pending));
});
