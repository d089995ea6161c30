import { afterAll, beforeAll, expect, it } from "vitest";
import { createInvite } from "../../db/invites.ts";
import {
  BOT_TOKEN,
  cookieOf,
  HMAC_SECRET,
  initDataOf,
  signedCallback,
  startApiApp,
  TENANT,
  type TestApi,
} from "../support/api.ts";
import { databaseText, formsOf, redisText } from "../support/canary.ts";
import { plantReader } from "../support/following.ts";

/** No name that a channel could have: what people call a channel is kept. */
const CODE = "canary+3HBP4Z3ECICZ/code";
const PASSWORD = "canary of a password";
/** CANARY_EVERYWHERE=1: every secret in every place of every caller's request, instead of the places by turns. */
const EVERYWHERE = process.env.CANARY_EVERYWHERE === "1";
let api: TestApi;
let secrets: Record<string, string>;
const answered: string[] = [];

beforeAll(async () => {
  api = await startApiApp({ qrCallback: async () => ({ status: "ok", message: "seen" }) });
});
afterAll(() => api.close());

it("tokens, cookies and codes put through every route are in no log, no answer, no Redis and no database, but as hashes", async () => {
  await plantReader(api.database, 951n);
  await api.database.inTenant(TENANT, (tx) =>
    createInvite(tx, {
      tenantId: TENANT,
      code: CODE,
      plan: "premium",
      days: 1,
      maxUses: 5,
      expiresAt: null,
      note: null,
    }),
  );
  const bearer = (await api.bearer()).authorization.slice("Bearer ".length);
  const initData = initDataOf(951, api.clock.now());
  const login = await api.inject({
    ...{ method: "POST", url: "/api/login/telegram" },
    payload: { init_data: initData, invite: CODE },
  });
  const cookie = cookieOf(login) ?? "";
  expect(cookie).not.toBe("");
  secrets = { bearer, cookie, code: CODE, password: PASSWORD, bot: BOT_TOKEN, hmac: HMAC_SECRET };
  secrets.hash = new URLSearchParams(initData).get("hash") ?? "";
  answered.push(login.body);
  for (const [turn, secret] of Object.values(secrets).entries())
    await everywhere(secret, { cookie, bearer, initData }, turn);
  const callback = signedCallback(
    JSON.stringify({ ticket: CODE, tg_user_id: 1, two_fa_required: false }),
    api.clock.now(),
  );
  secrets.signature = callback.headers["x-miniapp-signature"] ?? "";
  for (let twice = 0; twice < 2; twice += 1) answered.push((await api.inject(callback)).body);
  const out = await api.inject({ method: "POST", url: "/api/logout", headers: { cookie: `auth_token=${cookie}` } });
  answered.push(out.body);

  const places = {
    logs: api.logged.join(""),
    answers: answered.join("\n"),
    metrics: await api.metrics.registry.metrics(),
    database: await databaseText(api.database),
    redis: await redisText(),
  };
  // Each place of each caller's request at each route has had one of them.
  expect(Object.keys(secrets).length).toBeGreaterThanOrEqual(5);
  // What is looked through is what it is meant to be.
  expect(places.logs.split("\n").length).toBeGreaterThan(200);
  expect(places.database).toContain("951");
  for (const [place, text] of Object.entries(places)) {
    for (const [name, secret] of Object.entries(secrets)) {
      for (const [form, spelt] of formsOf(secret)) {
        // As a truth value, since a failure prints what it was given.
        expect(text.toLowerCase().includes(spelt.toLowerCase()), `${name} as ${form} in ${place}`).toBe(false);
      }
    }
  }
});

it("and would be seen there", () => {
  for (const secret of Object.values(secrets)) {
    const buffer = Buffer.from(secret);
    for (const leak of [
      secret,
      `\\x${buffer.toString("hex")}`,
      `x${buffer.toString("base64")}`,
      buffer.toString("base64url"),
    ])
      expect(formsOf(secret).some(([, spelt]) => leak.includes(spelt))).toBe(true);
  }
});

/**
 * Puts a secret into every route, as nobody, as a user and as a program. Each of them has one place of it at a `turn`: by
 * five turns it has been in all.
 */
async function everywhere(
  secret: string,
  as: { cookie: string; bearer: string; initData: string },
  turn: number,
): Promise<void> {
  const inQuery = encodeURIComponent(secret);
  const callers: Record<string, string>[] = [
    {},
    { cookie: `auth_token=${as.cookie}` },
    { authorization: `tma ${as.initData}` },
    { authorization: `Bearer ${as.bearer}` },
    { cookie: `auth_token=${inQuery}` },
    { authorization: `Bearer ${secret}` },
    { authorization: `tma ${secret}` },
    { authorization: secret },
  ];
  const bodies: unknown[] = [
    ...[
      { [secret]: secret },
      { channel: secret },
      { init_data: secret },
      { init_data: as.initData, invite: `${secret}x` },
    ],
    ...[{ login: { hash: secret, [secret]: secret } }, { password: secret }, secret],
  ];
  const places = ["", `?channel=${inQuery}`, `?after=${inQuery}`, `?${inQuery}=${inQuery}`, `/${inQuery}`];
  for (const [index, route] of [...api.app.accessOf.keys()].entries()) {
    const [method = "", url = ""] = route.split(" ");
    // The board's routes look at none of these: one caller each at a time.
    const board = url.startsWith("/queues") && !EVERYWHERE;
    // A logout would end the login that the next request needs.
    const own = board ? callers.slice(turn, turn + 1) : url === "/api/logout" ? callers.slice(2) : callers;
    for (const [caller, headers] of own.entries()) {
      const place = (index + caller + turn) % places.length;
      for (const query of EVERYWHERE ? places : [places[place]]) {
        const body = bodies[answered.length % bodies.length];
        const payload = method === "POST" ? { payload: typeof body === "string" ? body : JSON.stringify(body) } : {};
        const answer = await api.inject({
          ...{ method: method as "GET", url: `${url}${query}`, ...payload },
          headers: {
            ...headers,
            "x-secret": secret,
            ...(method === "POST" ? { "content-type": "application/json" } : {}),
          },
        });
        answered.push(answer.body);
      }
    }
  }
}
