import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createQrCallback } from "../../api/qr-callback.ts";
import { createInvite } from "../../db/invites.ts";
import { addUser } from "../../db/users.ts";
import type { Tickets } from "../../login/tickets.ts";
import { openRedis } from "../../queue/redis.ts";
import { createLog } from "../../runtime/log.ts";
import { openTracing } from "../../runtime/tracing/open-telemetry.ts";
import { cookieOf, initDataOf, signedCallback, startApiApp, TENANT, type TestApi } from "../support/api.ts";
import { databaseText, formsOf, redisText } from "../support/canary.ts";
import { eventually } from "../support/eventually.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";
import { startTraceCollector } from "../support/trace-collector.ts";
import { OWN_API } from "../support/wire-telegram.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

/** What is secret in a login, put through every way of logging in; looked for at every step of each. */
const PASSWORD = `canary password ${randomBytes(6).toString("hex")}`;
const CODE = `canary-code-${randomBytes(6).toString("hex")}`;
const INVITE = "CANARYINVITE2345";

let home: LoginFleet;
let tickets: [Tickets, Tickets];
let apis: [TestApi, TestApi];
let collector: Awaited<ReturnType<typeof startTraceCollector>>;
let tracing: ReturnType<typeof openTracing>;
const logged: string[] = [];
const published: string[] = [];
const answered: string[] = [];
const looked: Record<string, string[]> = { redis: [], database: [] };
/** By name; those that an answer is meant to give are not looked for in answers. */
const secrets: Record<string, { text: string; given?: boolean }> = {
  password: { text: PASSWORD },
  code: { text: CODE },
  invite: { text: INVITE },
  "own app_hash": { text: OWN_API.apiHash },
};
let listener: ReturnType<typeof openRedis>;

beforeAll(async () => {
  const log = createLog({ level: "trace", name: "login", destination: { write: (line) => void logged.push(line) } });
  home = await startLoginFleet({ log });
  const { send } = home.telegram.logins;
  home.telegram.logins.send = (phone) => send(phone, CODE);
  listener = openRedis(home.redis.url, "worker");
  await listener.psubscribe("*");
  listener.on("pmessage", (_pattern, channel: string, text: string) => void published.push(`${channel} ${text}`));
  tickets = [await home.openTickets(), await home.openTickets()];
  collector = await startTraceCollector();
  const all = { headers: {}, serviceName: null, resource: {}, sampler: "always_on", ratio: 1 } as const;
  tracing = openTracing({ endpoint: collector.endpoint, ...all }, "api", log);
  const serve = (of: Tickets) =>
    startApiApp({
      ...{ tickets: of, tracing, databaseUrl: home.databaseUrl },
      qrCallback: createQrCallback(of, home.deps.metrics),
    });
  apis = [await serve(tickets[0]), await serve(tickets[1])];
});
afterAll(async () => {
  await Promise.all((apis ?? []).map((api) => api.close()));
  listener?.disconnect();
  await collector?.close();
  await home?.close();
});

const person = (password: string | null = PASSWORD) => home.person({ password });

/** Alternates between the two processes, and looks everywhere after each request. */
let turn = 0;
async function ask(method: "GET" | "POST", url: string, payload?: object, headers: Record<string, string> = {}) {
  turn += 1;
  const answer = await (apis[turn % 2] as TestApi).inject({ method, url, headers, ...(payload ? { payload } : {}) });
  answered.push(answer.body);
  looked.redis?.push(await redisText());
  looked.database?.push(await databaseText(home.database));
  return answer;
}

