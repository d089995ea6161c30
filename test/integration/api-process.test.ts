import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { redeemInvite } from "../../db/invites.ts";
import { listSessions } from "../../db/sessions.ts";
import { silentLog } from "../../runtime/log.ts";
import { testDataDir } from "../support/data-dir.ts";
import { eventually } from "../support/eventually.ts";
import { plantReader } from "../support/following.ts";
import { gramfleet, jsonOf, prepareCommands, type Ran, startGramfleet } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";
import { startWireTelegram } from "../support/wire-telegram.ts";

const POST = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" } as const;

/** The api as a process, and the commands that make what it is called with. */
prepareCommands();
let test: TestDatabase;
let database: Database;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
  const { url, prefix } = testRedis();
  env = { DATABASE_URL: test.url, REDIS_URL: url, REDIS_PREFIX: prefix, API_PORT: "0" };
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const run = (...args: string[]): Promise<Ran> => runHere(args, { env });
const ok = async <T>(...args: string[]): Promise<T> => {
  const ran = await run(...args, "--json");
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  return jsonOf<T>(ran);
};
const failing = (ran: Ran, code: number, line: RegExp) => {
  expect(ran).toMatchObject({ code, stdout: "" });
  expect(ran.stderr).toMatch(/^gramfleet: [^\n]+\n$/);
  expect(ran.stderr).toMatch(line);
};

