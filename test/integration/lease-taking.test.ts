import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../db/client.ts";
import { type Database, LeaseGone } from "../../db/database.ts";
import { listLeases } from "../../db/leases.ts";
import { readTimeline } from "../../db/server.ts";
import { ensureSession } from "../../db/sessions.ts";
import { addUser } from "../../db/users.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { LeaseLost } from "../../telegram/errors.ts";
import { createLeases, type Leases, type LeaseTimes } from "../../telegram/lease.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

/** The real numbers divided by fifty. */
const TIMES = { leaseMs: 600, heartbeatMs: 200, quietMs: 300 };

let place: TestDatabase;
let database: Database;
const open: Leases[] = [];
let users = 0n;
let metrics = createMetrics();

beforeAll(async () => {
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 8, fencedStatementMs: 200, log: silentLog });
});
afterEach(async () => {
  metrics = createMetrics();
  await Promise.all(open.splice(0).map((leases) => leases.close()));
});
afterAll(async () => {
  await database?.close();
  await place?.drop();
});

/** One process's leases. Without a heartbeat it is a process that was killed, or frozen. */
function process(
  holder: string,
  options: { beats?: boolean; times?: LeaseTimes; database?: Database; url?: string } = {},
): Leases {
  const times = options.beats === false ? { ...TIMES, heartbeatMs: 60_000 } : (options.times ?? TIMES);
  const leases = createLeases({
    database: options.database ?? database,
    heartbeatUrl: options.url ?? place.url,
    times,
    clock: systemClock,
    holder,
    metrics,
    log: silentLog,
  });
  open.push(leases);
  return leases;
}

async function session(): Promise<bigint> {
  users += 1n;
  return database.asWorker(async (tx) => {
    const { user } = await addUser(tx, { tenantId: "default", telegramId: users });
    const made = await ensureSession(tx, {
      tenantId: "default",
      userId: user.id,
      telegramId: users,
      apiId: 1001,
      ownApi: false,
    });
    return made.id;
  });
}

describe("exclusion", () => {
  test("of many that ask at once, in two processes, one gets it", async () => {
    const id = await session();
    const [one, two] = [process("one"), process("two")];
    const asked = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? one : two).acquire(id)));
    expect(asked.filter((lease) => lease !== null)).toHaveLength(1);
    expect(one.size + two.size).toBe(1);
  });

  test("released, it is free for the next at once", async () => {
    const id = await session();
    const [one, two] = [process("one"), process("two")];
    const lease = await one.acquire(id);
    expect(await two.acquire(id)).toBeNull();
    await lease?.release();
    expect(lease?.isOpen()).toBe(false);
    expect(await two.acquire(id)).not.toBeNull();
  });

  test("a holder that beats keeps it, however long another watches", async () => {
    const id = await session();
    const lease = await process("one").acquire(id);
    const two = process("two");
    const until = performance.now() + 2 * (TIMES.leaseMs + TIMES.quietMs);
    await eventually(
      async () => {
        expect(await two.acquire(id)).toBeNull();
        return performance.now() > until;
      },
      { everyMs: 50 },
    );
    expect(lease?.isOpen()).toBe(true);
  });
});

