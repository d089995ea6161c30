import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { createBackup } from "../../backup/create.ts";
import { restoreBackup } from "../../backup/restore.ts";
import { seedAccounts } from "../../cli/up/seed.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { parkedSessions, unpark } from "../../db/parked-sessions.ts";
import { sessionOfUser } from "../../db/sessions.ts";
import { findUser } from "../../db/users.ts";
import { APPLICATION_ROLE, postgresUrl } from "../../embedded/postgres.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { type Accounts, LeaseHeld, SessionUnusable } from "../../telegram/account.ts";
import { createFleet } from "../../telegram/fleet.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { createVault } from "../../telegram/vault.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { prepareFleet } from "../support/running-fleet.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

/*
 * Two installations with the same sessions beside each other: the second opens nothing, and Telegram kills no key. Without
 * what keeps it from that, it is seen to kill.
 */

const API = { apiId: 1001, apiHash: "a".repeat(32) };
const TIMES = {
  // As in production: nothing here is about a lease that ends, and a busy machine must not end one.
  ...{ leaseMs: 30_000, heartbeatMs: 10_000, quietMs: 15_000, connectDeadlineMs: 20_000, callDeadlineMs: 20_000 },
  ...{ pingEveryMs: 5_000, pingDisconnectMs: 12_000, closeWaitMs: 500, callsInFlightPerAccount: 2 },
};
const keyring = [{ id: "k1", key: randomBytes(32) }];
const vault = createVault(keyring);
const backupKey = randomBytes(32);
const folder = mkdtempSync(join(tmpdir(), "gramfleet-two-"));

let telegram: WireTelegram;
let people = 6_100_000_000n;
beforeAll(async () => {
  telegram = await startWireTelegram();
});
afterAll(async () => {
  await telegram?.close();
  rmSync(folder, { recursive: true, force: true });
});

let ended: (() => Promise<unknown>)[] = [];
beforeEach(() => async () => {
  for (const end of ended.reverse()) await end();
  ended = [];
});

interface Installation {
  readonly database: Database;
  readonly accounts: Accounts;
  close(): Promise<void>;
}

/** A process of an installation that works with this database. */
async function open(
  url: string,
  options: { prefix?: string; without?: ReadonlySet<"installation"> } = {},
): Promise<Installation> {
  const lifecycle = new Lifecycle(silentLog);
  const database = lifecycle.own(
    "database",
    openDatabase({ url, poolSize: 6, fencedStatementMs: 5_000, log: silentLog }),
    (opened) => opened.close(),
  );
  const redis = testRedis();
  const { accounts } = await createFleet(
    {
      ...{ database, keyring, connect, dataCenters: telegram.dataCenters },
      heartbeatUrl: url,
      redis: () => openRedis(redis.url, "limiter"),
      redisPrefix: options.prefix ?? redis.prefix,
      apiIds: { masters: [API], backup: null, callsPerSecond: 1_000 },
      flood: { inlineMaxSeconds: 2, sleepThreshold: 120, scope: "account" },
      limits: TIMES,
      installation: { id: null, markDir: null, everyMs: 500 },
      ...{ metrics: createMetrics(), clock: systemClock, log: silentLog, without: options.without },
    },
    lifecycle,
  );
  const close = () => lifecycle.close();
  ended.push(close);
  return { database, accounts, close };
}

async function newDatabase(): Promise<TestDatabase> {
  const place = await testDatabase();
  ended.push(() => place.drop());
  return place;
}

/** Somebody who is logged in, in this database. */
async function seed(database: Database): Promise<bigint> {
  people += 1n;
  const telegramId = people;
  const phone = `99966${telegramId % 10_000_000n}`;
  telegram.world.addUser({
    id: telegramId,
    phone,
    firstName: "Ada",
    username: null,
    dcId: 2,
    premium: false,
    password: null,
  });
  const session = await telegram.planted(telegramId);
  const accounts = [{ telegramId, apiId: API.apiId, session, follows: [] }];
  await seedAccounts({ database, vault, tenantId: "default", accounts, now: new Date() });
  return telegramId;
}

