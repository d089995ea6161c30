import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setMessagesKept } from "../../db/kept-messages.ts";
import { channelLedgers } from "../../db/ledger.ts";
import { Snooze } from "../../queue/outcome.ts";
import { oldMessagesTask } from "../../scheduler/retention/messages.ts";
import { FakeChannel, FakeTelegram } from "../support/fake-telegram.ts";
import { startParsing, TENANT, type TestUser } from "../support/parsing.ts";
import { retaining } from "../support/retaining.ts";

const DAY_MS = 86_400_000;
let parsing: Awaited<ReturnType<typeof startParsing>>;
let work: ReturnType<typeof retaining>;
beforeAll(async () => {
  parsing = await startParsing();
  work = retaining(parsing.database, [oldMessagesTask]);
  await parsing.database.asOwner((tx) => sql`insert into tenants (id, name) values ('other', 'Other')`.execute(tx));
});
afterAll(() => parsing.close());

let number = 7_000n;
const next = () => {
  number += 1n;
  return number;
};

/** A channel with a post a day for as many days: the post of id 1 is the oldest. */
function daily(days: number): FakeChannel {
  const id = next();
  const channel = new FakeChannel(id, `channel_${id}`);
  channel.post(days);
  for (const [postId, message] of channel.messages) {
    const date = new Date(Date.now() - (days - postId + 0.5) * DAY_MS);
    channel.messages.set(postId, { ...message, date });
  }
  return channel;
}
/** One more, of today. */
function postToday(channel: FakeChannel): void {
  channel.post();
  const message = channel.messages.get(channel.topId);
  if (message) channel.messages.set(channel.topId, { ...message, date: new Date() });
}
async function follow(channel: FakeChannel): Promise<TestUser> {
  const user = await parsing.addUser(next(), new FakeTelegram([channel]), [channel.username]);
  await parsing.parse(user);
  return user;
}
async function drain(user: TestUser, channel: FakeChannel): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    try {
      return void (await parsing.backfill(user, channel.id));
    } catch (error) {
      if (!(error instanceof Snooze)) throw error;
    }
  }
  throw new Error("never ends");
}
/** Somebody of the other tenant follows it, too; what they have themselves is no matter here. */
async function followElsewhere(channel: FakeChannel): Promise<void> {
  await parsing.database.asOwner(async (tx) => {
    const { rows } = await sql<{ id: bigint }>`
      insert into users (tenant_id, telegram_id) values ('other', ${next()}) returning id`.execute(tx);
    await sql`insert into subscriptions (tenant_id, user_id, name, channel_id, state)
      values ('other', ${rows[0]?.id}, ${channel.username}, ${channel.id}, 'active')`.execute(tx);
  });
}
const unfollowElsewhere = (channel: FakeChannel) =>
  parsing.database.asOwner((tx) =>
    sql`delete from subscriptions where tenant_id = 'other' and channel_id = ${channel.id}`.execute(tx),
  );
const policy = (tenant: string, days: number | null) =>
  parsing.database.asOwner((tx) => setMessagesKept(tx, tenant, days));
const ids = async (channel: FakeChannel) => (await parsing.rows(channel.id)).map(({ id }) => id);
const upTo = (top: number, from = 1) => Array.from({ length: top - from + 1 }, (_, index) => from + index);
const ledger = async (channel: FakeChannel) =>
  (await parsing.database.once((tx) => channelLedgers(tx, { channelIds: [channel.id] })))[0];
/** What else is kept of messages: versions, marks, notes. */
const traces = async ({ id }: FakeChannel) => {
  const { rows } = await parsing.database.asWorker((tx) =>
    sql<{ id: number }>`
      select message_id as id from message_versions where channel_id = ${id}
      union all select message_id from message_tombstones where channel_id = ${id}
      union all select message_id from skipped_messages where channel_id = ${id} order by 1`.execute(tx),
  );
  return rows.map((row) => row.id);
};

