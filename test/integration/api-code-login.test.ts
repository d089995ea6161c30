import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { createInvite } from "../../db/invites.ts";
import { transition } from "../../db/sessions.ts";
import { addUser, findUser } from "../../db/users.ts";
import { RpcError } from "../../emulator/dc/service.ts";
import type { Tickets } from "../../login/tickets.ts";
import { provePassword } from "../../telegram/gramjs/srp.ts";
import { cookieOf, initDataOf, startApiApp, TENANT, type TestApi } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Logins by phone and code over HTTP, begun in one process and gone on with in another. */
const PASSWORD = "Korrektes Pferd 🐎";
type Answer = Awaited<ReturnType<TestApi["inject"]>>;

let home: LoginFleet;
const opened: Tickets[] = [];
let here: TestApi;
let there: TestApi;

const open = async (given: { lifeMs?: number; codesPerDay?: number } = {}) => {
  const tickets = await home.openTickets(given);
  opened.push(tickets);
  return startApiApp({ tickets, databaseUrl: home.databaseUrl });
};
beforeAll(async () => {
  home = await startLoginFleet();
  [here, there] = [await open(), await open()];
});
afterAll(async () => {
  await Promise.all([here?.close(), there?.close()]);
  await home?.close();
});
const undo: (() => void)[] = [];
afterEach(() => {
  for (const back of undo.splice(0).reverse()) back();
});

const person = (password: string | null = null) => home.person({ password });
async function user(password: string | null = null) {
  const who = person(password);
  await here.database.inTenant(TENANT, (tx) => addUser(tx, { tenantId: TENANT, telegramId: who.telegramId }));
  return { ...who, app: { authorization: `tma ${initDataOf(Number(who.telegramId), here.clock.now())}` } };
}
const post = (api: TestApi, url: string, payload: object, headers = {}) =>
  api.inject({ method: "POST", url, payload, headers });
const begin = (payload: object, headers = {}) => post(here, "/api/login/code", payload, headers);
const verify = (payload: object, api = there) => post(api, "/api/login/code/verify", payload);
const errorOf = (answer: Answer) => [answer.statusCode, answer.json().error?.code];
const keys = (telegramId: bigint) => home.telegram.keys.ofAccount(telegramId).length;
const stateOf = async (telegramId: bigint) =>
  (await home.sessions()).filter((session) => session.telegramId === telegramId).map(({ state }) => state);
async function ticketOf(who: { phone: string }, more: object = {}): Promise<string> {
  const begun = await begin({ phone: who.phone, ...more });
  expect(begun.statusCode, begun.body).toBe(200);
  return begun.json().ticket;
}
/** Telegram answers this method with an error. */
function refuse(method: string, code: number, error: string): void {
  const { handlers } = home.telegram;
  const before = handlers.get(method);
  handlers.set(method, () => {
    throw new RpcError(code, error);
  });
  undo.push(() => before && handlers.set(method, before));
}

it("takes the place of a login by QR code, for its user alone, and sets no cookie", async () => {
  const ada = await user();
  const qr = (await post(here, "/api/qr/start", {}, ada.app)).json();
  const begun = await begin({ phone: `+${ada.phone.slice(0, 5)} (${ada.phone.slice(5)})`, session_id: qr.ticket });
  expect(begun.json()).toEqual({
    ticket: expect.stringMatching(/^[\w-]{32}$/),
    code: { type: "app", length: 5, next_type: "sms", resend_at: expect.stringMatching(/Z$/) },
    ttl: expect.any(Number),
  });
  const status = await there.inject({ url: `/api/qr/status?ticket=${qr.ticket}`, headers: ada.app });
  expect(status.json()).toMatchObject({ state: "cancelled" });
  const { ticket } = begun.json();
  expect(errorOf(await verify({ ticket, code: "00000" }))).toEqual([400, "phone_code_invalid"]);
  const done = await verify({ ticket, code: ada.code });
  expect(done.json()).toEqual({ status: "AUTHORIZED", message: "logged in" });
  expect(cookieOf(done)).toBeNull();
  expect(await stateOf(ada.telegramId)).toEqual(["AUTHORIZED"]);
  expect(keys(ada.telegramId)).toBe(1);
  expect(errorOf(await verify({ ticket, code: ada.code }))).toEqual([409, "logged_in_already"]);
});

