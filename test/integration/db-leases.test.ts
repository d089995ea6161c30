import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import { type Database, LeaseGone, type WorkerTx } from "../../db/database.ts";
import { deleteLease, insertLease, listLeases, openHeartbeat, takeOverLease } from "../../db/leases.ts";
import { endRun, lastRuns, type Run } from "../../db/runs.ts";
import { readTimeline } from "../../db/server.ts";
import { loadSession } from "../../db/sessions.ts";
import { silentLog } from "../../runtime/log.ts";
import { sleep } from "../../runtime/sleep.ts";
import { eventually } from "../support/eventually.ts";
import { newToken, plantUser } from "../support/fleet-rows.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 4, fencedStatementMs: 400, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});

let nextUser = 0n;
const leased = async () => {
  nextUser += 1n;
  const { sessionId } = await plantUser(database, nextUser);
  const lease = { sessionId, token: newToken() };
  expect(await database.asWorker((tx) => insertLease(tx, { ...lease, holder: "a" }))).toBe(true);
  return lease;
};
const rowOf = async (sessionId: bigint) =>
  (await database.asWorker(listLeases)).find((row) => row.sessionId === sessionId);
const lockWaits = async (tx: WorkerTx) => {
  const waiting = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(tx);
  return waiting.rows.length > 0;
};
const runOf = (userId: bigint): Run => ({
  ...{
    tenantId: "default",
    userId,
    slot: new Date(),
    startedAt: new Date(),
    plan: "free",
    outcome: "done",
    error: null,
  },
  ...{ channels: 3, channelsChanged: 1, calls: 4, waits: 0, added: 5, edited: 1, deleted: 0 },
});
/** A promise and its resolve. */
const gate = () => {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
};

