import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { saveChannel, subscribe, unsubscribe } from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { taskStates } from "../../db/maintenance-tasks.ts";
import { storeHistory } from "../../db/messages.ts";
import { askRevocation } from "../../db/revocations.ts";
import { endRun } from "../../db/runs.ts";
import { tellNext } from "../../db/session-notices.ts";
import { loadSealed, loadSession, noteVisit, sessionEvents, setHold, transition } from "../../db/sessions.ts";
import { setPaused } from "../../db/users.ts";
import { silentLog } from "../../runtime/log.ts";
import { idleSessionsTask } from "../../scheduler/retention/idle-sessions.ts";
import { unfollowedChannelsTask } from "../../scheduler/retention/messages.ts";
import { oldRunsTask, oldSessionEventsTask } from "../../scheduler/retention/old-rows.ts";
import { revocationsTask } from "../../scheduler/retention/revocations.ts";
import type { RetentionTask } from "../../scheduler/retention/task.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { post } from "../support/posts.ts";
import { retaining } from "../support/retaining.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

const TENANT = "default";
const DAY_MS = 86_400_000;
let home: TestDatabase;
let database: Database;
beforeEach(async () => {
  home = await testDatabase();
  database = openDatabase({ url: home.url, poolSize: 4, fencedStatementMs: 1_000, log: silentLog });
});
afterEach(async () => {
  await database.close();
  await home.drop();
});

type Planted = Awaited<ReturnType<typeof plantUser>>;
const asOwner = (text: ReturnType<typeof sql>) => database.asOwner((tx) => text.execute(tx));
const unused = (of: Planted, days: number) =>
  asOwner(sql`
    update sessions set used_at = now() - ${days} * interval '1 day', state_changed_at = now() - interval '90 days'
    where id = ${of.sessionId}`);
const pause = ({ user }: Planted) => database.inTenant(TENANT, (tx) => setPaused(tx, user.telegramId, true));
const follow = ({ user }: Planted, name = "durov") =>
  database.inTenant(TENANT, (tx) => subscribe(tx, { tenantId: TENANT, userId: user.id, name }));
/** Those that are to be logged out. */
async function asked(): Promise<bigint[]> {
  const { rows } = await database.asWorker((tx) =>
    sql<{ id: bigint }>`select session_id as id from session_revocations order by 1`.execute(tx),
  );
  return rows.map(({ id }) => id);
}

