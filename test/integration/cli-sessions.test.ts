import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadConfig } from "../../config/load.ts";
import { openDatabase } from "../../db/client.ts";
import { listSessions, loadSealed } from "../../db/sessions.ts";
import type { Emulator } from "../../emulator/start.ts";
import { silentLog } from "../../runtime/log.ts";
import { createVault } from "../../telegram/vault.ts";
import { fileDataDir } from "../support/data-dir.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { gramfleet, jsonOf, prepareCommands, type Ran, startGramfleet } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";
import { contentOfPostgres, contentOfRedis, tracesOf } from "../support/traces.ts";

const WRONG_CODE = "80413";
const PLAIN = { id: 6_100_000_001n, phone: "9996617001", dcId: 1, code: "11111", password: null };
const ELSEWHERE = { id: 6_100_000_002n, phone: "9996627002", dcId: 2, code: "22222", password: null };
const CAREFUL = { id: 6_100_000_003n, phone: "9996637003", dcId: 3, code: "33333", password: "Korrektes Pferd 🐎" };
const PEOPLE = [PLAIN, ELSEWHERE, CAREFUL];

const dir = fileDataDir();
prepareCommands();
const redis = testRedis();
const keyring = randomBytes(32).toString("base64");
const said: string[] = [];
let emulator: Emulator;
let home: TestDatabase;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  emulator = await startTestEmulator({ users: 1, channels: 2 });
  for (const { code: _, ...person } of PEOPLE)
    emulator.world.addUser({ firstName: "Ada", username: null, premium: false, ...person });
  home = await testDatabase();
  const publicKey = join(dir, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  env = {
    LOG_LEVEL: "debug",
    DATABASE_URL: home.url,
    REDIS_URL: redis.url,
    REDIS_PREFIX: redis.prefix,
    MASTER_API_IDS: emulator.apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map(({ apiHash }) => apiHash).join(","),
    SESSION_ENCRYPTION_KEYS: `k1:${keyring}`,
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    TELEGRAM_DC_PUBLIC_KEY: publicKey,
  };
});
afterAll(async () => {
  await emulator.close();
  await home.drop();
});

const run = (...args: string[]) => ranBy(runHere, args);

async function ranBy(runs: typeof gramfleet, args: readonly string[]): Promise<Ran> {
  const ran = await runs([...args, "--verbose"], { env });
  said.push(ran.stdout, ran.stderr);
  return ran;
}

type Who = { readonly id: bigint; readonly phone: string };
const loginLine = ({ id, phone }: Who, ...more: string[]) => [
  ...["sessions", "login", String(id), "--phone", `+${phone}`, ...more, "--json"],
];
const login = (who: Who, ...more: string[]) => run(...loginLine(who, ...more));

/** The last line that a command said to its operator. */
const lastWords = (ran: Ran) => ran.stderr.trimEnd().split("\n").at(-1);

it("refuses what cannot be a login, in one line", async () => {
  const stranger = { id: PLAIN.id, phone: "9996618888" };
  const nowhere = { ...env, TELEGRAM_DC: "1@127.0.0.1:1,2@127.0.0.1:1" };
  const [noPhone, malformed, unknown, wrongCode, unreachable] = await Promise.all([
    run("sessions", "login", "5"),
    run("sessions", "login", "5", "--phone", "seven"),
    login({ id: 5n, phone: stranger.phone }, "--code", "11111"),
    login(CAREFUL, "--code", WRONG_CODE),
    runHere(["sessions", "login", "8", "--phone", PLAIN.phone], { env: nowhere }),
  ]);
  expect(noPhone).toMatchObject({ code: 2, stdout: "" });
  expect(lastWords(noPhone)).toBe('gramfleet: no terminal to ask "phone" on: give --phone');
  expect(unreachable).toMatchObject({ code: 1, stdout: "" });
  expect(unreachable.stderr).toMatch(
    /^gramfleet: Telegram cannot be reached \([^\n]+\): check the network, and [^\n]+\n$/,
  );
  expect(malformed).toMatchObject({ code: 2, stdout: "" });
  expect(lastWords(malformed)).toBe("gramfleet: the phone is no phone number");
  expect(unknown).toMatchObject({ code: 1, stdout: "" });
  expect(lastWords(unknown)).toBe("gramfleet: Telegram refused the login: PHONE_NUMBER_UNOCCUPIED");
  expect(wrongCode).toMatchObject({ code: 2, stdout: "" });
  expect(lastWords(wrongCode)).toMatch(
    /^gramfleet: no terminal to ask ".*PHONE_CODE_INVALID.*" on: give a good --code$/,
  );
});

