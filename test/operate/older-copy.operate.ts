import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { seedAccounts } from "../../cli/up/seed.ts";
import { loadConfig } from "../../config/load.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { databaseNow, makeDueUnlessParsedSince } from "../../db/overview.ts";
import { ensureSession } from "../../db/sessions.ts";
import { addUser } from "../../db/users.ts";
import type { Emulator } from "../../emulator/start.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { startScheduler } from "../../scheduler/main.ts";
import { redisMarks } from "../../telegram/installation/marks.ts";
import { guardInstallation } from "../../telegram/installation.ts";
import { createLeases } from "../../telegram/lease.ts";
import { createVault } from "../../telegram/vault.ts";
import { startWorker } from "../../workers/main.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { testRedis } from "../support/services.ts";
import { startCopiedPostgres } from "./support/copied-postgres.ts";
import { startPostgresPair } from "./support/postgres-pair.ts";

/*
 * A copy of PostgreSQL's data directory, started beside the living one: it has the same system identifier, and the same
 * rows. The fleet that works with it opens nothing; without the guard Telegram is seen to kill keys.
 */

/** So many times faster than in production: every second or two each user is parsed. */
const PACE = "600";
const USERS = 12;
const LOG = { ...{ fencedStatementMs: 5_000, poolSize: 4 }, log: silentLog };

let emulator: Emulator;
let postgres: Awaited<ReturnType<typeof startCopiedPostgres>>;
let folder: string;
let redis: ReturnType<typeof testRedis>;
const closing: (() => Promise<unknown>)[] = [];

// With the same Redis the copy's worker takes every second job, and can do nothing with it.
vi.setConfig({ testTimeout: 900_000 });
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gramfleet-older-"));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configOf(url: string, more: Record<string, string> = {}) {
  const publicKey = join(folder, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  return loadConfig({
    ...{
      LOG_LEVEL: "silent",
      DATABASE_URL: url,
      DATABASE_POOL_SIZE: "8",
      REDIS_URL: redis.url,
      REDIS_PREFIX: redis.prefix,
    },
    MASTER_API_IDS: emulator.apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map(({ apiHash }) => apiHash).join(","),
    SESSION_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 1).toString("base64")}`,
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    ...{ TELEGRAM_DC_PUBLIC_KEY: publicKey, EMULATOR_PACE: PACE, INSTALL_ID: "the-living-one", ...more },
  });
}

/** A scheduler and a worker on this database. */
async function startFleet(url: string, more: Record<string, string> = {}): Promise<Database> {
  const config = configOf(url, more);
  const lifecycle = new Lifecycle(silentLog);
  closing.push(() => lifecycle.close());
  await startWorker(config, lifecycle, silentLog);
  await startScheduler(config, lifecycle, silentLog);
  const database = openDatabase({ url, ...LOG });
  closing.push(() => database.close());
  return database;
}

async function parseEverybody(database: Database): Promise<void> {
  const since = await database.asWorker(databaseNow);
  await eventually(() => database.asWorker(async (tx) => (await makeDueUnlessParsedSince(tx, since)) === 0), {
    ...{ timeoutMs: 240_000, everyMs: 100, what: "a parse of everybody" },
  });
}

async function makeAllDue(database: Database): Promise<void> {
  const now = await database.asWorker(databaseNow);
  await database.asWorker((tx) => makeDueUnlessParsedSince(tx, now));
}

const runs = (database: Database) =>
  database.asOwner(async (tx) => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from runs`.execute(tx);
    return rows[0]?.count ?? 0;
  });
/** How far an installation has come, raised every ten seconds. */
const counted = async (database: Pick<Database, "once">) => {
  const { rows } = await database.once((tx) => sql<{ counter: bigint }>`select counter from installation`.execute(tx));
  return rows[0]?.counter ?? 0n;
};
const killed = () => emulator.witness.keysKilled().length;

