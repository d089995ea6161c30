import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { Database } from "../../db/database.ts";
import { ensureSession, sessionEvents, transition } from "../../db/sessions.ts";
import { addUser, type User } from "../../db/users.ts";
import { keyIdOf } from "../../emulator/dc/message-cipher.ts";
import { RpcError } from "../../emulator/dc/service.ts";
import { readSession } from "../../telegram/gramjs/session-string.ts";
import { provePassword } from "../../telegram/gramjs/srp.ts";
import { endAbandonedLogins } from "../../telegram/login/abandoned.ts";
import { LoginAbandoned, WrongAccount } from "../../telegram/login/custody.ts";
import { logInByQr } from "../../telegram/login/log-in-by-qr.ts";
import type { QrAsking, ShownToken } from "../../telegram/login/qr-code.ts";
import { eventually } from "../support/eventually.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const TENANT = "default";
const PASSWORD = "Korrektes Pferd 🐎";
/** Where a login without a key begins. */
const FIRST_DC = 1;

let home: LoginFleet;
beforeAll(async () => {
  home = await startLoginFleet();
});
afterAll(() => home?.close());

let number = 0;
beforeEach(async () => {
  home.telegram.tokenRules.seconds = 30;
  home.telegram.tokenRules.pushes = true;
  home.transitions.length = 0;
  await home.database.asOwner((tx) => tx.deleteFrom("sessions").execute());
});

function person(given: { dcId?: number; password?: string } = {}): bigint {
  number += 1;
  const id = 6_000_000_000n + BigInt(number);
  const dcId = given.dcId ?? FIRST_DC;
  const phone = `99966${dcId}0${String(number).padStart(3, "0")}`;
  const known = { firstName: "Ada", username: null, premium: false, password: given.password ?? null };
  home.telegram.world.addUser({ id, phone, dcId, ...known });
  return id;
}

const userOf = async (telegramId: bigint): Promise<User> =>
  (await home.database.inTenant(TENANT, (tx) => addUser(tx, { tenantId: TENANT, telegramId }))).user;

/** A login under way, and what it shows. */
function begin(given: { user?: User | null; appId?: string; database?: Database; password?: QrAsking["password"] }) {
  const shown: ShownToken[] = [];
  const refusals: (string | null)[] = [];
  const abandon = new AbortController();
  const login = logInByQr(
    { ...home.deps, ...(given.database ? { database: given.database } : {}) },
    { tenantId: TENANT, user: given.user ?? null, ...(given.appId === undefined ? {} : { appId: given.appId }) },
    {
      show: (token) => shown.push(token),
      password: (parameters, refused) => {
        refusals.push(refused);
        return given.password?.(parameters, refused) ?? Promise.reject(new Error("no password"));
      },
    },
    abandon.signal,
  );
  login.catch(() => undefined);
  return {
    shown,
    refusals,
    login,
    abandon: () => abandon.abort(),
    link: async (count = 1) => (await eventually(() => shown[count - 1])).link,
  };
}

const scan = (link: string, who: bigint) => home.telegram.scan(link, who);
const keysOf = (who: bigint) => home.telegram.keys.ofAccount(who);
const opens = (sessionId: bigint) => home.fleet.accounts.open(sessionId, async ({ api }) => (await api.getMe()).id);
const nothingLeft = async (...people: bigint[]) => {
  for (const who of people) expect(keysOf(who)).toEqual([]);
  await eventually(() => home.telegram.witness.connectionsOpen() === 0);
  expect(home.fleet.leases.size).toBe(0);
};

it("logs a user in who scans the code, and keeps the key", async () => {
  const ada = person();
  const qr = begin({ user: await userOf(ada) });
  scan(await qr.link(), ada);
  const { me, session } = await qr.login;
  expect(me).toMatchObject({ id: ada, firstName: "Ada" });
  expect(session).toMatchObject({ telegramId: ada, state: "AUTHORIZED", appId: `user_${ada}` });
  expect(await opens(session.id)).toBe(ada);
  expect(home.transitions.map(({ from, to }) => `${from} ${to}`)).toEqual([
    "ABSENT PENDING_QR",
    "PENDING_QR AUTHORIZED",
  ]);
  expect(keysOf(ada)).toHaveLength(1);
});

it("makes a user of whoever scans a code that was for nobody", async () => {
  const ada = person();
  const qr = begin({});
  const link = await qr.link();
  expect(await home.sessions()).toMatchObject([{ userId: 0n, telegramId: 0n, state: "PENDING_QR" }]);
  scan(link, ada);
  const { session } = await qr.login;
  const user = await userOf(ada);
  expect(session).toMatchObject({ telegramId: ada, userId: user.id, appId: `user_${ada}`, state: "AUTHORIZED" });
  expect(await opens(session.id)).toBe(ada);
});

