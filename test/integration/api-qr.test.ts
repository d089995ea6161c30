import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createQrCallback } from "../../api/qr-callback.ts";
import { ownApiIdOfUser, setOwnApiId } from "../../db/own-api-ids.ts";
import { addUser, findUser } from "../../db/users.ts";
import type { Tickets } from "../../login/tickets.ts";
import { provePassword } from "../../telegram/gramjs/srp.ts";
import { keepOwnApiId } from "../../telegram/own-api-ids.ts";
import { initDataOf, signedCallback, startApiApp, TENANT, type TestApi } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";
import { OWN_API } from "../support/wire-telegram.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Logins by QR code over HTTP: the real GramJS logs in to the emulator, and its person scans. */
const PASSWORD = "Korrektes Pferd 🐎";
type Headers = { authorization: string };

let home: LoginFleet;
let tickets: Tickets;
let api: TestApi;
let program: Headers;
beforeAll(async () => {
  home = await startLoginFleet();
  tickets = await home.openTickets();
  const qrCallback = createQrCallback(tickets, home.deps.metrics);
  api = await startApiApp({ tickets, qrCallback, databaseUrl: home.databaseUrl });
  program = await api.bearer();
});
afterAll(async () => {
  await api?.close();
  await home?.close();
});

const person = (password: string | null = null) => home.person({ password }).telegramId;

/** Whoever has their Mini App open. */
async function appOf(telegramId: bigint): Promise<Headers> {
  await api.database.inTenant(TENANT, (tx) => addUser(tx, { tenantId: TENANT, telegramId }));
  return { authorization: `tma ${initDataOf(Number(telegramId), api.clock.now())}` };
}

const start = (headers: Headers, payload: object = {}) =>
  api.inject({ method: "POST", url: "/api/qr/start", headers, payload });
const status = (headers: Headers, ticket: string) =>
  api.inject({ url: `/api/qr/status?ticket=${encodeURIComponent(ticket)}`, headers });
const password = (headers: Headers, payload: object) =>
  api.inject({ method: "POST", url: "/api/qr/password", headers, payload });
const until = (headers: Headers, ticket: string, state: string) =>
  eventually(async () => {
    const told = (await status(headers, ticket)).json();
    return told.state === state && told;
  });

