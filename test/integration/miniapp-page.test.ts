import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { addUser } from "../../db/users.ts";
import type { Tickets } from "../../login/tickets.ts";
import { provePassword } from "../../web/qr-auth/srp.ts";
import { initDataOf, startApiApp, TENANT, type TestApi } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** The page's own routes, by possession of a ticket. What the page does with them is tried in a browser (test/e2e). */
const PASSWORD = "Korrektes Pferd 🐎";

let home: LoginFleet;
let tickets: Tickets;
let api: TestApi;
beforeAll(async () => {
  home = await startLoginFleet();
  tickets = await home.openTickets();
  api = await startApiApp({ tickets, databaseUrl: home.databaseUrl });
});
afterAll(async () => {
  await api?.close();
  await home?.close();
});

/** A person with an account at Telegram, who is a user here. */
async function person(password: string | null = null) {
  const { telegramId } = home.person({ password });
  const { user } = await api.database.inTenant(TENANT, (tx) => addUser(tx, { tenantId: TENANT, telegramId }));
  return { telegramId, asker: `user:${user.id}` };
}

const tma = (telegramId: bigint, at = api.clock.now()) => ({
  authorization: `tma ${initDataOf(Number(telegramId), at)}`,
});
const begin = async ({ asker, telegramId }: { asker: string; telegramId: bigint | null }) =>
  (await tickets.start({ asker, tenantId: TENANT, telegramId })).ticket;
const status = (ticket: string, headers: Record<string, string> = {}) =>
  api.inject({ url: `/qr-auth-status?session_id=${encodeURIComponent(ticket)}`, headers });
const post = (url: string, payload: object) => api.inject({ method: "POST", url, payload });

it("is a page that loads its own script and style, Telegram's script, and nothing else", async () => {
  const page = await api.inject({ url: "/qr-auth?session_id=whatever" });
  expect(page).toMatchObject({ statusCode: 200 });
  const { "content-security-policy": policy, ...headers } = page.headers;
  expect(policy).toBe(
    "default-src 'none'; script-src 'self' https://telegram.org/js/telegram-web-app.js; style-src 'self'; " +
      "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
      "frame-ancestors https://web.telegram.org",
  );
  expect(headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
  expect(headers).not.toHaveProperty("x-frame-options");
  expect(page.body).not.toContain("whatever");
  const loaded = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? "");
  expect(loaded).toEqual([
    "data:,",
    expect.stringMatching(/^\/qr-auth\/assets\/style-[\w-]{16}\.css$/),
    expect.stringMatching(/^\/qr-auth\/assets\/script-[\w-]{16}\.js$/),
    "https://telegram.org/js/telegram-web-app.js",
  ]);
  for (const [address, type] of [
    [loaded[1], "text/css; charset=utf-8"],
    [loaded[2], "text/javascript; charset=utf-8"],
  ]) {
    const asset = await api.inject({ url: address ?? "" });
    expect(asset).toMatchObject({ statusCode: 200 });
    expect(asset.headers).toMatchObject({
      "content-type": type,
      "cache-control": "public, max-age=31536000, immutable",
    });
    expect(asset.body.length).toBeGreaterThan(1_000);
  }
  const gone = await api.inject({ url: "/qr-auth/assets/script-0000000000000000.js" });
  expect(gone).toMatchObject({ statusCode: 404 });
  expect(gone.headers["cache-control"]).toBe("no-store");
});