it("may be begun again with another number, and refuses another user's page and account", async () => {
  const [ada, eve] = [await user(), await user()];
  const { ticket: session_id } = (await post(here, "/api/qr/start", {}, ada.app)).json();
  expect(errorOf(await begin({ phone: eve.phone, session_id }, eve.app))).toEqual([403, "wrong_user"]);
  const first = await ticketOf(eve, { session_id });
  const second = (await post(there, "/api/login/code", { phone: eve.phone, session_id })).json().ticket;
  expect(errorOf(await verify({ ticket: first, code: eve.code }))).toEqual([410, "cancelled"]);
  expect(errorOf(await verify({ ticket: second, code: eve.code }))).toEqual([403, "wrong_account"]);
  expect(keys(eve.telegramId)).toBe(0);
  const third = await ticketOf(ada, { session_id });
  expect((await verify({ ticket: third, code: ada.code })).json()).toMatchObject({ status: "AUTHORIZED" });
  expect(errorOf(await begin({ phone: ada.phone, session_id: "nobodys" }))).toEqual([404, "not_found"]);
});

it("asks for the two-step password, and takes it or its proof, with the code or after it", async () => {
  const after = await user(PASSWORD);
  const ticket = await ticketOf(after);
  const asked = (await verify({ ticket, code: after.code })).json();
  expect(asked).toMatchObject({ status: "PENDING_PASSWORD", password: { srp_id: expect.any(String), hint: null } });
  expect(errorOf(await verify({ ticket, password: "wrong horse" }))).toEqual([400, "password_invalid"]);
  // The parameters that came with the code are used up.
  const again = (await verify({ ticket, ...(await proofFrom(asked.password)) })).json();
  expect(again).toMatchObject({ status: "PENDING_PASSWORD", message: "it was refused: SRP_ID_INVALID" });
  const done = await verify({ ticket, ...(await proofFrom(again.password)) });
  expect(done.json()).toMatchObject({ status: "AUTHORIZED" });
  expect(cookieOf(done)).not.toBeNull();

  const atOnce = await user(PASSWORD);
  const other = await ticketOf(atOnce);
  expect((await verify({ ticket: other, code: atOnce.code, password: PASSWORD })).json()).toMatchObject({
    status: "AUTHORIZED",
  });
  expect(keys(atOnce.telegramId)).toBe(1);
});

it("lets nobody in who is no user and brings no invite, and keeps nothing of them", async () => {
  const before = await home.sessions();
  const stranger = person();
  expect(errorOf(await begin({ phone: stranger.phone, invite: "NOBODYHASTHIS" }))).toEqual([403, "invite_refused"]);
  const ticket = await ticketOf(stranger);
  const refused = await verify({ ticket, code: stranger.code });
  expect(errorOf(refused)).toEqual([403, "unknown_user"]);
  expect(cookieOf(refused)).toBeNull();
  expect(keys(stranger.telegramId)).toBe(0);
  expect(await home.sessions()).toHaveLength(before.length);
  expect(await here.database.inTenant(TENANT, (tx) => findUser(tx, stranger.telegramId))).toBeNull();
});

it("makes a user of whoever brings an invite, with the plan that begins then", async () => {
  const invite = "CODELOGIN2345ABC";
  await here.database.inTenant(TENANT, (tx) =>
    createInvite(tx, {
      tenantId: TENANT,
      code: invite,
      plan: "premium",
      days: 30,
      maxUses: 1,
      expiresAt: null,
      note: null,
    }),
  );
  const ada = person();
  const done = await verify({ ticket: await ticketOf(ada, { invite }), code: ada.code });
  expect(done.json()).toMatchObject({ status: "AUTHORIZED" });
  const cookie = `auth_token=${cookieOf(done)}`;
  const me = await there.inject({ url: "/api/me", headers: { cookie } });
  expect(me.json()).toMatchObject({
    telegram_id: Number(ada.telegramId),
    plan: "premium",
    session_state: "AUTHORIZED",
  });

  const late = person();
  const refused = await verify({ ticket: await ticketOf(late, { invite }), code: late.code });
  expect(errorOf(refused)).toEqual([403, "invite_refused"]);
  expect(keys(late.telegramId)).toBe(0);
  expect(await here.database.inTenant(TENANT, (tx) => findUser(tx, late.telegramId))).toBeNull();
});

