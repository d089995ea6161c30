import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createRevokeSession } from "../../api/revoke-session.ts";
import { loadSession } from "../../db/sessions.ts";
import { addUser, findUser } from "../../db/users.ts";
import type { Tickets } from "../../login/tickets.ts";
import { type Consumer, type Handlers, startConsumer } from "../../queue/consumer.ts";
import { queueOf } from "../../queue/jobs.ts";
import { createProducer, type Producer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog as log } from "../../runtime/log.ts";
import { provePassword } from "../../telegram/gramjs/srp.ts";
import { createRevokeSession as createRevokeHandler } from "../../workers/handlers/revoke-session.ts";
import { initDataOf, startApiApp, TENANT, type TestApi } from "../support/api.ts";
import { type LoginFleet, startLoginFleet } from "../support/login-fleet.ts";
import { OWN_API } from "../support/wire-telegram.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Accounts that a tenant's program logs in by phone; a real worker's job logs them out. */
const PASSWORD = "Korrektes Pferd 🐎";
type Headers = Record<string, string>;
type Answer = Awaited<ReturnType<TestApi["inject"]>>;

let home: LoginFleet;
let tickets: Tickets;
let api: TestApi;
let producer: Producer;
let consumer: Consumer;
let program: Headers;
const connections: Redis[] = [];
beforeAll(async () => {
  home = await startLoginFleet();
  const { redis } = home;
  tickets = await home.openTickets();
  connections.push(openRedis(redis.url, "producer"), openRedis(redis.url, "worker"));
  const [forProducer, forWorker] = connections as [Redis, Redis];
  producer = createProducer({ redis: forProducer, prefix: redis.prefix, log });
  const other = () => Promise.reject(new Error("no such job here"));
  const handlers: Handlers = {
    ...{ "parse-user": other, "backfill-channel": other, "reconcile-channel": other, "verify-session": other },
    "revoke-session": createRevokeHandler({ database: home.database, accounts: home.fleet.accounts }),
  };
  consumer = startConsumer({
    queues: [queueOf({ apiId: 1001, ownApi: false }), queueOf({ apiId: 0, ownApi: true })],
    redis: forWorker,
    ...{ prefix: redis.prefix, handlers, outcomeOf: (error) => error, concurrency: 2, metrics: home.deps.metrics, log },
    limits: { jobLockMs: 30_000, stalledCheckMs: 15_000, maxStalledCount: 10, parkAfterStalls: 10, parkMs: 1_000 },
  });
  const revoke = createRevokeSession(home.database, producer, systemClock);
  api = await startApiApp({ tickets, revoke, databaseUrl: home.databaseUrl });
  program = await api.bearer();
});
afterAll(async () => {
  await api?.close();
  await consumer?.close(1_000);
  await producer?.close();
  for (const redis of connections) redis.disconnect();
  await home?.close();
});

const person = (password: string | null = null) => home.person({ password });
const at = (path = "", tenant = TENANT) => `/api/v1/accounts/${tenant}/channels/telegram_accounts${path}`;
const post = (path: string, payload: object = {}, headers = program) =>
  api.inject({ method: "POST", url: at(path), payload, headers });
const get = async (path: string) => (await api.inject({ url: at(path), headers: program })).json();
const remove = (id: string) => api.inject({ method: "DELETE", url: at(`/${id}`), headers: program });
const errorOf = (answer: Answer) => [answer.statusCode, answer.json().error?.code];
const keys = (telegramId: bigint) => home.telegram.keys.ofAccount(telegramId);
async function added(who: { phone: string }, more: object = {}): Promise<string> {
  const answer = await post("", { phone_number: `+${who.phone}`, ...more });
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json().id;
}
const sessionFor = async (telegramId: bigint) =>
  (await home.sessions()).find((session) => session.telegramId === telegramId) ?? expect.unreachable("no session");

