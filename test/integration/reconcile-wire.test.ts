import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { seedAccounts } from "../../cli/up/seed.ts";
import { type Config, loadConfig } from "../../config/load.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { ledgerTotals } from "../../db/ledger-totals.ts";
import { auditRows } from "../../db/messages.ts";
import type { Emulator } from "../../emulator/start.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { startScheduler } from "../../scheduler/main.ts";
import { createVault } from "../../telegram/vault.ts";
import { startWorker } from "../../workers/main.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

const dir = mkdtempSync(join(tmpdir(), "gramfleet-reconcile-"));
let emulator: Emulator;
let home: TestDatabase;
let database: Database;
let config: Config;

beforeAll(async () => {
  emulator = await startTestEmulator({ users: 1, channels: 2 });
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
    // A second and a half, looked at every second.
    RECONCILE_EVERY_HOURS: "0.0004",
    TIMES_DIVISOR: "10",
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

it("finds by itself what no difference told, over the real wire", async () => {
  const [name] = emulator.accounts.flatMap(({ follows }) => follows);
  const channel = emulator.world.channelByUsername(name ?? "") ?? emulator.world.channels.get(BigInt(name ?? 0));
  if (!channel) throw new Error("nobody follows anything");
  const rows = async () => (await database.asWorker((tx) => auditRows(tx, channel.id))).filter((row) => !row.deleted);
  const totals = () => database.asWorker((tx) => ledgerTotals(tx, { historyDepthFree: config.historyDepthFree }));
  const lifecycle = new Lifecycle(silentLog);
  await startWorker(config, lifecycle, silentLog);
  await startScheduler(config, lifecycle, silentLog);
  try {
    const inDepth = Math.min(channel.messages.size, config.historyDepthFree);
    const read = async () => (await rows()).length >= inDepth && (await totals()).incomplete === 0;
    await eventually(read, { timeoutMs: 60_000, what: "the history, within every plan's depth" });
    const [edited, removed] = [...channel.messages.values()].filter(({ action }) => !action).slice(-2);
    if (!edited || !removed) throw new Error("an empty channel");
    // Behind the world's back: nothing gets a pts.
    channel.messages.set(edited.id, { ...edited, message: "edited unseen", editDate: edited.date + 90_000 });
    channel.messages.delete(removed.id);
    channel.deleted.add(removed.id);
    const found = async () => {
      const living = new Map((await rows()).map((row) => [row.id, row]));
      return !living.has(removed.id) && living.get(edited.id)?.text === "edited unseen";
    };
    await eventually(found, { timeoutMs: 60_000, what: "the edit and the deletion" });
  } finally {
    await lifecycle.close();
  }
  expect(await totals()).toMatchObject({ missing: 0, unverified: 0, incomplete: 0 });
  expect(emulator.summary()).toMatchObject({ violations: 0, keysKilled: 0 });
}, 120_000);