it("a tenant's program begins a login, and whoever scans it is a user of that tenant", async () => {
  const begun = await start(program, { tenant_id: TENANT, app_id: "shop_1" });
  expect(begun.statusCode).toBe(200);
  const { ticket, link, qr_base64: image, ...facts } = begun.json();
  expect(facts).toEqual({
    ttl: expect.closeTo(120, -1),
    tenant_id: TENANT,
    app_id: "shop_1",
    qr_expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(Buffer.from(image, "base64").subarray(0, 6).toString()).toMatch(/^GIF8[79]a$/);
  expect((await status(program, ticket)).json()).toMatchObject({
    ...{ state: "PENDING_QR", telegram_user_id: null, requires_password: false, qr_base64: image, link },
  });
  const ada = person();
  home.telegram.scan(link, ada);
  expect(await until(program, ticket, "AUTHORIZED")).toEqual({
    ...{ state: "AUTHORIZED", telegram_user_id: Number(ada), requires_password: false },
    ...{ tenant_id: TENANT, app_id: "shop_1" },
  });
  expect(home.telegram.keys.ofAccount(ada)).toHaveLength(1);
});

it("takes a proof that was made where the password was typed, or the password", async () => {
  for (const way of ["proof", "password"]) {
    const { ticket, link } = (await start(program)).json();
    expect(await password(program, { ticket, password: PASSWORD })).toMatchObject({ statusCode: 409 });
    const careful = person(PASSWORD);
    home.telegram.scan(link, careful);
    const { password: asked, requires_password: required } = await until(program, ticket, "PENDING_PASSWORD");
    expect(required).toBe(true);
    const refused = await password(program, { ticket, password: "wrong horse" });
    expect(refused.json()).toEqual({
      status: "PENDING_PASSWORD",
      message: "the password was refused: PASSWORD_HASH_INVALID",
    });
    const given =
      way === "proof" ? await proofFrom((await status(program, ticket)).json().password) : { password: PASSWORD };
    expect(asked).toMatchObject({ g: expect.any(Number), p: expect.stringMatching(/^[0-9a-f]{512}$/) });
    expect((await password(program, { ticket, ...given })).json()).toEqual({
      status: "AUTHORIZED",
      message: "logged in",
    });
    expect(home.telegram.keys.ofAccount(careful)).toHaveLength(1);
  }
});

it("a user must scan their own: another account is logged out again, and both are told", async () => {
  const [ada, eve] = [person(), person()];
  const mine = await appOf(ada);
  const { ticket, link } = (await start(mine)).json();
  home.telegram.scan(link, eve);
  expect(await until(mine, ticket, "wrong_account")).toMatchObject({ telegram_user_id: null });
  await eventually(() => home.telegram.keys.ofAccount(eve).length === 0);

  const again = (await start(mine)).json();
  home.telegram.scan(again.link, ada);
  expect(await until(mine, again.ticket, "AUTHORIZED")).toMatchObject({ telegram_user_id: Number(ada) });
});

it("a user who has given an API ID of their own logs in by it", async () => {
  const ada = person();
  const mine = await appOf(ada);
  await api.database.inTenant(TENANT, async (tx) => {
    const { id } = (await findUser(tx, ada)) ?? expect.unreachable("no user");
    await setOwnApiId(tx, id, await keepOwnApiId(tx, home.fleet.vault, { tenantId: TENANT, ...OWN_API }));
    expect(await ownApiIdOfUser(tx, id)).toBe(OWN_API.apiId);
  });
  const { ticket, link } = (await start(mine)).json();
  home.telegram.scan(link, ada);
  await until(mine, ticket, "AUTHORIZED");
  expect(home.telegram.keys.ofAccount(ada)).toMatchObject([{ apiId: OWN_API.apiId }]);
  const session = (await home.sessions()).find(({ telegramId }) => telegramId === ada);
  expect(session).toMatchObject({ apiId: OWN_API.apiId, ownApi: true });
});

it("tells of a ticket nobody but whoever asked for it, and refuses what is no request", async () => {
  const mine = await appOf(person());
  await api.database.asOwner((tx) => tx.insertInto("tenants").values({ id: "elsewhere", name: "Elsewhere" }).execute());
  const others = [await api.bearer("elsewhere"), await appOf(person())];
  const { ticket } = (await start(program)).json();
  for (const headers of [mine, ...others]) {
    expect(await status(headers, ticket)).toMatchObject({ statusCode: 404 });
    expect(await password(headers, { ticket, password: PASSWORD })).toMatchObject({ statusCode: 404 });
  }
  expect(await status(program, "unknown")).toMatchObject({ statusCode: 404 });
  expect(await start(program, { tenant_id: "elsewhere" })).toMatchObject({ statusCode: 403 });
  const proof = { ticket, srp_id: "1", A: "00".repeat(256), M1: "00".repeat(32) };
  const bad = [
    start(program, { app_id: "no spaces" }),
    start(program, { more: 1 }),
    start(mine, { app_id: "mine" }),
    password(program, { ticket }),
    password(program, { ticket, password: "" }),
    password(program, { ticket, password: "x".repeat(1_025) }),
    password(program, { ...proof, A: "00" }),
    password(program, { ...proof, srp_id: "many" }),
    password(program, { ...proof, srp_id: "9999999999999999999" }),
    password(program, { ...proof, password: PASSWORD }),
    status(program, ""),
  ];
  for (const answer of await Promise.all(bad)) {
    expect(answer.statusCode, answer.body).toBe(400);
    expect(answer.json()).toMatchObject({ error: { code: "invalid_request", message: expect.any(String) } });
  }
});

it("a proven report has the login ask Telegram at once, whose word alone counts", async () => {
  home.telegram.tokenRules.pushes = false;
  try {
    const [ada, eve] = [person(), person()];
    const mine = await appOf(ada);
    const { ticket, link } = (await start(mine)).json();
    const report = async (of: bigint, which = ticket) => {
      api.clock.pass(1_000);
      const body = JSON.stringify({ ticket: which, tg_user_id: Number(of), two_fa_required: false });
      const answer = await api.inject(signedCallback(body, api.clock.now()));
      return [answer.statusCode, answer.json().status ?? answer.json().error.code];
    };
    expect(await report(eve)).toEqual([403, "wrong_account"]);
    expect(await report(ada, "unknown")).toEqual([404, "not_found"]);
    // Nobody has scanned: a report makes nobody of it.
    expect(await report(ada)).toEqual([200, "PENDING_QR"]);
    expect(home.telegram.keys.ofAccount(ada)).toEqual([]);
    const { link: newest } = (await status(mine, ticket)).json();
    expect(newest).not.toBe(link);
    home.telegram.scan(newest, ada);
    expect(await report(ada)).toEqual([200, "AUTHORIZED"]);
    expect(await report(ada)).toEqual([200, "AUTHORIZED"]);
    const told = await home.deps.metrics.registry.metrics();
    for (const [result, count] of Object.entries({ awaited: 2, wrong_user: 1, unknown: 1, ended: 1 }))
      expect(told).toContain(`qr_auth_callback_total{result="${result}"} ${count}`);
  } finally {
    home.telegram.tokenRules.pushes = true;
  }
});

it("says where there are no logins by QR code", async () => {
  await using without = Object.assign(await startApiApp(), {
    async [Symbol.asyncDispose]() {
      await without.close();
    },
  });
  const headers = await without.bearer();
  const answer = await without.inject({ method: "POST", url: "/api/qr/start", headers, payload: {} });
  expect(answer.statusCode).toBe(503);
});

/** As a page makes it, from what the status tells. */
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