it("an account is added, sent a code, logged in, told of, and logged out again by a job under its lease", async () => {
  const ada = person();
  const id = await added(ada);
  expect(await get(`/${id}`)).toEqual({
    ...{ id, phone_number: ada.phone, app_id: null, telegram_user_id: null, state: "ABSENT" },
    created_at: expect.stringMatching(/Z$/),
  });
  expect(errorOf(await post(`/${id}/verify_code`, { code: ada.code }))).toEqual([409, "no_code_sent"]);
  const sent = await post(`/${id}/send_code`);
  expect(sent.json()).toEqual({ message: "the code was sent: app", phone_code_hash: expect.stringMatching(/^\w+$/) });
  expect(errorOf(await post(`/${id}/verify_code`, { code: "00000" }))).toEqual([400, "phone_code_invalid"]);
  expect((await post(`/${id}/verify_code`, { code: ada.code })).json()).toEqual({
    ...{ message: "logged in", account_name: "Ada", password_required: false },
  });
  expect((await get("")).telegram_accounts).toContainEqual(
    expect.objectContaining({ id, telegram_user_id: Number(ada.telegramId), state: "AUTHORIZED" }),
  );
  expect(keys(ada.telegramId)).toHaveLength(1);
  expect(errorOf(await post(`/${id}/send_code`))).toEqual([409, "logged_in_already"]);

  const { id: sessionId } = await sessionFor(ada.telegramId);
  expect((await remove(id)).json()).toEqual({ ok: true });
  expect(keys(ada.telegramId)).toEqual([]);
  expect(await home.database.asWorker((tx) => loadSession(tx, sessionId))).toMatchObject({ state: "REVOKED" });
  expect(await home.secretOf(sessionId)).toBeNull();
  expect(errorOf(await remove(id))).toEqual([404, "not_found"]);
});

it("asks for the two-step password, and takes it or its proof", async () => {
  const [one, two] = [person(PASSWORD), person(PASSWORD)];
  const ids = [await added(one), await added(two)];
  for (const [index, who] of [one, two].entries()) {
    const id = ids[index] ?? "";
    await post(`/${id}/send_code`);
    const asked = (await post(`/${id}/verify_code`, { code: who.code })).json();
    expect(asked).toMatchObject({ password_required: true, password: { srp_id: expect.any(String) } });
    expect(errorOf(await post(`/${id}/verify_code`, { code: who.code }))).toEqual([409, "password_asked"]);
    if (index === 0) {
      expect(errorOf(await post(`/${id}/verify_password`, { password: "wrong" }))).toEqual([400, "password_invalid"]);
    }
    const given = index === 0 ? { password: PASSWORD } : await proofFrom(asked.password);
    const done = await post(`/${id}/verify_password`, given);
    expect(done.json()).toEqual({ message: "logged in", account_name: "Ada", password_required: false });
  }
});

it("goes by an API ID of its own, at the login and at each connection, and its hash lies sealed", async () => {
  const ada = person();
  const own = { app_id: OWN_API.apiId, app_hash: OWN_API.apiHash };
  const id = await added(ada, own);
  await post(`/${id}/send_code`);
  expect((await post(`/${id}/verify_code`, { code: ada.code })).statusCode).toBe(200);
  const session = await sessionFor(ada.telegramId);
  expect(session).toMatchObject({ apiId: OWN_API.apiId, ownApi: true, state: "AUTHORIZED" });
  expect(keys(ada.telegramId)).toMatchObject([{ apiId: OWN_API.apiId }]);
  expect(await home.fleet.accounts.open(session.id, async ({ api: of }) => (await of.getMe()).id)).toBe(ada.telegramId);
  const queue = await home.database.asOwner((tx) =>
    tx.selectFrom("schedules").select("queue").where("user_id", "=", session.userId).executeTakeFirst(),
  );
  expect(queue).toEqual({ queue: "parse-own" });
  expect(await home.deps.metrics.registry.metrics()).toMatch(/login_codes_sent_total\{api_id="own"\} 1/);
  expect((await remove(id)).json()).toEqual({ ok: true });
  const left = await home.database.asOwner((tx) => tx.selectFrom("own_api_ids").select("id").execute());
  expect(left).toEqual([]);
  expect(keys(ada.telegramId)).toEqual([]);
});

