import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Emulator } from "../../emulator/start.ts";
import { fileDataDir } from "../support/data-dir.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { jsonOf, prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { runHere, startHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

const PASSWORD = "Korrektes Pferd 🐎";
const ADA = { id: 6_300_000_001n, phone: "9996618001", dcId: 1, password: null };
const BOB = { id: 6_300_000_002n, phone: "9996628002", dcId: 2, password: PASSWORD };
const EVE = { id: 6_300_000_003n, phone: "9996618003", dcId: 1, password: null };

const dir = fileDataDir();
prepareCommands();
const redis = testRedis();
let emulator: Emulator;
let home: TestDatabase;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  emulator = await startTestEmulator({ users: 1, channels: 2 });
  for (const person of [ADA, BOB, EVE])
    emulator.world.addUser({ firstName: "Ada", username: null, premium: false, ...person });
  home = await testDatabase();
  const publicKey = join(dir, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  env = {
    DATABASE_URL: home.url,
    REDIS_URL: redis.url,
    REDIS_PREFIX: redis.prefix,
    MASTER_API_IDS: emulator.apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map(({ apiHash }) => apiHash).join(","),
    SESSION_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("base64")}`,
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    TELEGRAM_DC_PUBLIC_KEY: publicKey,
  };
});
afterAll(async () => {
  await home?.drop();
  await emulator?.close();
});

const LINK = /^tg:\/\/login\?token=[\w-]+$/m;
const start = (...args: string[]) => startGramfleet(["sessions", "login", ...args, "--qr"], { env });
const begin = (...args: string[]) => startHere(["sessions", "login", ...args, "--qr"], { env });
async function linkOf(running: ReturnType<typeof begin>): Promise<string> {
  await running.says(LINK);
  return LINK.exec(running.stderr())![0];
}

it("draws a code, and makes a user of whoever scans it", async () => {
  const running = start("new", "--json");
  const link = await linkOf(running);
  expect(running.stderr()).toMatch(/[█▀▄ ]{30}/);
  emulator.scan(link, ADA.id);
  const ran = await running.ended;
  expect(ran).toMatchObject({ code: 0 });
  expect(jsonOf(ran)).toMatchObject({ telegramId: String(ADA.id), state: "AUTHORIZED" });
  const listed = await runHere(["sessions", "list", "--json"], { env });
  expect(jsonOf(listed)).toMatchObject([{ telegramId: String(ADA.id), state: "AUTHORIZED", appId: `user_${ADA.id}` }]);
});

it("takes the two-step password", async () => {
  const running = begin(String(BOB.id), "--password", PASSWORD);
  emulator.scan(await linkOf(running), BOB.id);
  expect(await running.ended).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${BOB.id} (Ada) is logged in`),
  });
});

it("fails where another account scans, in one line, and logs it out", async () => {
  const running = begin(String(EVE.id));
  const before = emulator.keys.ofAccount(BOB.id).length;
  const link = await linkOf(running);
  emulator.world.addUser({
    ...EVE,
    id: 6_300_000_004n,
    phone: "9996618004",
    firstName: "M",
    username: null,
    premium: false,
  });
  emulator.scan(link, 6_300_000_004n);
  const ran = await running.ended;
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain(`account 6300000004 has logged in, not ${EVE.id}`);
  expect(emulator.keys.ofAccount(6_300_000_004n)).toEqual([]);
  expect(emulator.keys.ofAccount(BOB.id)).toHaveLength(before);
});

it("leaves nothing behind at Ctrl-C", async () => {
  const running = start("new");
  const link = await linkOf(running);
  running.signal("SIGINT");
  await running.ended;
  expect(() => emulator.scan(link, EVE.id)).toThrow("AUTH_TOKEN_INVALIDX");
  await eventually(() => emulator.witness.connectionsOpen() === 0);
});

it("wants no phone beside the code", async () => {
  const ran = await runHere(["sessions", "login", "new", "--qr", "--phone", "123456"], { env });
  expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining("leave --phone and --code out") });
  const nobody = await runHere(["sessions", "login", "new", "--phone", "123456"], { env });
  expect(nobody).toMatchObject({ code: 2, stderr: expect.stringContaining("no telegram_id") });
});