const sessionOf = async ({ database }: Pick<Installation, "database">, telegramId: bigint): Promise<bigint> =>
  database.inTenant("default", async (tx) => {
    const user = await findUser(tx, telegramId);
    const session = user && (await sessionOfUser(tx, user.id));
    if (!session) throw new Error("no session");
    return session.id;
  });

/** The living one has the session open while the other one opens it; then both call. */
async function openBoth(living: Installation, other: Installation, telegramId: bigint): Promise<void> {
  const [mine, theirs] = [await sessionOf(living, telegramId), await sessionOf(other, telegramId)];
  await living.accounts.open(mine, (account) =>
    other.accounts.open(theirs, async (second) => {
      await second.api.getMe();
      await account.api.getMe();
    }),
  );
}

const killed = () => telegram.witness.keysKilled().length;

test("restored from an archive beside a living one: nothing is opened; unparked too early it is seen to kill", async () => {
  const [from, to] = [await newDatabase(), await newDatabase()];
  const [living, other] = [await open(from.url), await open(to.url)];
  const telegramId = await seed(living.database);
  const file = join(folder, "living.gfbackup");
  await createBackup({ database: living.database, backupKey, file, only: null, now: new Date() });
  await restoreBackup({
    ...{ database: other.database, file, backupKey, vault, only: null },
    ...{ parked: true, force: false, dryRun: false },
  });
  const before = killed();
  await expect(openBoth(living, other, telegramId)).rejects.toThrow(SessionUnusable);
  expect(killed()).toBe(before);
  const mine = await sessionOf(living, telegramId);
  expect((await living.accounts.open(mine, ({ api }) => api.getMe())).id).toBe(telegramId);

  await other.database.asWorker(async (tx) => unpark(tx, await parkedSessions(tx)));
  await expect(openBoth(living, other, telegramId)).rejects.toThrow();
  expect(killed()).toBe(before + 1);
});

test("cloned beside a living one: nothing is opened; without the guard it is seen to kill", async () => {
  const place = await newDatabase();
  const first = await open(place.url);
  const telegramId = await seed(first.database);
  await first.accounts.open(await sessionOf(first, telegramId), ({ api }) => api.getMe());
  await first.close();
  const name = `${place.name}_clone`;
  const admin = new Client({ connectionString: postgresUrl(inject("postgresSocket"), "postgres", "postgres") });
  await admin.connect();
  ended.push(async () => {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
  await admin.query(`create database ${name} template ${place.name} owner ${APPLICATION_ROLE}`);
  const url = postgresUrl(inject("postgresSocket"), name);

  const [living, clone] = [await open(place.url), await open(url)];
  const before = killed();
  await expect(openBoth(living, clone, telegramId)).rejects.toThrow(LeaseHeld);
  expect(killed()).toBe(before);

  const unguarded = await open(url, { without: new Set(["installation"]) });
  await expect(openBoth(living, unguarded, telegramId)).rejects.toThrow();
  expect(killed()).toBe(before + 1);
});

test("backed up on one database and restored into another, everything reads again", async () => {
  const emulator = await startTestEmulator({ users: 2, channels: 2 });
  ended.push(() => emulator.close());
  const [old, anew] = [await prepareFleet(emulator, { workers: 1 }), await prepareFleet(emulator, { workers: 1 })];
  ended.push(
    () => old.close(),
    () => anew.close(),
  );
  await old.seed(emulator.accounts);
  await old.start();
  await old.parseEverybody();
  await old.complete();
  const file = join(folder, "read-again.gfbackup");
  const made = await createBackup({ database: old.database, backupKey, file, only: null, now: new Date() });
  expect(made.sessions).toBe(2);
  await old.stop();

  await restoreBackup({
    ...{ database: anew.database, file, backupKey, vault: createVault(anew.config.keyring), only: null },
    ...{ parked: true, force: false, dryRun: false },
  });
  await anew.database.asWorker(async (tx) => unpark(tx, await parkedSessions(tx)));
  await anew.start();
  await anew.parseEverybody();
  await anew.complete();
  const read = ({ database }: { database: Database }) =>
    database.asOwner(async (tx) => {
      const { rows } = await sql`select channel_id, id, text, date from messages order by channel_id, id`.execute(tx);
      return rows;
    });
  expect((await read(anew)).length).toBeGreaterThan(50);
  expect(await read(anew)).toEqual(await read(old));
});