it("says when Telegram refuses an API ID, and goes by a better one that is given", async () => {
  const ada = person();
  const id = await added(ada, { app_id: 7, app_hash: "f".repeat(32) });
  expect(errorOf(await post(`/${id}/send_code`))).toEqual([400, "api_id_invalid"]);
  expect(await added(ada, { app_id: OWN_API.apiId, app_hash: OWN_API.apiHash })).toBe(id);
  expect((await post(`/${id}/send_code`)).statusCode).toBe(200);
  expect((await post(`/${id}/verify_code`, { code: ada.code })).statusCode).toBe(200);
});

it("links a user who is logged in already, and leaves their session alone", async () => {
  const ada = person();
  const [first, second] = [await added(ada), person()];
  await post(`/${first}/send_code`);
  await post(`/${first}/verify_code`, { code: ada.code });
  const [key] = keys(ada.telegramId);
  await home.database.asOwner((tx) => tx.deleteFrom("telegram_accounts").where("id", "=", BigInt(first)).execute());
  const again = await added(ada);
  await post(`/${again}/send_code`);
  expect((await post(`/${again}/verify_code`, { code: ada.code })).json()).toMatchObject({ message: "logged in" });
  expect(await get(`/${again}`)).toMatchObject({ state: "AUTHORIZED", telegram_user_id: Number(ada.telegramId) });
  expect(keys(ada.telegramId)).toEqual([key]);
  expect(await api.database.inTenant(TENANT, (tx) => findUser(tx, second.telegramId))).toBeNull();
});

it("is for the tenant's own programs, and tells nobody else whether an account is there", async () => {
  const id = await added(person());
  await api.database.asOwner((tx) => tx.insertInto("tenants").values({ id: "elsewhere", name: "E" }).execute());
  const stranger = await api.bearer("elsewhere");
  const ada = person();
  await api.database.inTenant(TENANT, (tx) => addUser(tx, { tenantId: TENANT, telegramId: ada.telegramId }));
  const app = { authorization: `tma ${initDataOf(Number(ada.telegramId), api.clock.now())}` };
  const tries = [
    ...[`/${id}/send_code`, `/${id}/verify_code`, `/${id}/verify_password`].map((path) => ["POST", path] as const),
    ...([
      ["GET", ""],
      ["GET", `/${id}`],
      ["DELETE", `/${id}`],
      ["POST", ""],
    ] as const),
  ];
  const payload = (path: string) =>
    path.endsWith("code") && path.includes("verify")
      ? { code: "1" }
      : path.endsWith("password")
        ? { password: "x" }
        : path === ""
          ? { phone_number: "99966110009" }
          : {};
  for (const [method, path] of tries) {
    const ask = (headers: Headers, tenant = TENANT) =>
      api.inject({ method, url: at(path, tenant), headers, ...(method === "POST" ? { payload: payload(path) } : {}) });
    expect(errorOf(await ask(stranger)), `${method} ${path}`).toEqual([404, "not_found"]);
    if (path.includes(id)) expect(errorOf(await ask(stranger, "elsewhere"))).toEqual([404, "not_found"]);
    expect((await ask({})).statusCode).toBe(401);
    expect((await ask(app)).statusCode).toBe(403);
  }
});

it("refuses what is no request", async () => {
  const id = await added(person());
  const own = { app_id: 1, app_hash: "0".repeat(32) };
  const bad = [
    post("", {}),
    post("", { phone_number: "99966110001", app_id: 1 }),
    post("", { phone_number: "99966110001", ...own, app_hash: "no hash" }),
    post("", { phone_number: "99966110001", ...own, app_id: -1 }),
    post("", { phone_number: "99966110001", ...own, app_id: 2 ** 40 }),
    post("", { phone_number: "99966110001", more: 1 }),
    post(`/${id}/verify_code`, {}),
    post(`/${id}/verify_code`, { code: "1".repeat(257) }),
    post(`/${id}/verify_password`, { password: "" }),
    post("/abc/send_code"),
    post("/9999999999999999999999/send_code"),
  ];
  for (const answer of await Promise.all(bad)) expect(errorOf(answer), answer.body).toEqual([400, "invalid_request"]);
  expect(errorOf(await post("", { phone_number: "letters" }))).toEqual([400, "phone_number_invalid"]);
  expect(errorOf(await post("/999999/send_code"))).toEqual([404, "not_found"]);
});

/** As a program makes it, from what the answer tells. */
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