it("listens where it is told, beside its metrics, and ends when asked", async () => {
  const api = startGramfleet(["api"], { env });
  await api.ready();
  const started = JSON.parse(/^.*"api started".*$/m.exec(api.stderr())?.[0] ?? "{}") as {
    port: number;
    address: string;
  };
  expect(started.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const status = async (url: string, headers: Record<string, string> = {}) => (await fetch(url, { headers })).status;
  expect(await status(`${started.address}/docs`)).toBe(200);
  expect(await status(`${started.address}/api/me`)).toBe(401);
  for (const path of ["/live", "/ready", "/metrics", "/status"]) {
    expect(await status(`http://127.0.0.1:${started.port}${path}`)).toBe(200);
    expect(await status(`${started.address}${path}`)).toBe(404);
  }
  const taken = await gramfleet(["api"], { env: { ...env, API_PORT: new URL(started.address).port } });
  expect(taken.code).toBe(1);
  expect(taken.stderr).toMatch(/^gramfleet: the api cannot listen on 127\.0\.0\.1:\d+: [^\n]+\n$/m);

  // A token counts from when it is made until it is revoked; a program is no person.
  const { id, token } = await ok<{ id: string; token: string }>("tokens", "create", "nightly export");
  const bearer = { authorization: `Bearer ${token}` };
  expect(await status(`${started.address}/api/me`, bearer)).toBe(403);
  const qr = `${started.address}/api/qr`;
  const begin = () => fetch(`${qr}/start`, { ...POST, headers: { ...POST.headers, ...bearer } });
  expect((await begin()).status).toBe(503);
  await ok("tokens", "revoke", id);
  expect(await status(`${started.address}/api/me`, bearer)).toBe(401);
  api.signal("SIGTERM");
  const ended = await api.ended;
  expect(ended.code).toBe(0);
  expect(ended.stdout + ended.stderr).not.toContain(token);
});

it("logs people in by QR code, and leaves nobody half logged in when it ends", async () => {
  await using telegram = Object.assign(await startWireTelegram(), {
    async [Symbol.asyncDispose]() {
      await telegram.close();
    },
  });
  const publicKey = join(testDataDir(), "dc.pem");
  writeFileSync(publicKey, telegram.dataCenters.publicKeyPem);
  const api = startGramfleet(["api"], {
    env: {
      ...env,
      MASTER_API_IDS: "1001",
      MASTER_API_HASHES: "a".repeat(32),
      SESSION_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 1).toString("base64")}`,
      TELEGRAM_DC: telegram.dataCenters.addresses.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
      TELEGRAM_DC_PUBLIC_KEY: publicKey,
    },
  });
  await api.ready();
  const address = /"address":"([^"]+)"/.exec(api.stderr())?.[1];
  const { token } = await ok<{ token: string }>("tokens", "create", "shop");
  const headers = { ...POST.headers, authorization: `Bearer ${token}` };
  const { sha256: terms } = (await (await fetch(`${address}/api/terms`)).json()) as { sha256: string };
  const body = JSON.stringify({ terms });
  const begin = async () =>
    (await (await fetch(`${address}/api/qr/start`, { ...POST, headers, body })).json()) as {
      ticket: string;
      link: string;
    };
  const { ticket, link } = await begin();
  const ada = 6_400_000_001n;
  const known = { firstName: "Ada", username: null, dcId: 2, premium: false, password: null };
  telegram.world.addUser({ id: ada, phone: "9996629001", ...known });
  telegram.scan(link, ada);
  await eventually(
    async () => {
      const answer = await fetch(`${address}/api/qr/status?ticket=${ticket}`, { headers });
      return ((await answer.json()) as { state: string }).state === "AUTHORIZED";
    },
    { everyMs: 100, what: "the login" },
  );
  const metrics = await (await fetch(`http://127.0.0.1:${/"port":(\d+)/.exec(api.stderr())?.[1]}/metrics`)).text();
  expect(metrics).toContain('session_state_transitions_total{from="PENDING_QR",to="AUTHORIZED"} 1');
  expect(metrics).toContain("qr_auth_start_total 1");
  const abandoned = await begin();
  api.signal("SIGTERM");
  expect(await api.ended).toMatchObject({ code: 0 });
  expect(telegram.keys.ofAccount(ada)).toHaveLength(1);
  expect(() => telegram.scan(abandoned.link, ada)).toThrow();
  const sessions = await database.inTenant("default", (tx) => listSessions(tx));
  expect(sessions.map(({ telegramId, state }) => [telegramId, state])).toEqual([[ada, "AUTHORIZED"]]);
});

it("lists tokens without showing them, and refuses what is not there", async () => {
  const { token } = await ok<{ token: string }>("tokens", "create", "shown once");
  expect(token).toMatch(/^gf_[\w-]{43}$/);
  const listed = await run("tokens", "list", "--json");
  expect(jsonOf<object[]>(listed).at(-1)).toMatchObject({ name: "shown once", lastUsedAt: null, revokedAt: null });
  expect(listed.stdout).not.toContain(token);
  failing(await run("tokens", "revoke", "999999"), 1, /no token 999999/);
  failing(await run("tokens", "revoke", "x"), 2, /whole number/);
  failing(await run("tokens", "create", ""), 2, /1 to 100 characters/);
  failing(await run("tokens", "create", "a", "--tenant-id", "nobody"), 1, /no tenant "nobody"/);
});

it("makes invites, of codes that are given out too, and takes them back", async () => {
  const made = await ok<{ id: string; code: string; maxUses: number; expiresAt: string }>(
    ...[
      "invites",
      "create",
      "--plan",
      "trial",
      "--days",
      "7",
      "--uses",
      "3",
      "--expires-in-days",
      "2",
      "--note",
      "fair",
    ],
  );
  expect(made).toMatchObject({ code: expect.stringMatching(/^[A-Z2-7]{16}$/), plan: "trial", days: 7, maxUses: 3 });
  const given = await ok<{ id: string; code: string }>("invites", "create", "--code", "3HBP4Z3ECICZ");
  expect(given.code).toBe("3HBP4Z3ECICZ");
  failing(await run("invites", "create", "--code", "3HBP4Z3ECICZ"), 1, /already/);
  failing(await run("invites", "create", "--code", "a b c d e f"), 2, /none of them a space/);
  const listed = await run("invites", "list", "--json");
  expect(jsonOf<object[]>(listed)).toMatchObject([
    { note: "fair", plan: "trial", uses: 0 },
    { plan: "premium", days: 30, maxUses: 1, uses: 0 },
  ]);
  for (const { code } of [made, given]) expect(listed.stdout).not.toContain(code);
  const userId = await plantReader(database, 970n);
  const redeem = (code: string) =>
    database.inTenant("default", (tx) => redeemInvite(tx, { tenantId: "default", userId }, code));
  expect(await redeem("3HBP4Z3ECICZ")).toEqual({ refused: null });
  await ok("invites", "revoke", made.id);
  expect(await redeem(made.code)).toEqual({ refused: "revoked" });
  failing(await run("invites", "revoke", made.code), 1, /no such invite/);
  await ok("invites", "revoke", "3HBP4Z3ECICZ");
});
