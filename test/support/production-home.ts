import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_TENANT } from "../../cli/context.ts";
import { seedAccounts } from "../../cli/up/seed.ts";
import { loadConfig } from "../../config/load.ts";
import { openDatabase } from "../../db/client.ts";
import { openCommitWitness } from "../../faults/commit-witness.ts";
import { startEmulated, type WorldSize, witnessOf } from "../../faults/emulated.ts";
import type { Judged } from "../../faults/judge.ts";
import { ownProducer } from "../../queue/open.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { createVault } from "../../telegram/vault.ts";
import { testDatabase, testRedis } from "./services.ts";

/** What processes in production are given, and what is asked about them. */
export interface ProductionHome extends Judged {
  /** A folder that goes with it. */
  readonly dir: string;
  /** For processes under NODE_ENV=production: everything they need is set, and nothing shortened but plans' intervals. */
  readonly env: NodeJS.ProcessEnv;
}

/** A database, Redis and an emulated Telegram whose people are users, due at once. `lifecycle` ends it. */
export async function openProductionHome(
  lifecycle: Lifecycle,
  size: WorldSize & { pace: number },
): Promise<ProductionHome> {
  const dir = lifecycle.own("folder", mkdtempSync(join(tmpdir(), "gf-")), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const emulator = lifecycle.own("emulator", await startEmulated(size, 1), (started) => started.close());
  const place = lifecycle.own("database", await testDatabase(), (made) => made.drop());
  const redis = testRedis();
  const publicKey = join(dir, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    TZ: "UTC",
    NODE_ENV: "production",
    DATABASE_URL: place.url,
    DATABASE_POOL_SIZE: "8",
    REDIS_URL: redis.url,
    REDIS_PREFIX: redis.prefix,
    MASTER_API_IDS: emulator.apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map(({ apiHash }) => apiHash).join(","),
    SESSION_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 1).toString("base64")}`,
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    TELEGRAM_DC_PUBLIC_KEY: publicKey,
    EMULATOR_PACE: String(size.pace),
    ...(size.bot && emulator.botApi
      ? { BOT_TOKEN: size.bot.token, BOT_API_ROOT: emulator.botApi.root, AUTH_BASE_URL: "https://login.example.com" }
      : {}),
  };
  const config = loadConfig(env, ["database", "redis", "api-ids", "keyring"]);
  const database = lifecycle.own(
    "PostgreSQL",
    openDatabase({
      ...{ url: place.url, poolSize: 4, log: silentLog },
      fencedStatementMs: config.limits.fencedStatementMs,
    }),
    (opened) => opened.close(),
  );
  const commits = lifecycle.own("commit witness", await openCommitWitness(place.url), (opened) => opened.close());
  await seedAccounts({
    database,
    vault: createVault(config.keyring),
    tenantId: DEFAULT_TENANT,
    accounts: emulator.accounts,
    now: new Date(),
  });
  const { producer } = await ownProducer(lifecycle, config, silentLog);
  return { dir, env, config, database, producer, emulator, commits, telegram: witnessOf(emulator) };
}