it("proves who somebody is whose session lives, without disturbing it; brings back one that has ended", async () => {
  const ada = await user();
  await verify({ ticket: await ticketOf(ada), code: ada.code });
  const [key] = home.telegram.keys.ofAccount(ada.telegramId);
  const second = await verify({ ticket: await ticketOf(ada), code: ada.code });
  expect(second.json()).toMatchObject({ status: "AUTHORIZED" });
  expect(cookieOf(second)).not.toBeNull();
  expect(home.telegram.keys.ofAccount(ada.telegramId)).toEqual([key]);
  expect(await stateOf(ada.telegramId)).toEqual(["AUTHORIZED"]);

  const [session] = (await home.sessions()).filter(({ telegramId }) => telegramId === ada.telegramId);
  await home.database.asWorker((tx) => transition(tx, session!.id, { from: ["AUTHORIZED"], to: "STALE" }));
  expect((await verify({ ticket: await ticketOf(ada), code: ada.code })).statusCode).toBe(200);
  expect(await stateOf(ada.telegramId)).toEqual(["AUTHORIZED"]);
  expect(keys(ada.telegramId)).toBe(2);
});

it("waits for another login of the same user that is under way", async () => {
  const ada = await user();
  await post(here, "/api/qr/start", {}, ada.app);
  expect(errorOf(await verify({ ticket: await ticketOf(ada), code: ada.code }))).toEqual([409, "login_under_way"]);
  expect(keys(ada.telegramId)).toBe(0);
});

it("sends the code again when it may, each time another way", async () => {
  const ada = await user();
  const ticket = await ticketOf(ada);
  const resend = () => post(there, "/api/login/code/resend", { ticket });
  const early = await resend();
  expect(early.statusCode).toBe(429);
  expect(Number(early.headers["retry-after"])).toBeGreaterThan(30);
  // Codes are timed by the clock of the process that holds the ticket.
  there.clock.pass(Date.now() + 61_000 - there.clock.now());
  expect((await resend()).json()).toMatchObject({ code: { type: "sms", next_type: "call" } });
  there.clock.pass(Date.now() + 61_000 - there.clock.now());
  expect((await resend()).json()).toMatchObject({ code: { type: "call", next_type: null, resend_at: null } });
  expect(errorOf(await resend())).toEqual([409, "no_other_way"]);
  expect((await verify({ ticket, code: ada.code })).statusCode).toBe(200);
});

it("says by name why Telegram refuses", async () => {
  const nobody = { phone: "9996619999", code: "11111" };
  expect(errorOf(await verify({ ticket: await ticketOf(nobody), code: nobody.code }))).toEqual([
    ...[404, "phone_number_unoccupied"],
  ]);
  expect(errorOf(await begin({ phone: "+1 202 555 0123" }))).toEqual([400, "phone_number_invalid"]);
  const banned = person();
  home.telegram.logins.banned.add(banned.phone);
  expect(errorOf(await begin({ phone: banned.phone }))).toEqual([403, "phone_number_banned"]);

  const late = await ticketOf(person());
  refuse("auth.SignIn", 400, "PHONE_CODE_EXPIRED");
  expect(errorOf(await verify({ ticket: late, code: "11111" }))).toEqual([410, "phone_code_expired"]);
  refuse("auth.SendCode", 420, "FLOOD_WAIT_300");
  const flooded = await begin({ phone: person().phone });
  expect(errorOf(flooded)).toEqual([429, "flood_wait"]);
  expect(Number(flooded.headers["retry-after"])).toBeGreaterThan(200);
  refuse("auth.SendCode", 400, "PHONE_NUMBER_FLOOD");
  expect((await begin({ phone: person().phone })).headers["retry-after"]).toMatch(/^\d+$/);
  await eventually(async () => (await home.sessions()).every(({ state }) => state !== "PENDING_PASSWORD"));
});

it("counts codes by API ID and day, and says when the day's are used up", async () => {
  await using poor = Object.assign(await open({ codesPerDay: 0 }), {
    async [Symbol.asyncDispose]() {
      await poor.close();
    },
  });
  const refused = await post(poor, "/api/login/code", { phone: person().phone });
  expect(errorOf(refused)).toEqual([429, "codes_used_up"]);
  expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(86_400);
  expect(await home.deps.metrics.registry.metrics()).toMatch(/login_codes_sent_total\{api_id="1001"\} [1-9]/);
});