describe("leases", () => {
  it("has one holder, who alone releases it", async () => {
    const lease = await leased();
    const other = { sessionId: lease.sessionId, token: newToken() };
    expect(await database.asWorker((tx) => insertLease(tx, { ...other, holder: "b" }))).toBe(false);
    expect(await database.asWorker((tx) => deleteLease(tx, other))).toBe(false);
    expect(await database.asWorker((tx) => deleteLease(tx, lease))).toBe(true);
    expect(await database.asWorker((tx) => insertLease(tx, { ...other, holder: "b" }))).toBe(true);
  });

  it("is not taken on another timeline than the one known", async () => {
    nextUser += 1n;
    const { sessionId } = await plantUser(database, nextUser);
    const take = (timeline: string) =>
      database.once((tx) => insertLease(tx, { sessionId, token: newToken(), holder: "a" }, timeline));
    const timeline = await database.once(readTimeline);
    expect(await take("0000FFFF")).toBe(false);
    expect(await rowOf(sessionId)).toBeUndefined();
    expect(await take(timeline)).toBe(true);
    expect(await take(timeline)).toBe(false);
  });

  it("is taken over only while it stands as it was watched", async () => {
    const lease = await leased();
    const heartbeat = await openHeartbeat({ url: test.url, timeoutMs: 2_000 });
    const watched = await rowOf(lease.sessionId);
    if (!watched) throw new Error("no lease");
    expect(await heartbeat.beat([lease])).toEqual([lease]);
    const to = { token: newToken(), holder: "b" };
    expect(await database.asWorker((tx) => takeOverLease(tx, watched, to))).toBe(false);
    expect(await database.asWorker((tx) => takeOverLease(tx, { ...watched, beat: watched.beat + 1n }, to))).toBe(true);
    expect(await heartbeat.beat([lease])).toEqual([]);
    expect(await rowOf(lease.sessionId)).toMatchObject({ token: to.token, holder: "b", beat: 0n });
    await expect(database.underLease(lease, async () => "written")).rejects.toThrow(LeaseGone);
    expect(await database.underLease({ ...lease, token: to.token }, async () => "written")).toBe("written");
    await heartbeat.close();
  });

  it("lets heartbeats pass a fenced transaction, and makes a taker wait for its end", async () => {
    const lease = await leased();
    const heartbeat = await openHeartbeat({ url: test.url, timeoutMs: 2_000 });
    const [inside, finishing] = [gate(), gate()];
    const order: string[] = [];
    const fenced = database.underLease(lease, async () => {
      inside.open();
      await finishing.opened;
      order.push("fenced");
    });
    await inside.opened;
    expect(await heartbeat.beat([lease])).toEqual([lease]);
    const watched = await rowOf(lease.sessionId);
    if (!watched) throw new Error("no lease");
    const taken = database.asWorker(async (tx) => {
      const result = await takeOverLease(tx, watched, { token: newToken(), holder: "b" });
      order.push("taken");
      return result;
    });
    await eventually(() => database.once(lockWaits), { what: "a taker that waits for a lock" });
    finishing.open();
    await fenced;
    expect(await taken).toBe(true);
    expect(order).toEqual(["fenced", "taken"]);
    await heartbeat.close();
  });

  it.each([
    ["fenced, a run's end waits for the taker and comes to nothing", true],
    ["without the fence it is written although another has taken over", false],
  ])("%s", async (_, fenced) => {
    const options = { url: test.url, poolSize: 2, fencedStatementMs: 400, log: silentLog };
    const own = openDatabase({ ...options, fenced });
    const lease = await leased();
    const userId = (await database.once((tx) => loadSession(tx, lease.sessionId)))!.userId;
    const write = () => own.onceUnderLease(lease, (tx, held) => endRun(tx, runOf(userId), new Date(), held));
    await write();
    expect(await database.asWorker((tx) => lastRuns(tx, userId, 9))).toHaveLength(1);

    const watched = (await rowOf(lease.sessionId))!;
    const [inside, finishing] = [gate(), gate()];
    const taken = database.asWorker(async (tx) => {
      await takeOverLease(tx, watched, { token: newToken(), holder: "b" });
      inside.open();
      await finishing.opened;
    });
    await inside.opened;
    const written = write().then(
      () => "written",
      (error: unknown) => error,
    );
    if (fenced) await eventually(() => database.once(lockWaits), { what: "a run's end that waits for a lock" });
    else await written;
    finishing.open();
    await taken;
    expect(await written).toEqual(fenced ? expect.any(LeaseGone) : "written");
    expect(await database.asWorker((tx) => lastRuns(tx, userId, 9))).toHaveLength(fenced ? 1 : 2);
    await own.close();
  });

  it("ends a fenced statement before a taker may come", async () => {
    const lease = await leased();
    await expect(database.underLease(lease, (tx) => sql`select pg_sleep(5)`.execute(tx))).rejects.toThrow(/timeout/);
    const timeout = sql<{ ms: string }>`select current_setting('statement_timeout') as ms`;
    expect((await database.asWorker((tx) => timeout.execute(tx))).rows[0]?.ms).toBe("0");
  });

  it("ends a fenced transaction whose process stands still: no taker waits for it for ever", async () => {
    const lease = await leased();
    const [inside, thawed] = [gate(), gate()];
    const frozen = database.underLease(lease, async (tx) => {
      inside.open();
      await thawed.opened;
      await sql`select 1`.execute(tx);
    });
    const ended = expect(frozen).rejects.toThrow();
    await inside.opened;
    const watched = await rowOf(lease.sessionId);
    if (!watched) throw new Error("no lease");
    const taken = database.asWorker((tx) => takeOverLease(tx, watched, { token: newToken(), holder: "b" }));
    expect(await Promise.race([taken, sleep(4_000)])).toBe(true);
    thawed.open();
    await ended;
  });

  it("goes on beating after its connection broke", async () => {
    const lease = await leased();
    const heartbeat = await openHeartbeat({ url: test.url, timeoutMs: 2_000 });
    await database.once((tx) =>
      sql`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'gramfleet-heartbeat' and datname = current_database()`.execute(tx),
    );
    const beats = [];
    for (let attempt = 0; attempt < 3 && beats.length === 0; attempt += 1) {
      beats.push(...(await heartbeat.beat([lease]).catch(() => [])));
    }
    expect(beats).toEqual([lease]);
    await heartbeat.close();
    await expect(heartbeat.beat([lease])).rejects.toThrow(/closed/);
  });

  it("beats many in one statement", async () => {
    const leases = await Promise.all([leased(), leased(), leased()]);
    const foreign = { sessionId: leases[0]?.sessionId ?? 0n, token: newToken() };
    const heartbeat = await openHeartbeat({ url: test.url, timeoutMs: 2_000 });
    const ours = await heartbeat.beat([...leases, foreign].reverse());
    expect(ours.map((lease) => lease.token).sort()).toEqual(leases.map((lease) => lease.token).sort());
    await heartbeat.close();
  });
});