it("logs in by code, on the account's own data center, and by password", async () => {
  const [plain, elsewhere, wrongPassword] = await Promise.all([
    login(PLAIN, "--code", PLAIN.code),
    login(ELSEWHERE, "--code", ELSEWHERE.code),
    login(CAREFUL, "--code", CAREFUL.code, "--password", "wrong horse"),
  ]);
  expect(plain, plain.stderr).toMatchObject({ code: 0 });
  expect(jsonOf(plain)).toMatchObject({ telegramId: String(PLAIN.id), state: "AUTHORIZED" });
  expect(elsewhere, elsewhere.stderr).toMatchObject({ code: 0 });
  expect(wrongPassword).toMatchObject({ code: 2, stdout: "" });
  expect(lastWords(wrongPassword)).toMatch(/PASSWORD_HASH_INVALID.*: give a good --password$/);

  const [careful, again, another] = await Promise.all([
    ranBy(gramfleet, loginLine(CAREFUL, "--code", CAREFUL.code, "--password", CAREFUL.password)),
    login(PLAIN, "--code", PLAIN.code),
    login({ id: 7n, phone: ELSEWHERE.phone }, "--code", ELSEWHERE.code),
  ]);
  expect(careful, careful.stderr).toMatchObject({ code: 0 });
  expect(again.code).toBe(1);
  expect(lastWords(again)).toBe(`gramfleet: ${PLAIN.id} is logged in already (gramfleet sessions list)`);
  expect(another.code).toBe(1);
  expect(lastWords(another)).toContain(`that phone is account ${ELSEWHERE.id}, not 7: it was logged out again`);

  const sessions = jsonOf<{ telegramId: string; state: string }[]>(await run("sessions", "list", "--json"));
  const states = new Map(sessions.map(({ telegramId, state }) => [BigInt(telegramId), state]));
  expect(states).toEqual(
    new Map([
      ...PEOPLE.map(({ id }) => [id, "AUTHORIZED"] as const),
      ...[5n, 7n, 8n].map((id) => [id, "ABSENT"] as const),
    ]),
  );
});

it("a keyring that did not seal the sessions starts no worker", async () => {
  const other = randomBytes(32).toString("base64");
  const ran = await gramfleet(["worker"], {
    env: { ...env, LOG_LEVEL: "info", SESSION_ENCRYPTION_KEYS: `k1:${other}` },
  });
  expect(ran).toMatchObject({ code: 1, stdout: "" });
  expect(ran.stderr).toMatch(
    /^gramfleet: SESSION_ENCRYPTION_KEYS does not open the sessions in this database: its key k1 is another one than the one that sealed them\n$/,
  );
  expect(ran.stderr).not.toContain(other);
});

it("works with the sessions, and leaves no trace of a secret anywhere", async () => {
  const alone = await run("parse", String(PLAIN.id), "--wait", "--timeout", "1", "--json");
  expect(alone.code).toBe(1);
  expect(jsonOf(alone)).toEqual([
    {
      telegramId: String(PLAIN.id),
      outcome: "not over, and nothing happened for 1 s: does a worker run? gramfleet health",
    },
  ]);
  const worker = startGramfleet(["worker"], { env });
  const scheduler = startGramfleet(["scheduler"], { env });
  const channel = [...emulator.world.channels.values()].find(({ username }) => username !== null)?.username ?? "";
  await Promise.all(PEOPLE.map(({ id }) => run("channels", "add", String(id), channel)));
  await Promise.all([worker.ready(), scheduler.ready()]);
  const parsed = await run("parse", ...PEOPLE.map(({ id }) => String(id)), "--wait", "--json");
  expect(jsonOf(parsed), parsed.stderr).toEqual(
    PEOPLE.map(({ id }) => ({
      telegramId: String(id),
      outcome: "done",
      run: expect.objectContaining({ channels: 1 }),
    })),
  );
  const inRedis = await contentOfRedis(redis.url, redis.prefix);
  for (const running of [worker, scheduler]) {
    running.signal("SIGTERM");
    const ran = await running.ended;
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: "" });
    said.push(ran.stderr);
  }
  const places = { "what was said": said.join("\n"), Redis: inRedis, PostgreSQL: await contentOfPostgres(home.url) };

  // The search is good for something: who was parsed is found everywhere.
  for (const text of Object.values(places)) expect(text).toContain("parse-");
  expect(places["what was said"]).toContain('"msg":"Telegram API call"');
  expect(places.PostgreSQL).toContain(channel);
  const sessions = await openedSessions();
  expect(sessions).toHaveLength(PEOPLE.length);
  const secrets: Record<string, Buffer | string> = { "keyring's key": Buffer.from(keyring, "base64") };
  for (const { telegramId, session } of sessions) {
    secrets[`session of ${telegramId}`] = session;
    secrets[`auth key of ${telegramId}`] = Buffer.from(session.slice(1), "base64").subarray(-256);
  }
  for (const { id, code } of PEOPLE) secrets[`login code of ${id}`] = code;
  secrets["wrong code"] = WRONG_CODE;
  secrets["two-step password"] = CAREFUL.password;
  for (const [index, { apiHash }] of emulator.apiIds.entries()) secrets[`API hash ${index}`] = apiHash;
  expect(tracesOf({ planted: channel }, places).length).toBeGreaterThan(0);
  expect(tracesOf(secrets, places)).toEqual([]);
});