it("passwords, codes, hashes, keys and tokens of every way of logging in are in no place but where they belong", async () => {
  const program = await apis[0].bearer();
  secrets.bearer = { text: program.authorization.slice("Bearer ".length) };
  await home.database.inTenant(TENANT, (tx) =>
    createInvite(tx, {
      tenantId: TENANT,
      code: INVITE,
      plan: "trial",
      days: 1,
      maxUses: 9,
      expiresAt: null,
      note: null,
    }),
  );

  // A browser, by code and password; refused first.
  const ada = person();
  const web = (await ask("POST", "/api/login/code", { phone: ada.phone, invite: INVITE })).json();
  secrets["web ticket"] = { text: web.ticket, given: true };
  await ask("POST", "/api/login/code/verify", { ticket: web.ticket, code: `${CODE}x` });
  await ask("POST", "/api/login/code/verify", { ticket: web.ticket, code: CODE });
  await ask("POST", "/api/login/code/verify", { ticket: web.ticket, password: `${PASSWORD}x` });
  const done = await ask("POST", "/api/login/code/verify", { ticket: web.ticket, password: PASSWORD });
  expect(done.json()).toMatchObject({ status: "AUTHORIZED" });
  secrets.cookie = { text: cookieOf(done) ?? "" };

  // A Mini App's user, by QR code and password.
  const bob = person();
  await home.database.inTenant(TENANT, (tx) => addUser(tx, { tenantId: TENANT, telegramId: bob.telegramId }));
  const initData = initDataOf(Number(bob.telegramId), apis[0].clock.now());
  secrets["initData's hash"] = { text: new URLSearchParams(initData).get("hash") ?? "" };
  const app = { authorization: `tma ${initData}` };
  const qr = (await ask("POST", "/api/qr/start", {}, app)).json();
  secrets["QR ticket"] = { text: qr.ticket, given: true };
  secrets["login token"] = { text: new URL(qr.link).searchParams.get("token") ?? "", given: true };
  home.telegram.scan(qr.link, bob.telegramId);
  const report = JSON.stringify({ ticket: qr.ticket, tg_user_id: Number(bob.telegramId), two_fa_required: true });
  const { url, headers } = signedCallback(report, apis[0].clock.now());
  await ask("POST", url, JSON.parse(report), headers);
  await eventually(async () => {
    const told = await ask("GET", `/api/qr/status?ticket=${qr.ticket}`, undefined, app);
    return told.json().state === "PENDING_PASSWORD";
  });
  const proven = await ask("POST", "/api/qr/password", { ticket: qr.ticket, password: PASSWORD }, app);
  expect(proven.json()).toMatchObject({ status: "AUTHORIZED" });

  // A program's account, by an API ID of its own.
  const eve = person();
  const accounts = `/api/v1/accounts/${TENANT}/channels/telegram_accounts`;
  const own = { app_id: OWN_API.apiId, app_hash: OWN_API.apiHash };
  const { id } = (await ask("POST", accounts, { phone_number: eve.phone, ...own }, program)).json();
  await ask("POST", `${accounts}/${id}/send_code`, {}, program);
  await ask("POST", `${accounts}/${id}/verify_code`, { code: CODE }, program);
  const entered = await ask("POST", `${accounts}/${id}/verify_password`, { password: PASSWORD }, program);
  expect(entered.json()).toMatchObject({ message: "logged in" });

  // Secrets where they do not belong.
  for (const secret of [PASSWORD, CODE, OWN_API.apiHash])
    for (const body of [
      { [secret]: secret },
      { phone: secret },
      { phone_number: secret, app_id: secret, app_hash: secret },
    ])
      for (const path of ["/api/login/code", "/api/login/code/verify", "/api/login/code/resend", accounts])
        await ask("POST", path, body, path === accounts ? program : {});

  const sessions = await home.sessions();
  expect(sessions.filter(({ state }) => state === "AUTHORIZED")).toHaveLength(3);
  for (const { id, telegramId } of sessions) {
    const session = (await home.secretOf(id)) ?? "";
    expect(session.length).toBeGreaterThan(300);
    secrets[`session of ${telegramId}`] = { text: session };
    secrets[`auth key of ${telegramId}`] = {
      text: Buffer.from(session.slice(1), "base64").subarray(-256).toString("hex"),
    };
  }

  await tracing.close();
  const spans = collector.spans();
  const logins = new Set(spans.filter(({ name }) => name === "login").map(({ traceId }) => traceId));
  expect(logins.size).toBe(3);
  for (const traceId of logins) {
    const within = spans.filter((span) => span.traceId === traceId);
    expect(within.some(({ kind }) => kind === "server")).toBe(true);
    expect(within.some(({ name }) => name.startsWith("telegram auth."))).toBe(true);
  }
  const texts = {
    traces: collector.bodies.join("\n"),
    logs: [...logged, ...apis.flatMap((api) => api.logged)].join(""),
    answers: answered.join("\n"),
    metrics: `${await home.deps.metrics.registry.metrics()}${await apis[0].metrics.registry.metrics()}`,
    published: published.join("\n"),
    redis: [...new Set(looked.redis)].join("\n"),
    database: [...new Set(looked.database)].join("\n"),
  };
  // What is looked through is what it is meant to be.
  expect(texts.logs.split("\n").length).toBeGreaterThan(30);
  expect(published.some((text) => text.includes("ticket-mail"))).toBe(true);
  expect(texts.redis).toContain(":ticket:");
  expect(texts.database).toContain(String(ada.telegramId));
  for (const [name, number] of Object.entries({ ada, bob, eve }))
    for (const text of [number.phone, String(number.telegramId)])
      expect(texts.traces.includes(text), `${name}'s number in traces`).toBe(false);
  for (const [place, text] of Object.entries(texts)) {
    const lower = text.toLowerCase();
    for (const [name, secret] of Object.entries(secrets)) {
      if (place === "answers" && secret.given) continue;
      expect(secret.text.length, name).toBeGreaterThan(10);
      for (const [form, spelt] of formsOf(secret.text))
        expect(lower.includes(spelt.toLowerCase()), `${name} as ${form} in ${place}`).toBe(false);
    }
  }
});
