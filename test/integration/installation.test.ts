import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { adoptInstallation, beginRetiring, loadInstallation, lookAround } from "../../db/installation.ts";
import { ensureSession } from "../../db/sessions.ts";
import { addUser } from "../../db/users.ts";
import { APPLICATION_ROLE, postgresUrl } from "../../embedded/postgres.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { folderMarks, type MarkStore, redisMarks } from "../../telegram/installation/marks.ts";
import { guardInstallation, type InstallationGuard } from "../../telegram/installation.ts";
import { createLeases, type Leases } from "../../telegram/lease.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

const EVERY_MS = 40;
const TELLS = { system: true, timeline: true };

let redis: Redis;
let place: TestDatabase;
let database: Database;
let prefix: string;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(() => {
  redis = openRedis(testRedis().url, "limiter", silentLog);
});
beforeEach(async () => {
  prefix = testRedis().prefix;
  place = await testDatabase();
  database = open(place.url);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await place.drop();
});
afterAll(() => redis.disconnect());

function open(url: string): Database {
  const opened = openDatabase({ url, poolSize: 4, fencedStatementMs: 1_000, log: silentLog });
  closing.push(() => opened.close());
  return opened;
}

/** A process's guard, and its leases. */
function process(options: { database?: Database; url?: string; installId?: string; marks?: MarkStore[] } = {}) {
  const guard = guardInstallation({
    database: options.database ?? database,
    installId: options.installId ?? null,
    marks: options.marks ?? [redisMarks(redis, prefix)],
    everyMs: EVERY_MS,
    log: silentLog,
  });
  const leases = leasesOf(guard, options);
  closing.push(() => guard.close());
  return { guard, leases };
}

function leasesOf(
  installation: InstallationGuard | undefined,
  options: { database?: Database; url?: string; holder?: string } = {},
): Leases {
  const leases = createLeases({
    database: options.database ?? database,
    heartbeatUrl: options.url ?? place.url,
    times: { leaseMs: 3_000, heartbeatMs: 100, quietMs: 1_000 },
    clock: systemClock,
    holder: "test",
    metrics: createMetrics(),
    log: silentLog,
    installation,
  });
  closing.push(() => leases.close());
  return leases;
}

let people = 0n;
async function session(of = database): Promise<bigint> {
  people += 1n;
  const who = { tenantId: "default", telegramId: people };
  return of.asWorker(async (tx) => {
    const { user } = await addUser(tx, who);
    return (await ensureSession(tx, { ...who, userId: user.id, apiId: 1001, ownApi: false })).id;
  });
}

async function superuser(statement: string): Promise<void> {
  const admin = new Client({ connectionString: postgresUrl(inject("postgresSocket"), "postgres", "postgres") });
  await admin.connect();
  await admin.query(statement).finally(() => admin.end());
}

/** What `create database … template` makes of the one there is; nobody is connected to it. */
async function cloned(): Promise<string> {
  const name = `${place.name}_copy`;
  await superuser(`create database ${name} template ${place.name} owner ${APPLICATION_ROLE}`);
  closing.unshift(() => superuser(`drop database ${name} with (force)`));
  return postgresUrl(inject("postgresSocket"), name);
}

const adopt = (of: Database, installId: string | null = null) =>
  of.asOwner(async (tx) => adoptInstallation(tx, (await lookAround(tx, TELLS)).here, installId));

/** The database as it was so many raises ago. */
const putBack = (raises: number) =>
  superuserIn(place.url, `update installation set counter = counter - ${raises}, nonce = gen_random_uuid()`);

async function superuserIn(url: string, statement: string): Promise<void> {
  const at = new URL(url);
  at.username = "postgres";
  const admin = new Client({ connectionString: at.href });
  await admin.connect();
  await admin.query(statement).finally(() => admin.end());
}

const refusedAs = (guard: InstallationGuard, reason: string | null) => eventually(() => guard.refused === reason);

describe("a database that is ours", () => {
  test("begins with the first process, and goes on with every other one", async () => {
    const [one, two] = [process(), process()];
    const lease = await one.leases.acquire(await session());
    expect(lease).not.toBeNull();
    await lease?.release();
    expect(await two.leases.acquire(await session())).not.toBeNull();
    expect([one.guard.refused, two.guard.refused]).toEqual([null, null]);
  });

  test("is ours after FLUSHALL, and with marks that are away", async () => {
    const { guard, leases } = process();
    await guard.looked;
    await redis.del(await keys());
    expect(await leases.acquire(await session())).not.toBeNull();
    await eventually(async () => (await keys()).length === 1);
    const away: MarkStore = { read: () => Promise.reject(new Error("away")), replace: async () => true };
    const blind = process({ marks: [away] });
    // Seen by nobody yet: no lease before the first look has come out.
    expect(await blind.leases.acquire(await session())).toBeNull();
  });

  const keys = () => redis.keys(`{${prefix}}:installation:*`);
});