describe("a holder that vanished", () => {
  test("loses its gate before anybody may follow, and is followed by one who watched", async () => {
    const id = await session();
    const dead = await process("dead", { beats: false }).acquire(id);
    const takenAt = performance.now();
    const two = process("two");
    const heir = await eventually(() => two.acquire(id), { timeoutMs: 60_000 });
    const waited = performance.now() - takenAt;
    expect(waited).toBeGreaterThan(TIMES.leaseMs + TIMES.quietMs);
    expect(dead?.isOpen()).toBe(false);
    expect(dead?.signal.aborted).toBe(true);
    expect(dead?.signal.reason).toBeInstanceOf(LeaseLost);
    expect(heir.isOpen()).toBe(true);
  });

  test("a process that has only just come does not take over what others watched long ago", async () => {
    const id = await session();
    const dead = await process("dead", { beats: false }).acquire(id);
    await eventually(() => dead?.isOpen() === false);
    const fresh = process("fresh");
    expect(await fresh.acquire(id)).toBeNull();
  });

  test("without the watch it would be followed while its gate is still open", async () => {
    const id = await session();
    const alive = await process("alive").acquire(id);
    const hasty = process("hasty", { times: { leaseMs: 1, heartbeatMs: 20, quietMs: 0 } });
    await eventually(() => hasty.acquire(id));
    expect(alive?.isOpen()).toBe(true);
  });

  test("its late release does not take the lease from its heir", async () => {
    const id = await session();
    const dead = await process("dead", { beats: false }).acquire(id);
    const two = process("two");
    const heir = await eventually(() => two.acquire(id));
    await dead?.release();
    const rows = await database.asWorker(listLeases);
    expect(rows.find((row) => row.sessionId === id)?.token).toBe(heir.ref.token);
  });

  test("its transactions fail once the lease is another's", async () => {
    const id = await session();
    const dead = await process("dead", { beats: false }).acquire(id);
    const two = process("two");
    await eventually(() => two.acquire(id));
    await expect(database.underLease(dead!.ref, async () => "written")).rejects.toThrow(LeaseGone);
  });
});

describe("trouble with PostgreSQL", () => {
  test("a lease whose row is gone is lost at the next beat", async () => {
    const id = await session();
    const lease = await process("one").acquire(id);
    await database.asOwner((tx) => tx.deleteFrom("leases").where("session_id", "=", id).execute());
    await eventually(() => lease?.signal.aborted);
    expect(lease?.isOpen()).toBe(false);
  });

  test("a heartbeat that reaches nobody: the gate closes by itself, in time", async () => {
    const id = await session();
    const lease = await process("one", { url: "postgresql://127.0.0.1:1/nowhere" }).acquire(id);
    const takenAt = performance.now();
    await eventually(() => lease?.signal.aborted);
    expect(performance.now() - takenAt).toBeLessThan(TIMES.leaseMs + 200);
  });

  test("a release that PostgreSQL did not take is made up for later", async () => {
    const id = await session();
    let away = false;
    const flaky: Database = {
      ...database,
      once: (work) => (away ? Promise.reject(new Error("PostgreSQL is away")) : database.once(work)),
    };
    const lease = await process("one", { database: flaky }).acquire(id);
    away = true;
    await lease?.release();
    expect(await database.asWorker(listLeases)).toContainEqual(expect.objectContaining({ sessionId: id }));
    away = false;
    const two = process("two");
    await eventually(() => two.acquire(id), { timeoutMs: 60_000 });
  });

  test("cut off from PostgreSQL, a release ends all the same, and the account goes to another", async () => {
    const id = await session();
    let cutOff = false;
    const silent: Database = {
      ...database,
      once: (work) => (cutOff ? new Promise(() => {}) : database.once(work)),
    };
    const lease = await process("one", { database: silent }).acquire(id);
    cutOff = true;
    await lease?.release();
    const two = process("two");
    await eventually(() => two.acquire(id), { timeoutMs: 60_000 });
  });

  test("a release that hangs delays no heartbeat", async () => {
    const [stuck, id] = [await session(), await session()];
    let answer: "well" | "no" | "never" = "well";
    const ill: Database = {
      ...database,
      once(work) {
        if (answer === "no") return Promise.reject(new Error("PostgreSQL is away"));
        return answer === "never" ? new Promise(() => {}) : database.once(work);
      },
    };
    const one = process("one", { database: ill });
    const released = await one.acquire(stuck);
    const lease = await one.acquire(id);
    answer = "no";
    await released?.release();
    answer = "never";
    const beats = async () => (await database.asWorker(listLeases)).find((row) => row.sessionId === id)?.beat ?? 0n;
    await eventually(async () => (await beats()) >= BigInt((2 * TIMES.leaseMs) / TIMES.heartbeatMs));
    expect(lease?.isOpen()).toBe(true);
  });

  test("it tells its timeline to a role without privileges", async () => {
    expect(await database.asWorker(readTimeline)).toMatch(/^[0-9A-F]{8}$/);
  });
});