it("tells whoever has a ticket how it stands, and another user nothing", async () => {
  const [ada, eve] = [await person(), await person()];
  const ticket = await begin(ada);
  const told = await status(ticket);
  expect(told.json()).toEqual({
    status: "PENDING_QR",
    qr_link: expect.stringMatching(/^tg:\/\/login\?token=[\w-]+$/),
    qr_expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
    qr_seconds_left: expect.closeTo(30, -2),
  });
  expect((await status(ticket, tma(ada.telegramId))).json()).toMatchObject({ status: "PENDING_QR" });
  expect(await status(ticket, tma(eve.telegramId))).toMatchObject({ statusCode: 403 });
  expect((await status(ticket, tma(eve.telegramId))).json()).toMatchObject({ error: { code: "wrong_user" } });
  const old = await status(ticket, tma(ada.telegramId, api.clock.now() - 6 * 60_000));
  expect(old.json()).toMatchObject({ error: { code: "not_proven" } });
  for (const unknown of ["nobodys", "x".repeat(256)])
    expect((await status(unknown)).json()).toEqual({ status: "not_found" });
  for (const bad of ["", "x".repeat(257)]) expect(await status(bad)).toMatchObject({ statusCode: 400 });

  // What a program asked for is for whoever scans it.
  const anybodys = await begin({ asker: `tenant:${TENANT}`, telegramId: null });
  expect((await status(anybodys, tma(eve.telegramId))).json()).toMatchObject({ status: "PENDING_QR" });
  for (const secret of [ticket, anybodys]) expect(api.logged.join("")).not.toContain(secret);
});

it("takes a proof of the password as the page makes it, and refuses a wrong one", async () => {
  const careful = await person(PASSWORD);
  const ticket = await begin(careful);
  const proof = { srp_id: "1", A: "00".repeat(256), M1: "00".repeat(32) };
  expect(await post("/qr-auth/password", { session_id: ticket, ...proof })).toMatchObject({ statusCode: 409 });
  expect(await post("/qr-auth/password", { session_id: "nobodys", ...proof })).toMatchObject({ statusCode: 404 });
  home.telegram.scan((await status(ticket)).json().qr_link, careful.telegramId);
  const asked = await eventually(async () => {
    const told = (await status(ticket)).json();
    return told.status === "PENDING_PASSWORD" && told;
  });
  const wrong = await provePassword(asked.password, "wrong horse");
  const refused = (await post("/qr-auth/password", { session_id: ticket, ...wrong })).json();
  expect(refused).toMatchObject({ status: "PENDING_PASSWORD", reason: "PASSWORD_HASH_INVALID" });
  expect(refused.password.srp_id).not.toBe(asked.password.srp_id);
  const right = await provePassword(refused.password, PASSWORD);
  expect((await post("/qr-auth/password", { session_id: ticket, ...right })).json()).toEqual({ status: "AUTHORIZED" });
  // Nor does it take a password.
  const said = await post("/qr-auth/password", { session_id: ticket, password: PASSWORD });
  expect(said).toMatchObject({ statusCode: 400 });
});

it("renews a user's ticket that has ended without a login, and no other", async () => {
  const ada = await person();
  const ticket = await begin(ada);
  const renew = (session_id: string) => post("/qr-auth/renew", { session_id });
  expect((await renew(ticket)).json()).toMatchObject({ error: { code: "not_ended" } });
  await tickets.cancel(ticket, ada.asker);
  const { session_id: next } = (await renew(ticket)).json();
  home.telegram.scan((await status(next)).json().qr_link, ada.telegramId);
  await eventually(async () => (await status(next)).json().status === "AUTHORIZED");
  expect((await renew(next)).json()).toMatchObject({ error: { code: "not_ended" } });

  const programs = { asker: `tenant:${TENANT}`, telegramId: null };
  const theirs = await begin(programs);
  await tickets.cancel(theirs, programs.asker);
  expect(await renew(theirs)).toMatchObject({ statusCode: 403 });
  expect(await renew("nobodys")).toMatchObject({ statusCode: 404 });
});

it("says where there are no logins by QR code", async () => {
  await using without = Object.assign(await startApiApp(), {
    async [Symbol.asyncDispose]() {
      await without.close();
    },
  });
  const told = await without.inject({ url: "/qr-auth-status?session_id=nobodys" });
  expect(told).toMatchObject({ statusCode: 503 });
  expect(told.json()).toMatchObject({ error: { code: "not_configured" } });
});