describe("sessions that nothing uses", () => {
  it("are logged out after thirty days; not those that are to be read with, or in use elsewhere", async () => {
    const [paused, busy, stale, parked, followsNothing, fresh, frozen] = await Promise.all(
      [1n, 2n, 3n, 4n, 5n, 6n, 7n].map((id) => plantUser(database, id)),
    );
    const all = [paused, busy, stale, parked, followsNothing, fresh, frozen] as Planted[];
    for (const each of all) if (each !== followsNothing) await follow(each);
    await pause(paused as Planted);
    await pause(fresh as Planted);
    await database.asWorker((tx) => transition(tx, stale?.sessionId ?? 0n, { from: ["AUTHORIZED"], to: "STALE" }));
    await database.asWorker((tx) => setHold(tx, parked?.sessionId ?? 0n, "parked", true));
    await database.asWorker((tx) => setHold(tx, frozen?.sessionId ?? 0n, "frozen", true));
    for (const each of all) await unused(each, each === fresh ? 29 : 31);
    const work = retaining(database, [idleSessionsTask, revocationsTask]);
    // One clock alone may have been set forward.
    await asOwner(
      sql`update sessions set used_at = used_at + interval '5 days' where id = ${followsNothing?.sessionId}`,
    );
    await work.turn({ now: new Date(Date.now() + 400 * DAY_MS) });
    expect(await asked()).not.toContain(followsNothing?.sessionId);
    await unused(followsNothing as Planted, 31);
    await work.turn();
    const idle = [paused, stale, followsNothing, frozen].map((each) => each?.sessionId ?? 0n);
    idle.sort((one, other) => Number(one - other));
    expect(await asked()).toEqual(idle);
    const held = await database.asWorker((tx) => loadSession(tx, paused?.sessionId ?? 0n));
    expect(held).toMatchObject({ state: "AUTHORIZED", holds: ["revoking"] });
    // Their jobs, once nobody has enqueued them for some seconds; each once.
    await asOwner(sql`update session_revocations set asked_at = asked_at - interval '1 minute'`);
    await work.turn();
    await work.turn();
    expect(work.enqueued.map(({ name, data }) => [name, "sessionId" in data && BigInt(data.sessionId)])).toEqual(
      expect.arrayContaining(idle.map((id) => ["revoke-session", id])),
    );
    expect(work.enqueued).toHaveLength(idle.length);
  });

  it("are logged out a few a turn", async () => {
    for (let id = 1n; id <= 7n; id += 1n) await unused(await plantUser(database, id), 40);
    const work = retaining(database, [idleSessionsTask]);
    await work.turn({ idleBatch: 3 });
    expect(await asked()).toHaveLength(3);
    await work.turn({ idleBatch: 3 });
    expect(await asked()).toHaveLength(6);
  });

  it("are told of some days before, once, and kept where their person comes", async () => {
    const ada = await plantUser(database, 1n);
    await unused(ada, 28);
    const work = retaining(database, [idleSessionsTask]);
    await work.turn();
    await work.turn();
    const told: string[] = [];
    const tell = () => database.asWorker((tx) => tellNext(tx, TENANT, async ({ kind }) => void told.push(kind)));
    while (await tell());
    expect(told).toEqual(["idle_soon"]);
    await database.inTenant(TENANT, (tx) => noteVisit(tx, ada.user.id));
    await work.turn();
    expect(await asked()).toEqual([]);
    await unused(ada, 31);
    await work.turn();
    expect(await asked()).toEqual([ada.sessionId]);
    await database.asWorker((tx) =>
      transition(tx, ada.sessionId, { from: ["AUTHORIZED"], to: "REVOKED", reason: "idle" }),
    );
    while (await tell());
    expect(told).toEqual(["idle_soon", "idle"]);
    expect(await asked()).toEqual([]);
  });

  it("whose log-out has come to nothing for a week lose their key without", async () => {
    const ada = await plantUser(database, 1n);
    await database.inTenant(TENANT, (tx) => askRevocation(tx, ada.sessionId, "asked"));
    const work = retaining(database, [revocationsTask]);
    await asOwner(sql`update session_revocations set asked_at = now() - interval '6 days'`);
    await work.turn();
    expect(await database.asWorker((tx) => loadSealed(tx, ada.sessionId))).not.toBeNull();
    await asOwner(sql`update session_revocations set asked_at = now() - interval '8 days'`);
    await work.turn();
    expect(await database.asWorker((tx) => loadSealed(tx, ada.sessionId))).toBeNull();
    const session = await database.asWorker((tx) => loadSession(tx, ada.sessionId));
    expect(session).toMatchObject({ state: "REVOKED", reason: "asked, not logged out" });
  });
});

describe("what is old", () => {
  it("of runs is kept as sums of each day and plan, each run counted once, however small the batches", async () => {
    const ada = await plantUser(database, 1n);
    const run = {
      ...{ tenantId: TENANT, userId: ada.user.id, slot: new Date(), startedAt: new Date(), error: null },
      ...{ channels: 1, channelsChanged: 1, calls: 3, waits: 1, added: 5, edited: 2, deleted: 1 },
    };
    for (let index = 0; index < 25; index += 1)
      await database.asWorker((tx) =>
        endRun(
          tx,
          { ...run, plan: index % 2 ? "free" : "premium", outcome: index % 5 ? "done" : "failed" },
          new Date(),
        ),
      );
    // The oldest twenty, of two days.
    await asOwner(sql`
      update runs set finished_at = timestamptz '2020-01-01 12:00Z' + (id % 2) * interval '1 day'
      where id in (select id from runs order by id limit 20)`);
    const work = retaining(database, [oldRunsTask]);
    await Promise.all([work.turn({ batch: 7 }), work.turn({ batch: 7 })]);
    await work.turn({ batch: 7 });
    const { rows } = await database.asWorker((tx) =>
      sql`select plan, sum(done + failed)::int as runs, sum(failed)::int as failed, sum(calls)::int as calls,
        sum(messages_new)::int as added, count(*)::int as days from runs_daily group by plan order by plan`.execute(tx),
    );
    expect(rows).toEqual([
      { plan: "free", runs: 10, failed: 2, calls: 30, added: 50, days: 1 },
      { plan: "premium", runs: 10, failed: 2, calls: 30, added: 50, days: 1 },
    ]);
    const left = await database.asWorker((tx) => sql`select from runs`.execute(tx));
    expect(left.rows).toHaveLength(5);
  });

  it("of a session's history goes but for its newest line", async () => {
    const ada = await plantUser(database, 1n);
    await database.asWorker((tx) => transition(tx, ada.sessionId, { from: ["AUTHORIZED"], to: "STALE" }));
    await asOwner(sql`update session_events set at = now() - interval '40 days'`);
    const work = retaining(database, [oldSessionEventsTask]);
    await work.turn();
    const events = await database.asWorker((tx) => sessionEvents(tx, ada.sessionId));
    expect(events.map(({ toState }) => toState)).toEqual(["STALE"]);
    const { rows } = await database.asWorker((tx) =>
      sql`select from_state, to_state, events from session_events_daily`.execute(tx),
    );
    expect(rows).toEqual([{ from_state: "ABSENT", to_state: "AUTHORIZED", events: 1 }]);
  });
});