it("takes the place of the same account's ended session, with its history", async () => {
  const ada = person();
  const user = await userOf(ada);
  await home.database.asWorker(async (tx) => {
    const of = { tenantId: TENANT, userId: user.id, telegramId: ada, apiId: 1001, ownApi: false };
    const { id } = await ensureSession(tx, of);
    await transition(tx, id, { from: ["ABSENT"], to: "AUTHORIZED" });
    await transition(tx, id, { from: ["AUTHORIZED"], to: "STALE", reason: "revoked_elsewhere" });
  });
  const qr = begin({});
  scan(await qr.link(), ada);
  const { session } = await qr.login;
  expect(await home.sessions()).toMatchObject([{ id: session.id, telegramId: ada, state: "AUTHORIZED" }]);
  const events = await home.database.asWorker((tx) => sessionEvents(tx, session.id));
  expect(events.map(({ toState }) => toState)).toEqual(["AUTHORIZED", "STALE", "PENDING_QR", "AUTHORIZED"]);
});

it("logs the key out again where the account has a session already", async () => {
  const ada = person();
  const first = begin({});
  scan(await first.link(), ada);
  await first.login;
  const second = begin({});
  scan(await second.link(), ada);
  await expect(second.login).rejects.toThrow("logged in already");
  expect(keysOf(ada)).toHaveLength(1);
  expect(await home.sessions()).toHaveLength(1);
});

it("shows a new code before the old one ends", async () => {
  const ada = person();
  home.telegram.tokenRules.seconds = 1;
  const qr = begin({ user: await userOf(ada) });
  const first = await qr.link(1);
  // A quarter of a second apart at the least: the first one is over by now.
  const later = await qr.link(8);
  expect(later).not.toBe(first);
  expect(() => scan(first, ada)).toThrow("AUTH_TOKEN_EXPIRED");
  home.telegram.tokenRules.seconds = 30;
  const length = qr.shown.length;
  scan(await qr.link(length + 1), ada);
  expect((await qr.login).me.id).toBe(ada);
});

it("finds out by asking where no update comes", async () => {
  const ada = person();
  Object.assign(home.telegram.tokenRules, { seconds: 2, pushes: false });
  const qr = begin({ user: await userOf(ada) });
  scan(await qr.link(), ada);
  expect((await qr.login).me.id).toBe(ada);
});

it("follows the account to its data center, and asks nothing there or here by a key that is not sealed", async () => {
  const eve = person({ dcId: 2 });
  const { handlers } = home.telegram;
  const unsealed: string[] = [];
  const asked: string[] = [];
  const methods = ["auth.ExportLoginToken", "auth.ImportLoginToken", "auth.CheckPassword"];
  const originals = methods.map((method) => [method, handlers.get(method)!] as const);
  for (const [method, handler] of originals)
    handlers.set(method, async (request, context) => {
      asked.push(`${method} ${context.dcId}`);
      const [row] = await home.sessions();
      const secret = row && (await home.secretOf(row.id));
      const sealed = secret ? (await readSession(secret)).authKey.getKey() : undefined;
      if (!sealed || keyIdOf(sealed) !== context.key.keyId) unsealed.push(method);
      return handler(request, context);
    });
  try {
    const qr = begin({ user: await userOf(eve) });
    scan(await qr.link(), eve);
    const { session } = await qr.login;
    expect(asked).toEqual(["auth.ExportLoginToken 1", "auth.ExportLoginToken 1", "auth.ImportLoginToken 2"]);
    expect(unsealed).toEqual([]);
    expect(await opens(session.id)).toBe(eve);
  } finally {
    for (const [method, handler] of originals) handlers.set(method, handler);
  }
});

it.each([
  ["where the code was shown", 1],
  ["in another data center", 2],
])("asks for the password %s, and again after a wrong one", async (_, dcId) => {
  const bob = person({ dcId, password: PASSWORD });
  const qr = begin({ user: await userOf(bob), password: async (_, refused) => (refused ? PASSWORD : "wrong") });
  scan(await qr.link(), bob);
  const { session } = await qr.login;
  expect(qr.refusals).toEqual([null, "PASSWORD_HASH_INVALID"]);
  expect(await opens(session.id)).toBe(bob);
  expect(home.transitions.map(({ to }) => to)).toEqual(["PENDING_QR", "PENDING_PASSWORD", "AUTHORIZED"]);
});

it("takes a proof that was made elsewhere, of a password that never came here", async () => {
  const bob = person({ password: PASSWORD });
  const qr = begin({
    password: (parameters, refused) => provePassword(parameters, refused ? PASSWORD : "wrong"),
  });
  scan(await qr.link(), bob);
  expect((await qr.login).me.id).toBe(bob);
  expect(qr.refusals).toEqual([null, "PASSWORD_HASH_INVALID"]);
});