describe("a copy within the cluster", () => {
  test("opens nothing until it is adopted, and is another one then; without the guard it would", async () => {
    const first = process();
    await first.guard.looked;
    const id = await session();
    for (const close of closing.splice(0).reverse()) await close();

    const url = await cloned();
    const copy = open(url);
    const unguarded = leasesOf(undefined, { database: copy, url });
    const taken = await unguarded.acquire(id);
    expect(taken).not.toBeNull();
    await taken?.release();

    const { guard, leases } = process({ database: copy, url });
    expect(await leases.acquire(id)).toBeNull();
    await refusedAs(guard, "other_database");
    await adopt(copy);
    await refusedAs(guard, null);
    expect(await leases.acquire(id)).not.toBeNull();
  });

  test("is noticed by whom its name leads there, with the statement that takes the lease, and with the next heartbeat", async () => {
    const first = process();
    await first.guard.looked;
    const id = await session();
    for (const close of closing.splice(0).reverse()) await close();
    const url = await cloned();
    const [here, there] = [open(place.url), open(url)];
    // Looks here, and is led there: as when an address begins to mean another server.
    const guard = guardInstallation({
      ...{ database: here, installId: null, marks: [], everyMs: 60_000, log: silentLog },
    });
    closing.push(() => guard.close());
    await guard.looked;
    expect(await leasesOf(guard, { database: there, url }).acquire(id)).toBeNull();
    const moved = leasesOf(guard, { database: here, url });
    const lease = await moved.acquire(id);
    expect(lease?.isOpen()).toBe(true);
    await superuserIn(url, `insert into leases select ${id}, '${lease?.ref.token}', 0, 'copied', now()`);
    await eventually(() => lease?.isOpen() === false);
  });
});

describe("an older copy of the same", () => {
  test("is told from it by the mark in Redis, and by one in a folder where Redis forgets", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gramfleet-marks-"));
    closing.push(async () => rmSync(folder, { recursive: true }));
    for (const marks of [[redisMarks(redis, prefix)], [folderMarks(folder)]]) {
      const living = process({ marks });
      await living.guard.looked;
      await living.guard.close();
      await putBack(1);
      const started = process({ marks });
      expect(await started.leases.acquire(await session())).toBeNull();
      await refusedAs(started.guard, "gone_back");
      // Waiting changes nothing: what is refused is not raised.
      const counter = async () => (await database.once(loadInstallation))?.counter;
      const before = await counter();
      await started.guard.close();
      const again = process({ marks });
      await refusedAs(again.guard, "gone_back");
      expect(await counter()).toBe(before);
      await again.guard.close();
      const unmarked = process({ marks: [] });
      expect(await unmarked.leases.acquire(await session())).not.toBeNull();
      await unmarked.guard.close();
      await adopt(database);
    }
  });

  test("is noticed by a process that has seen more of it", async () => {
    const { guard, leases } = process({ marks: [] });
    await guard.looked;
    await putBack(100);
    expect(await leases.acquire(await session())).toBeNull();
    await refusedAs(guard, "gone_back");
  });

  test("of two that go on from one point, with one Redis, one goes on", async () => {
    const first = process();
    await first.guard.looked;
    await first.guard.close();
    const living = process();
    await living.guard.looked;
    await living.guard.close();
    // The copy has gone on as far, by itself.
    await putBack(0);
    const { guard } = process();
    await refusedAs(guard, "went_another_way");
  });
});

test("one that is retired gives no lease any more, and takes those that are held", async () => {
  const { guard, leases } = process();
  const [held, other] = [await leases.acquire(await session()), await session()];
  expect(held?.isOpen()).toBe(true);
  await database.asOwner(beginRetiring);
  expect(await leases.acquire(other)).toBeNull();
  await eventually(() => held?.isOpen() === false);
  await refusedAs(guard, "retired");
});

test("a server that tells neither its identifier nor its timeline: what can be read is compared", async () => {
  for (const name of ["pg_control_system()", "pg_current_wal_lsn()"])
    await superuserIn(place.url, `revoke execute on function ${name} from public`);
  const { guard, leases } = process();
  expect(await leases.acquire(await session())).not.toBeNull();
  const row = await database.once(loadInstallation);
  expect(row?.systemIdentifier).toBeNull();
  await guard.close();
  await putBack(1);
  const older = process();
  expect(await older.leases.acquire(await session())).toBeNull();
  await refusedAs(older.guard, "gone_back");
  await older.guard.close();
  // Moved to a server that tells it is another one.
  for (const name of ["pg_control_system()", "pg_current_wal_lsn()"])
    await superuserIn(place.url, `grant execute on function ${name} to public`);
  await refusedAs(process({ marks: [] }).guard, "other_cluster");
});

test("a database with the name of an installation is opened by none that has another", async () => {
  const ours = process({ installId: "installation-a" });
  await ours.guard.looked;
  const other = process({ installId: "installation-b", marks: [] });
  await refusedAs(other.guard, "other_install");
  expect(await other.leases.acquire(await session())).toBeNull();
  expect(ours.guard.refused).toBeNull();
});