describe("channels that nobody follows", () => {
  async function channel(id: bigint, username: string | null, followers: readonly Planted[]): Promise<void> {
    await database.asWorker(async (tx) => {
      await saveChannel(tx, { id, username, title: "t", kind: "broadcast" });
      const messages = Array.from({ length: 30 }, (_, index) => post({ channelId: id, id: index + 1, text: "p" }));
      await storeHistory(tx, {
        ...{ channelId: id, ptsAtCall: null, newPts: 5, messages, covers: { from: 1, to: 30 } },
        ...{ topMessageId: 30, readAt: new Date() },
      });
    });
    for (const each of followers) {
      await follow(each, id.toString());
      await asOwner(
        sql`update subscriptions set channel_id = ${id} where user_id = ${each.user.id} and name = ${id.toString()}`,
      );
    }
  }
  const stored = async () => {
    const { rows } = await database.asWorker((tx) =>
      sql<{ id: bigint; messages: number }>`
        select c.id, (select count(*)::int from messages m where m.channel_id = c.id) as messages
        from channels c order by c.id`.execute(tx),
    );
    return rows.map(({ id, messages }) => [id, messages]);
  };

  it("go: private ones at once, public ones after a while, and what is followed again stays", async () => {
    const ada = await plantUser(database, 1n);
    await channel(101n, "public", [ada]);
    await channel(102n, null, [ada]);
    await channel(103n, "kept", [ada]);
    const work = retaining(database, [unfollowedChannelsTask]);
    await work.turn();
    for (const name of ["101", "102"])
      await database.inTenant(TENANT, (tx) => unsubscribe(tx, { userId: ada.user.id, name }));
    await work.turn({ batch: 7 });
    expect(await stored()).toEqual([
      [101n, 30],
      [103n, 30],
    ]);
    await asOwner(sql`update channels set unfollowed_since = now() - interval '31 days' where id = 101`);
    await follow(ada, "101");
    await asOwner(sql`update subscriptions set channel_id = 101 where name = '101'`);
    await work.turn();
    await database.inTenant(TENANT, (tx) => unsubscribe(tx, { userId: ada.user.id, name: "101" }));
    await work.turn();
    expect(await stored()).toHaveLength(2);
    await asOwner(sql`update channels set unfollowed_since = now() - interval '31 days' where id = 101`);
    await work.turn({ now: new Date(Date.now() - 20 * DAY_MS) });
    expect(await stored()).toHaveLength(2);
    await work.turn({ batch: 7 });
    expect(await stored()).toEqual([[103n, 30]]);
  });
});

it("what fails keeps nothing else from its turn, and says for how long it has failed", async () => {
  const failing: RetentionTask = {
    name: "old runs",
    everyMs: () => 0,
    batch: () => Promise.reject(new Error("no")),
  };
  const work = retaining(database, [failing, oldSessionEventsTask]);
  await expect(work.turn()).rejects.toThrow("no");
  const states = await database.asWorker(taskStates);
  expect(states.map(({ task, succeededAt }) => [task, succeededAt !== null])).toEqual([
    ["old runs", false],
    ["old session events", true],
  ]);
  expect(await work.metrics.registry.metrics()).toMatch(
    /retention_last_success_timestamp_seconds\{task="old session events"\} [1-9]/,
  );
});