it("gives up after five wrong passwords, and nothing is left", async () => {
  const bob = person({ password: PASSWORD });
  const qr = begin({ password: async ({ srpId }) => ({ srpId, A: randomBytes(256), M1: randomBytes(32) }) });
  scan(await qr.link(), bob);
  await expect(qr.login).rejects.toMatchObject({ errorName: "PASSWORD_HASH_INVALID" });
  expect(qr.refusals).toHaveLength(5);
  expect(await home.sessions()).toEqual([]);
  await nothingLeft(bob);
});

it.each([1, 2])("logs out at once whom it was not for (data center %s), and stores nothing", async (dcId) => {
  const ada = person();
  const mallory = person({ dcId });
  const qr = begin({ user: await userOf(ada) });
  scan(await qr.link(), mallory);
  await expect(qr.login).rejects.toBeInstanceOf(WrongAccount);
  const [session] = await home.sessions();
  expect(session).toMatchObject({ telegramId: ada, state: "ABSENT", reason: "wrong account", savedAt: null });
  await nothingLeft(ada, mallory);
});

it("leaves nothing behind that was abandoned: a code that is scanned later is void", async () => {
  const ada = person();
  const qr = begin({});
  const link = await qr.link();
  qr.abandon();
  await expect(qr.login).rejects.toBeInstanceOf(LoginAbandoned);
  expect(() => scan(link, ada)).toThrow("AUTH_TOKEN_INVALIDX");
  expect(await home.sessions()).toEqual([]);
  await nothingLeft(ada);
});

it("logs out who has accepted a code that was abandoned before anybody noticed", async () => {
  const ada = person();
  home.telegram.tokenRules.pushes = false;
  const qr = begin({});
  scan(await qr.link(), ada);
  expect(keysOf(ada)).toHaveLength(1);
  qr.abandon();
  await expect(qr.login).rejects.toBeInstanceOf(LoginAbandoned);
  await nothingLeft(ada);
});

it("goes on over a new connection where the old one is lost", async () => {
  const bob = person({ password: PASSWORD });
  let dropped = 1;
  const qr = begin({
    password: async () => {
      if (dropped > 0) dropped -= home.telegram.cluster.dropConnections();
      return PASSWORD;
    },
  });
  await qr.link();
  expect(home.telegram.cluster.dropConnections()).toBe(1);
  scan(await qr.link(2), bob);
  expect((await qr.login).me.id).toBe(bob);
});

it.each(["nobody's", "a user's"])(
  "ends %s login that was killed between Telegram's yes and its record",
  async (whose) => {
    const ada = person();
    const user = whose === "a user's" ? await userOf(ada) : null;
    let accepted = false;
    const dying: Database = {
      ...home.database,
      underLease: (lease, work) =>
        accepted ? Promise.reject(new Error("killed")) : home.database.underLease(lease, work),
    };
    // A killed process logs nobody out: Telegram hears nothing of it any more.
    const logOut = home.telegram.handlers.get("auth.LogOut")!;
    const qr = begin({ user, database: dying });
    const link = await qr.link();
    accepted = true;
    home.telegram.handlers.set("auth.LogOut", () => {
      throw new RpcError(500, "INTERNAL");
    });
    scan(link, ada);
    await eventually(() => home.telegram.witness.calls({ method: "auth.ExportLoginToken" }).at(-1)?.accountId === ada);
    home.telegram.cluster.dropConnections();
    await expect(qr.login).rejects.toThrow();
    home.telegram.handlers.set("auth.LogOut", logOut);
    expect(keysOf(ada)).toHaveLength(1);
    expect(await home.sessions()).toMatchObject([{ state: "PENDING_QR" }]);
    expect(await endAbandonedLogins(home.deps)).toBe(1);
    expect((await home.sessions()).map(({ state }) => state)).toEqual(user ? ["ABSENT"] : []);
    await nothingLeft(ada);
  },
);

it("leaves a login alone that is under way", async () => {
  const ada = person();
  const qr = begin({});
  const link = await qr.link();
  expect(await endAbandonedLogins(home.deps)).toBe(0);
  scan(link, ada);
  expect((await qr.login).me.id).toBe(ada);
});

it("refuses a second login for an app while the first is under way", async () => {
  const first = begin({ appId: "shop" });
  await first.link();
  await expect(begin({ appId: "shop" }).login).rejects.toThrow("try again later");
  first.abandon();
  await expect(first.login).rejects.toBeInstanceOf(LoginAbandoned);
});