describe("a channel's messages", () => {
  it("are kept as long as the longest policy of the tenants that subscribed says", async () => {
    const channel = daily(60);
    const user = await follow(channel);
    await drain(user, channel);
    await followElsewhere(channel);
    await policy(TENANT, 10);
    await policy("other", null);
    await work.turn();
    expect(await ids(channel)).toEqual(upTo(60));
    await policy("other", 30);
    await work.turn({ batch: 7 });
    expect(await ids(channel)).toEqual(upTo(60, 31));
    await unfollowElsewhere(channel);
    await work.turn();
    expect(await ids(channel)).toEqual(upTo(60, 51));
    expect(await work.metrics.registry.metrics()).toMatch(/retention_deleted_total\{[^}]*kind="messages"[^}]*\} 50/);
  });

  it("that were let go are neither missing, nor read again, nor brought back by edits and deletions", async () => {
    const channel = daily(40);
    await policy(TENANT, null);
    const user = await follow(channel);
    await drain(user, channel);
    // As long as it is kept, an edit of an old post is stored, with its version.
    channel.edit(2, "edited once");
    channel.remove(3);
    await parsing.parse(user);
    expect(await traces(channel)).toEqual([2]);
    await policy(TENANT, 20);
    await work.turn();
    expect(await ids(channel)).toEqual(upTo(40, 21));
    expect(await traces(channel)).toEqual([]);
    expect(await ledger(channel)).toMatchObject({ missing: 0, unverified: 0, covered: 40 });

    channel.edit(2, "edited twice");
    channel.remove(4);
    postToday(channel);
    await parsing.parse(user);
    expect(await ids(channel)).toEqual(upTo(41, 21));
    expect(await traces(channel)).toEqual([]);
    await parsing.reconcile(user, channel.id);
    expect(await ids(channel)).toEqual(upTo(41, 21));

    // What was covered is in doubt after too long a gap: but not what has been let go.
    channel.oldestPts = channel.pts + 1;
    postToday(channel);
    await parsing.parse(user);
    expect((await parsing.channel(channel.id))?.unverified.every(({ from }) => from >= 21)).toBe(true);
    await drain(user, channel);
    expect(await ids(channel)).toEqual(upTo(42, 21));
    expect(await ledger(channel)).toMatchObject({ missing: 0, unverified: 0 });
  });

  it("beyond the policy are not read in the first place: backfill ends where they begin", async () => {
    const channel = daily(450);
    await policy(TENANT, 150);
    const api = new FakeTelegram([channel]);
    const user = await parsing.addUser(next(), api, [channel.username]);
    await parsing.parse(user);
    await work.turn();
    api.calls.length = 0;
    await drain(user, channel);
    expect(await ids(channel)).toEqual(upTo(450, 301));
    // Of the five pages of all of it: the one that shows where they begin, and the one that is asked for ahead.
    expect(api.calls.length).toBeLessThanOrEqual(2);
    expect(await ledger(channel)).toMatchObject({ missing: 0, unverified: 0 });
  });

  it("are read again where the policy becomes longer", async () => {
    const channel = daily(50);
    await policy(TENANT, 10);
    const user = await follow(channel);
    await drain(user, channel);
    await work.turn();
    expect(await ids(channel)).toEqual(upTo(50, 41));
    await policy(TENANT, 30);
    await work.turn();
    expect((await ledger(channel))?.missing).toBeGreaterThan(0);
    await drain(user, channel);
    await work.turn();
    expect(await ids(channel)).toEqual(upTo(50, 21));
    await policy(TENANT, null);
    await work.turn();
    await drain(user, channel);
    expect(await ids(channel)).toEqual(upTo(50));
    expect(await ledger(channel)).toMatchObject({ missing: 0, unverified: 0, covered: 50 });
  });

  it("do not go since one of two clocks was set forward", async () => {
    const channel = daily(20);
    await policy(TENANT, 30);
    const user = await follow(channel);
    await drain(user, channel);
    await work.turn({ now: new Date(Date.now() + 400 * DAY_MS) });
    expect(await ids(channel)).toEqual(upTo(20));
  });
});
