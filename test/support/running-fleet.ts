import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PlantedAccount, seedAccounts } from "../../cli/up/seed.ts";
import { loadConfig } from "../../config/load.ts";
import { openDatabase } from "../../db/client.ts";
import { ledgerTotals } from "../../db/ledger-totals.ts";
import { databaseNow, makeDueUnlessParsedSince } from "../../db/overview.ts";
import type { Emulator } from "../../emulator/start.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { startScheduler } from "../../scheduler/main.ts";
import { createVault } from "../../telegram/vault.ts";
import { startWorker } from "../../workers/main.ts";
import { eventually } from "./eventually.ts";
import { testDatabase, testRedis } from "./services.ts";

const TENANT = "default";

/**
 * A scheduler and workers as they run in production, on a database of their own, against an emulated Telegram. The
 * workers share nothing but PostgreSQL and Redis, as processes do. Nothing runs before `start`. Close it.
 */
export async function prepareFleet(
  emulator: Emulator,
  options: {
    workers: number;
    env?: Record<string, string>;
    /** What the fleet's processes reach the database by, where that is not its own URL. */
    databaseUrls?: (url: string) => Record<string, string>;
  },
) {
  const dir = mkdtempSync(join(tmpdir(), "gramfleet-fleet-"));
  const publicKey = join(dir, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  const home = await testDatabase();
  const redis = testRedis();
  const config = loadConfig({
    LOG_LEVEL: "silent",
    DATABASE_URL: home.url,
    DATABASE_POOL_SIZE: "8",
    REDIS_URL: redis.url,
    REDIS_PREFIX: redis.prefix,
    MASTER_API_IDS: emulator.apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map(({ apiHash }) => apiHash).join(","),
    API_CALLS_PER_SECOND: "10000",
    SESSION_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 1).toString("base64")}`,
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    TELEGRAM_DC_PUBLIC_KEY: publicKey,
    ...options.env,
    ...options.databaseUrls?.(home.url),
  });
  const database = openDatabase({ url: home.url, poolSize: 4, fencedStatementMs: 5_000, log: silentLog });
  let running: Lifecycle | null = null;
  const stop = async () => {
    await running?.close();
    running = null;
  };

  return {
    config,
    database,
    databaseUrl: home.url,
    /** Makes users of these people, every other one premium, who are due at once. */
    seed: (accounts: readonly PlantedAccount[]) =>
      seedAccounts({
        database,
        vault: createVault(config.keyring),
        tenantId: TENANT,
        accounts,
        now: new Date(),
      }),
    async start() {
      running = new Lifecycle(silentLog);
      for (let worker = 0; worker < options.workers; worker += 1) await startWorker(config, running, silentLog);
      await startScheduler(config, running, silentLog);
    },
    stop,
    /** Has every user parsed whose run did not begin yet when this was called. */
    async parseEverybody(timeoutMs = 180_000) {
      const since = await database.asWorker(databaseNow);
      await eventually(() => database.asWorker(async (tx) => (await makeDueUnlessParsedSince(tx, since)) === 0), {
        timeoutMs,
        everyMs: 50,
        what: "a parse of everybody",
      });
    },
    /** Waits until nothing is missing or unverified within the plans' reach. */
    async complete(timeoutMs = 180_000) {
      await eventually(
        async () => {
          const { incomplete } = await database.asWorker((tx) => ledgerTotals(tx, config));
          return incomplete === 0;
        },
        { timeoutMs, everyMs: 50, what: "a complete ledger" },
      );
    },
    async close() {
      await stop();
      await database.close();
      await home.drop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export type RunningFleet = Awaited<ReturnType<typeof prepareFleet>>;
