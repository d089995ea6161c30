import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { seedAccounts } from "../../cli/up/seed.ts";
import { type Config, loadConfig } from "../../config/load.ts";
import { listChannels } from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { listLeases } from "../../db/leases.ts";
import { countMessages } from "../../db/messages.ts";
import { runTotals } from "../../db/runs.ts";
import { countSchedules } from "../../db/schedules.ts";
import type { Emulator } from "../../emulator/start.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { startScheduler } from "../../scheduler/main.ts";
import { createVault } from "../../telegram/vault.ts";
import { startWorker } from "../../workers/main.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

const began = new Date();
const dir = mkdtempSync(join(tmpdir(), "gramfleet-worker-"));
let emulator: Emulator;
let home: TestDatabase;
let database: Database;
let config: Config;

beforeAll(async () => {
  emulator = await startTestEmulator({ users: 3, channels: 4 });
  home = await testDatabase();
  const redis = testRedis();
  const publicKey = join(dir, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  config = loadConfig({
    LOG_LEVEL: "silent",
    DATABASE_URL: home.url,
    REDIS_URL: redis.url,
    REDIS_PREFIX: redis.prefix,
    MASTER_API_IDS: emulator.apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map(({ apiHash }) => apiHash).join(","),
    SESSION_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 1).toString("base64")}`,
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    TELEGRAM_DC_PUBLIC_KEY: publicKey,
  });
  database = openDatabase({ url: home.url, poolSize: 2, fencedStatementMs: 5_000, log: silentLog });
  const vault = createVault(config.keyring);
  await seedAccounts({ database, vault, tenantId: "default", accounts: emulator.accounts, now: new Date() });
});
afterAll(async () => {
  await database.close();
  await home.drop();
  await emulator.close();
  rmSync(dir, { recursive: true, force: true });
});

it("parses everybody who is due over the real wire, and leaves nothing behind when it stops", async () => {
  const lifecycle = new Lifecycle(silentLog);
  const worker = await startWorker(config, lifecycle, silentLog);
  await startScheduler(config, lifecycle, silentLog);
  const totals = () => database.asWorker((tx) => runTotals(tx, began));
  try {
    await eventually(async () => (await totals()).parses >= 3, { timeoutMs: 60_000, what: "three parses" });
    const followed = new Set(emulator.accounts.flatMap((account) => account.follows));
    await eventually(
      async () => {
        const channels = await database.inTenant("default", (tx) => listChannels(tx));
        return channels.length === followed.size && channels.every((channel) => channel.missing === 0);
      },
      { timeoutMs: 60_000, what: "complete channels" },
    );
    const ready = await fetch(`http://127.0.0.1:${worker.port}/ready`);
    expect(ready.status).toBe(200);
    const metrics = await (await fetch(`http://127.0.0.1:${worker.port}/metrics`)).text();
    expect(metrics).toMatch(/^telegram_api_calls_total\{.*method="messages.getPeerDialogs".*\} [1-9]/m);
    expect(metrics).toMatch(/^jobs_finished_total\{name="parse-user",outcome="done"\} 3/m);
  } finally {
    await lifecycle.close();
  }
  expect((await totals()).failed).toBe(0);
  expect((await database.asWorker((tx) => countMessages(tx))).messages).toBeGreaterThan(0);
  expect(await database.asWorker((tx) => listLeases(tx))).toEqual([]);
  expect(await database.asWorker((tx) => countSchedules(tx, 1_000))).toMatchObject({ inFlight: 0 });
  expect(emulator.summary()).toMatchObject({ violations: 0, keysKilled: 0 });
});