it("expires, and leaves neither connection nor key", async () => {
  await using short = Object.assign(await open({ lifeMs: 3_000 }), {
    async [Symbol.asyncDispose]() {
      await short.close();
    },
  });
  const ada = await user();
  const { ticket } = (await post(short, "/api/login/code", { phone: ada.phone })).json();
  await eventually(async () => (await opened.at(-1)?.codes.status(ticket, "web"))?.state === "expired");
  expect(errorOf(await verify({ ticket, code: ada.code }))).toEqual([410, "expired"]);
  expect(keys(ada.telegramId)).toBe(0);
});

it("ends with its process, and leaves nothing pending", async () => {
  const ending = await open();
  const [ada, bob] = [await user(), await user(PASSWORD)];
  const waiting = (await post(ending, "/api/login/code", { phone: ada.phone })).json().ticket;
  const halfway = (await post(ending, "/api/login/code", { phone: bob.phone })).json().ticket;
  expect((await verify({ ticket: halfway, code: bob.code })).json()).toMatchObject({ status: "PENDING_PASSWORD" });
  await ending.close();
  await opened.at(-1)?.close();
  for (const ticket of [waiting, halfway])
    expect(errorOf(await verify({ ticket, code: ada.code, password: PASSWORD }))).toEqual([410, "expired"]);
  for (const { telegramId } of [ada, bob]) {
    expect((await stateOf(telegramId)).filter((state) => state !== "ABSENT")).toEqual([]);
    expect(keys(telegramId)).toBe(0);
  }
});

it("is begun by an address a few times a minute", async () => {
  await using strict = Object.assign(
    await startApiApp({ databaseUrl: home.databaseUrl, config: { requestsPerMinute: 20 } }),
    {
      async [Symbol.asyncDispose]() {
        await strict.close();
      },
    },
  );
  const asked = () => post(strict, "/api/login/code", { phone: "99966110001" });
  for (let tries = 0; tries < 2; tries += 1) expect(errorOf(await asked())).toEqual([503, "not_configured"]);
  const limited = await asked();
  expect(errorOf(limited)).toEqual([429, "too_many_requests"]);
  expect(Number(limited.headers["retry-after"])).toBeGreaterThan(0);
});

it("refuses what is no request", async () => {
  const proof = { ticket: "x", srp_id: "1", A: "00".repeat(256), M1: "00".repeat(32) };
  for (const phone of ["1234", "1".repeat(16), "phone", "٩٩٩٦٦١٠٠٠١", "+", "99966\u000010001"])
    expect(errorOf(await begin({ phone })), phone).toEqual([400, "phone_number_invalid"]);
  const bad = [
    ...["", "1".repeat(65), 12345678, null].map((phone) => begin({ phone })),
    begin({ phone: "99966110001", more: 1 }),
    verify({ ticket: "x" }),
    verify({ ticket: "x", code: "" }),
    verify({ ticket: "x", code: "1".repeat(257) }),
    verify({ ticket: "x", password: "1".repeat(1_025) }),
    verify({ ...proof, A: "00" }),
    verify({ ...proof, code: "1" }),
    post(here, "/api/login/code/resend", {}),
  ];
  for (const answer of await Promise.all(bad)) expect(errorOf(answer), answer.body).toEqual([400, "invalid_request"]);
  expect(errorOf(await verify({ ticket: "nobodys", code: "1" }))).toEqual([404, "not_found"]);
  expect(errorOf(await verify(proof))).toEqual([404, "not_found"]);
  const huge = await begin({ phone: "1".repeat(10_000_000) });
  expect(errorOf(huge)).toEqual([413, "too_large"]);
  const ada = await user();
  const ticket = await ticketOf(ada);
  for (const code of [" ", "0".repeat(256), "🐎", "\u0000", "'; drop table users", "ёж".repeat(100)]) {
    const again = await verify({ ticket, code });
    expect(again.statusCode, code).toBeGreaterThanOrEqual(400);
    expect(again.statusCode, code).toBeLessThan(500);
  }
});

/** As a page makes it, from what the answer tells. */
async function proofFrom(asked: Record<string, string>): Promise<object> {
  const bytes = (name: string) => Buffer.from(asked[name] ?? "", "hex");
  const proof = await provePassword(
    {
      ...{ srpId: BigInt(asked.srp_id ?? ""), srpB: bytes("srp_B"), salt1: bytes("salt1"), salt2: bytes("salt2") },
      ...{ g: Number(asked.g), p: bytes("p"), hint: null },
    },
    PASSWORD,
  );
  return { srp_id: String(proof.srpId), A: proof.A.toString("hex"), M1: proof.M1.toString("hex") };
}