describe("beside the living one", () => {
  let living: Database;

  async function begin(): Promise<{ start(): Promise<string> }> {
    redis = testRedis();
    emulator = await startTestEmulator({ users: USERS, channels: 3, pace: Number(PACE) });
    closing.push(() => emulator.close());
    postgres = await startCopiedPostgres();
    closing.push(() => postgres.close());
    const config = configOf(postgres.url);
    const seeding = openDatabase({ url: postgres.url, ...LOG });
    const { keyring } = config;
    const [vault, now] = [createVault(keyring), new Date()];
    await seedAccounts({ database: seeding, vault, tenantId: "default", accounts: emulator.accounts, now });
    await seeding.close();
    living = await startFleet(postgres.url);
    await parseEverybody(living);
    const copy = await postgres.copy();
    const at = await counted(living);
    // It gets older while the living one goes on: by a look at least, which is all that can be told from outside.
    await parseEverybody(living);
    await eventually(async () => (await counted(living)) > at, { what: "a look of the living one" });
    return copy;
  }

  /** The fleet that works with the copy, and what it came to while everybody was parsed twice on the living one. */
  async function opened(copy: { start(): Promise<string> }, more: Record<string, string>): Promise<number> {
    const database = await startFleet(await copy.start(), more);
    const before = await runs(database);
    for (let round = 0; round < 2; round += 1) await parseEverybody(living);
    return (await runs(database)) - before;
  }

  it("with the same Redis, which says how far the living one has come, nothing is opened", async () => {
    expect(await opened(await begin(), {})).toBe(0);
    expect(killed()).toBe(0);
  });

  it("with a Redis of its own, and another INSTALL_ID, nothing is opened", async () => {
    const copy = await begin();
    expect(await opened(copy, { REDIS_PREFIX: `${redis.prefix}-copy`, INSTALL_ID: "a-copy-of-it" })).toBe(0);
    expect(killed()).toBe(0);
  });

  it("without the guard Telegram is seen to kill keys", async () => {
    const copy = await begin();
    const more = { REDIS_PREFIX: `${redis.prefix}-copy`, INSTALL_ID: "a-copy-of-it", FAULTS_WITHOUT: "installation" };
    const copied = await startFleet(await copy.start(), more);
    // A parse takes milliseconds: everybody is due in both at the same moment, again and again, until two meet.
    const parseInBoth = async () => {
      await Promise.all([living, copied].map(makeAllDue));
      return killed() > 0;
    };
    await eventually(parseInBoth, { timeoutMs: 120_000, everyMs: 300, what: "a key that is killed" });
  });
});

describe("a failover to a standby", () => {
  it("does not stop a fleet: what took over is the same database, further", async () => {
    redis = testRedis();
    const pair = await startPostgresPair();
    closing.push(() => pair.close());
    const [primary, standby] = [
      openDatabase({ url: pair.primaryUrl, ...LOG }),
      openDatabase({ url: pair.replicaUrl, ...LOG }),
    ];
    closing.push(
      () => primary.close(),
      () => standby.close(),
    );
    const session = await primary.asWorker(async (tx) => {
      const who = { tenantId: "default", telegramId: 1n };
      const { user } = await addUser(tx, who);
      return (await ensureSession(tx, { ...who, userId: user.id, apiId: 1001, ownApi: false })).id;
    });
    /** Where the address leads by now. */
    let leads = primary;
    const database: Database = {
      ...primary,
      asWorker: (work) => leads.asWorker(work),
      once: (work) => leads.once(work),
      check: () => leads.check(),
    };
    const client = openRedis(redis.url, "limiter", silentLog);
    closing.push(async () => client.disconnect());
    const looking = {
      database,
      installId: null,
      marks: [redisMarks(client, redis.prefix)],
      everyMs: 100,
      log: silentLog,
    };
    const guard = guardInstallation(looking);
    closing.push(() => guard.close());
    await guard.looked;
    await eventually(async () => (await counted(primary)) > 3n);
    await pair.caughtUp();
    leads = standby;
    await pair.promote();
    await eventually(
      async () =>
        (await standby.once((tx) => sql<{ r: boolean }>`select pg_is_in_recovery() as r`.execute(tx))).rows[0]?.r ===
        false,
    );
    const at = await counted(standby);
    await eventually(async () => (await counted(standby)) > at + 2n);
    expect(guard.refused).toBeNull();
    const leases = createLeases({
      ...{ database, heartbeatUrl: pair.replicaUrl, clock: systemClock, holder: "test", installation: guard },
      ...{ times: { leaseMs: 600, heartbeatMs: 200, quietMs: 300 }, metrics: createMetrics(), log: silentLog },
    });
    closing.push(() => leases.close());
    const lease = await eventually(() => leases.acquire(session));
    expect(lease.isOpen()).toBe(true);
    // And whoever begins anew finds the same.
    const later = guardInstallation(looking);
    closing.push(() => later.close());
    await later.looked;
    expect([later.refused, later.condition() !== null]).toEqual([null, true]);
  });
});