it("logs a session out for good, by a worker", async () => {
  const id = String(PLAIN.id);
  const [unsure, nobody] = await Promise.all([
    run("sessions", "revoke", id),
    run("sessions", "revoke", id, "--yes", "--timeout", "1", "--json"),
  ]);
  expect(unsure).toMatchObject({ code: 2, stdout: "" });
  expect(lastWords(unsure)).toBe(`gramfleet: this logs ${id} out for good: say --yes to do it`);
  expect(nobody.code).toBe(1);
  expect(jsonOf(nobody)).toMatchObject({ telegramId: id, revoked: false, state: "AUTHORIZED" });
  const worker = startGramfleet(["worker"], { env });
  await worker.ready();
  const revoked = await run("sessions", "revoke", id, "--yes", "--json");
  expect(revoked, revoked.stderr).toMatchObject({ code: 0 });
  expect(jsonOf(revoked)).toMatchObject({ telegramId: id, revoked: true, state: "REVOKED" });
  worker.signal("SIGTERM");
  await worker.ended;
  expect((await openedSessions()).map(({ telegramId }) => telegramId)).not.toContain(PLAIN.id);
  expect(lastWords(await run("sessions", "revoke", id, "--yes"))).toBe(
    `gramfleet: ${id} has no session to revoke: it is REVOKED`,
  );
});

it("finalize ends the login of a process that was killed, once its lease has run out", async () => {
  const login = startGramfleet(["sessions", "qr-login", "new"], { env });
  await login.says(/tg:\/\/login\?token=/);
  login.signal("SIGKILL");
  await login.ended;
  // Whoever takes a lease over goes by times of its own. A busy machine may keep one from getting through.
  const fast = { ...env, TIMES_DIVISOR: "10" };
  const told: { ended: number; left: number }[] = [];
  await eventually(
    async () => {
      const ran = await runHere(["sessions", "finalize", "--json"], { env: fast });
      expect(ran, ran.stderr).toMatchObject({ code: 0 });
      told.push(jsonOf(ran));
      return told.at(-1)?.left === 0;
    },
    { timeoutMs: 50_000 },
  );
  expect(told.reduce((sum, { ended }) => sum + ended, 0)).toBe(1);
});

/** What is sealed in the database, opened: the sessions as GramJS has them. */
async function openedSessions(): Promise<{ telegramId: bigint; session: string }[]> {
  const database = openDatabase({ url: home.url, poolSize: 1, fencedStatementMs: 5_000, log: silentLog });
  const vault = createVault(loadConfig(env, ["keyring"]).keyring);
  try {
    const listed = await database.inTenant("default", (tx) => listSessions(tx));
    const open = listed.filter(({ state }) => state === "AUTHORIZED");
    return await Promise.all(
      open.map(async ({ id, telegramId, apiId }) => {
        const sealed = await database.asWorker((tx) => loadSealed(tx, id));
        if (!sealed) throw new Error(`session ${id} is not sealed`);
        return { telegramId, session: vault.open(sealed, { tenantId: "default", sessionId: id, telegramId, apiId }) };
      }),
    );
  } finally {
    await database.close();
  }
}
