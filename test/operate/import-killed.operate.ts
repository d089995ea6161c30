import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { Faults } from "../../emulator/dc/faults.ts";
import type { Emulator } from "../../emulator/start.ts";
import { fileDataDir } from "../support/data-dir.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { jsonOf, prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";
import { telethonFile } from "../support/session-files.ts";

const EVE = 6_400_000_001n;
const dir = fileDataDir();
prepareCommands();
const redis = testRedis();
const faults: Faults = {};
let emulator: Emulator;
let home: TestDatabase;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  emulator = await startTestEmulator({ users: 1, channels: 1, faults });
  home = await testDatabase();
  const publicKey = join(dir, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  env = {
    MASTER_API_IDS: emulator.apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map(({ apiHash }) => apiHash).join(","),
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    TELEGRAM_DC_PUBLIC_KEY: publicKey,
    DATABASE_URL: home.url,
    REDIS_URL: redis.url,
    REDIS_PREFIX: redis.prefix,
    SESSION_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("base64")}`,
  };
});
afterAll(async () => {
  await home?.drop();
  await emulator?.close();
});

it("an import that is killed in its middle leaves the key logged in where it came from", async () => {
  const key = randomBytes(256);
  const apiId = emulator.apiIds[0]?.apiId ?? 0;
  emulator.world.addUser({
    ...{ id: EVE, phone: "9996627001", firstName: "Eve", username: null, premium: false, dcId: 2, password: null },
  });
  emulator.keys.plant({ key, dcId: 2, accountId: EVE, apiId });
  const path = join(dir, "eve.session");
  writeFileSync(path, await telethonFile({ dcId: 2, key, address: "127.0.0.1" }));
  let answer = (): void => {};
  const held = new Promise<undefined>((resolve) => {
    answer = () => resolve(undefined);
  });
  let asked = 0;
  faults.beforeAnswer = (_, { key: { accountId } }) => {
    if (accountId !== EVE) return undefined;
    asked += 1;
    return held;
  };
  onTestFinished(() => {
    answer();
    delete faults.beforeAnswer;
  });
  const words = ["sessions", "import", "--file", path, "--api-id", String(apiId), "--yes"];
  const running = startGramfleet(words, { env });
  await Promise.race([
    eventually(() => asked > 0, { timeoutMs: 60_000, what: "the first call" }),
    running.ended.then(({ stderr }) => Promise.reject(new Error(`it ended before its first call: ${stderr}`))),
  ]);
  running.signal("SIGKILL");
  await running.ended;
  answer();
  const before = emulator.witness.summary().connectionsTotal;
  // Whoever takes a lease over goes by times of its own.
  const fast = { ...env, TIMES_DIVISOR: "10" };
  const told: { ended: number; left: number }[] = [];
  await eventually(
    async () => {
      told.push(jsonOf(await runHere(["sessions", "finalize", "--json"], { env: fast })));
      return told.at(-1)?.left === 0;
    },
    { timeoutMs: 50_000 },
  );
  expect(told.reduce((sum, { ended }) => sum + ended, 0)).toBe(1);
  expect(emulator.witness.summary().connectionsTotal).toBe(before);
  const methods = emulator.witness.calls({ accountId: EVE }).map(({ method }) => method);
  expect(new Set(methods)).toEqual(new Set(["users.GetUsers"]));
  const taken = await runHere([...words, "--json"], { env });
  expect(jsonOf(taken), taken.stderr).toMatchObject({ telegramId: String(EVE), state: "AUTHORIZED" });
});
