import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database, OwnerTx } from "../../db/database.ts";
import { ledgerProgress, ledgerTotals, totalsOfOpen } from "../../db/ledger-totals.ts";
import { formatRanges } from "../../db/ranges.ts";
import { silentLog } from "../../runtime/log.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let home: TestDatabase;
let database: Database;
beforeAll(async () => {
  home = await testDatabase();
  database = openDatabase({ url: home.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await home?.drop();
});

/** By deleting: truncating makes new files for every table, partition and index, at each of a hundred runs. */
async function empty(tx: OwnerTx): Promise<void> {
  for (const table of ["messages", "channel_access", "subscriptions", "channels", "users"])
    await sql`delete from ${sql.table(table)}`.execute(tx);
}

/** Plans by name: what they reach, and how they are written down. */
const PLANS = {
  free: { plan: "free", paid: null, trial: null, all: false },
  "trial that is over": { plan: "free", paid: null, trial: -1, all: false },
  trial: { plan: "free", paid: null, trial: 1, all: true },
  premium: { plan: "premium", paid: 1, trial: null, all: true },
  "premium that is over": { plan: "premium", paid: -1, trial: null, all: false },
  "premium that is over, with a trial": { plan: "premium", paid: -1, trial: 1, all: true },
} as const;
type PlanName = keyof typeof PLANS;

interface Follower {
  readonly plan: PlanName;
  readonly subscribed: boolean;
  readonly reaches: boolean;
  readonly minId: number;
}
interface Followed {
  readonly top: number;
  readonly covered: readonly number[];
  /** Of what is covered. */
  readonly doubtful: readonly number[];
  readonly messages: readonly number[];
  readonly hoursIncomplete: number | null;
  readonly followers: readonly Follower[];
}

const upTo = (top: number) => Array.from({ length: top }, (_, index) => index + 1);
const asRanges = (ids: readonly number[]) => formatRanges(ids.map((id) => ({ from: id, to: id })));
const hours = (count: number | null) => (count === null ? null : new Date(Date.now() + count * 3_600_000));

async function write(tx: OwnerTx, channels: readonly Followed[]): Promise<void> {
  for (const [index, { top, covered, doubtful, messages, hoursIncomplete, followers }] of channels.entries()) {
    const channelId = index + 1;
    await sql`insert into channels (id, title, kind, top_message_id, covered, unverified, incomplete_since)
      values (${channelId}, 't', 'megagroup', ${top}, ${asRanges(covered)}::int4multirange,
        ${asRanges(doubtful)}::int4multirange, ${hours(hoursIncomplete === null ? null : -hoursIncomplete)})`.execute(
      tx,
    );
    await sql`insert into messages (channel_id, id, kind, date, text, stats_at, revision)
      select ${channelId}, id, 'message', now(), '', now(), 1 from unnest(${[...messages]}::int4[]) id`.execute(tx);
    for (const [place, { plan, subscribed, reaches, minId }] of followers.entries()) {
      const { plan: written, paid, trial } = PLANS[plan];
      await sql`
        with who as (
          insert into users (tenant_id, telegram_id, plan, paid_until, trial_expires_at)
          values ('default', ${channelId * 1_000 + place}, ${written}, ${hours(paid)}, ${hours(trial)}) returning id
        ), following as (
          insert into subscriptions (tenant_id, user_id, name, channel_id, state)
          select 'default', id, 'c', ${channelId}, 'active' from who where ${subscribed}
        )
        insert into channel_access (user_id, channel_id, tenant_id, access_hash, available_min_id, state)
        select id, ${channelId}, 'default', 1, ${minId}, ${reaches ? "ok" : "private"} from who`.execute(tx);
    }
  }
}

/** What the totals are to be, id by id. */
function counted(channels: readonly Followed[], depth: number) {
  const sums = { covered: 0, unverified: 0, missing: 0, incomplete: 0, hoursOldest: 0 };
  for (const { top, covered, doubtful, messages, hoursIncomplete, followers } of channels) {
    const reaching = followers.filter(({ subscribed, reaches }) => subscribed && reaches);
    if (reaching.length === 0) continue;
    const deepest = [...messages].sort((one, other) => other - one)[depth - 1] ?? 1;
    const floor = Math.max(
      Math.min(...reaching.map(({ minId }) => minId)),
      reaching.some(({ plan }) => PLANS[plan].all) ? 1 : deepest,
    );
    const ids = upTo(top).filter((id) => id >= floor);
    const unverified = ids.filter((id) => doubtful.includes(id)).length;
    const missing = ids.filter((id) => !covered.includes(id)).length;
    sums.unverified += unverified;
    sums.missing += missing;
    if (unverified + missing === 0) continue;
    sums.incomplete += 1;
    sums.hoursOldest = Math.max(sums.hoursOldest, hoursIncomplete ?? 0);
  }
  return sums;
}

const totals = (historyDepthFree: number, fewPaying?: number) =>
  database.asWorker((tx) => ledgerTotals(tx, { historyDepthFree, ...(fewPaying === undefined ? {} : { fewPaying }) }));

const follower: fc.Arbitrary<Follower> = fc.record({
  plan: fc.constantFrom(...(Object.keys(PLANS) as PlanName[])),
  subscribed: fc.boolean(),
  reaches: fc.boolean(),
  minId: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 25 })),
});
const followed: fc.Arbitrary<Followed> = fc
  .integer({ min: 0, max: 30 })
  .chain((top) =>
    fc.subarray(upTo(top)).chain((covered) =>
      fc.record({
        top: fc.constant(top),
        covered: fc.oneof(fc.constant(covered), fc.constant(upTo(top)), fc.constant(upTo(top).slice(-8))),
        doubtful: fc.subarray(covered).map((ids) => ids.slice(0, 3)),
        // An edit brings a row to where nothing was read; a deleted one is a message, too.
        messages: fc.subarray(upTo(top)),
        hoursIncomplete: fc.option(fc.integer({ min: 1, max: 50 })),
        followers: fc.array(follower, { maxLength: 5 }),
      }),
    ),
  )
  .map((each) => ({ ...each, doubtful: each.doubtful.filter((id) => each.covered.includes(id)) }));

describe("the totals", () => {
  beforeEach(() => database.asOwner(empty));

  it("agree with a count id by id, whoever follows what by which plan", { timeout: 60_000 }, async () => {
    const agree = fc.asyncProperty(
      fc.array(followed, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 12 }),
      // Whether all are asked what they follow who pay, or all who follow whether they pay, or which of it: chance.
      fc.integer({ min: 0, max: 6 }),
      async (channels, depth, fewPaying) => {
        await database.asOwner(async (tx) => {
          await empty(tx);
          await write(tx, channels);
        });
        const { unverified, missing, incomplete, hoursOldest } = counted(channels, depth);
        const { oldestGapSeconds, ...sums } = await totals(depth, fewPaying);
        expect(sums).toEqual({ unverified, missing, incomplete });
        expect(Math.floor(oldestGapSeconds / 3_600)).toBe(hoursOldest);
      },
    );
    // A hole that ends where the depth of free users begins, every id above it being a message's; and one id higher.
    const edge = (hole: number): Followed => ({
      ...{ top: 30, covered: upTo(30).filter((id) => id !== hole), doubtful: [], messages: upTo(30).slice(10) },
      ...{ hoursIncomplete: 1, followers: [{ plan: "free", subscribed: true, reaches: true, minId: 0 }] },
    });
    await fc.assert(agree, { numRuns: 100, examples: [10, 11].map((hole) => [[edge(hole)], 20, 0]) });
  });

  it("are of what is committed now: nothing is kept that a change or a rollback could leave behind", async () => {
    const open: Followed = {
      ...{ top: 30, covered: upTo(30).slice(10), doubtful: [30], messages: upTo(30).slice(10), hoursIncomplete: 1 },
      followers: [{ plan: "free", subscribed: true, reaches: true, minId: 0 }],
    };
    await database.asOwner((tx) => write(tx, [open]));
    const gaps = async () => {
      const { unverified, missing } = await totals(20);
      return [unverified, missing];
    };
    const change = (statement: ReturnType<typeof sql>) => database.asOwner((tx) => statement.execute(tx));
    expect(await gaps()).toEqual([1, 0]);
    const paid = sql`update users set plan = 'premium', paid_until = now() + interval '1 day'`;
    const undone = database.asOwner(async (tx) => {
      await paid.execute(tx);
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect(await gaps()).toEqual([1, 0]);
    await change(paid);
    expect(await gaps()).toEqual([1, 10]);
    await change(sql`update channel_access set available_min_id = 6`);
    expect(await gaps()).toEqual([1, 5]);
    await change(sql`update channels set covered = covered + '{[8,9]}', unverified = '{}'`);
    expect(await gaps()).toEqual([0, 3]);
    await change(sql`delete from subscriptions`);
    expect(await gaps()).toEqual([0, 0]);
  });
});

describe("with 20,000 followers of 100 channels", () => {
  const CHANNELS = 100;
  const FOLLOWERS = 20_000;

  interface PlanNode {
    readonly "Node Type": string;
    readonly "Relation Name"?: string;
    readonly "Actual Rows": number;
    readonly "Actual Loops": number;
    readonly "Rows Removed by Filter"?: number;
    readonly Plans?: readonly PlanNode[];
  }
  const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

  /** How the totals read what has a row for each follower, and how many rows of it. */
  async function reading(fewPaying: number) {
    const statement = totalsOfOpen({ historyDepthFree: 1_000, fewPaying });
    const { rows } = await database.asWorker((tx) =>
      sql<{ "QUERY PLAN": [{ Plan: PlanNode }] }>`explain (analyze, format json) ${statement}`.execute(tx),
    );
    const all = rows.flatMap((row) => row["QUERY PLAN"]).flatMap(({ Plan }) => nodesOf(Plan));
    const of = (tables: readonly string[]) => {
      const nodes = all.filter((node) => tables.includes(node["Relation Name"] ?? "") && node["Actual Loops"] > 0);
      const read = nodes.map(
        (each) => (each["Actual Rows"] + (each["Rows Removed by Filter"] ?? 0)) * each["Actual Loops"],
      );
      return {
        ways: [...new Set(nodes.map((each) => each["Node Type"]))],
        rows: read.reduce((sum, each) => sum + each, 0),
      };
    };
    return { users: of(["users"]), following: of(["subscriptions", "channel_access"]) };
  }
  const BY_INDEX = ["Index Only Scan", "Index Scan"];

  beforeAll(async () => {
    await database.asOwner(async (tx) => {
      await empty(tx);
      await sql`insert into channels (id, title, kind, top_message_id)
        select n, 't', 'broadcast', 2000 from generate_series(1, ${CHANNELS}::int) n`.execute(tx);
      await sql`
        with added as (
          insert into users (tenant_id, telegram_id, plan, paid_until)
          select 'default', n, case when n % 2 = 0 then 'premium' else 'free' end, now() + interval '1 day'
          from generate_series(1, ${FOLLOWERS}::int) n returning id
        ), following as (
          insert into subscriptions (tenant_id, user_id, name, channel_id, state)
          select 'default', id, 'c', 1 + id / 2 % ${CHANNELS}::int, 'active' from added
        )
        insert into channel_access (user_id, channel_id, tenant_id, access_hash)
        select id, 1 + id / 2 % ${CHANNELS}::int, 'default', 1 from added`.execute(tx);
      await sql`analyze channels, subscriptions, channel_access, users`.execute(tx);
    });
  });

  const set = (statement: ReturnType<typeof sql>) => database.asOwner((tx) => statement.execute(tx));
  const COMPLETE = sql`'{[1,2000]}'`;
  const SHALLOW = sql`'{[1,1400]}'`;
  const DEEP = sql`'{[1500,2000]}'`;

  it("reads nobody's rows where nothing is open", async () => {
    await set(sql`update channels set covered = ${COMPLETE}`);
    const { users, following } = await reading(0);
    expect([users.rows, following.rows]).toEqual([0, 0]);
  });

  it("reads one follower of a channel, by index, where what is open is near the top", async () => {
    await set(sql`update channels set covered = ${SHALLOW}`);
    const { users, following } = await reading(0);
    expect(users.rows).toBe(0);
    expect(following.rows).toBe(2 * CHANNELS);
    expect(BY_INDEX).toEqual(expect.arrayContaining(following.ways));
    expect(await totals(1_000)).toMatchObject({ missing: CHANNELS * 600, incomplete: CHANNELS });
  });

  it("asks followers, by index, until one pays, where many do", async () => {
    await set(sql`update channels set covered = ${DEEP}`);
    const { users, following } = await reading(10);
    expect(users.rows).toBeLessThan(20 * CHANNELS);
    expect(following.rows).toBeLessThan(20 * CHANNELS);
    expect(BY_INDEX).toEqual(expect.arrayContaining(following.ways));
    expect(await totals(1_000, 10)).toMatchObject({ missing: CHANNELS * 1_499 });
  });

  it("asks those who pay, by index, what they follow, where few do", async () => {
    const paying = 50;
    await set(sql`update channels set covered = ${DEEP}`);
    await set(sql`update users set plan = case when telegram_id <= ${paying} then 'premium' else 'free' end`);
    const { users, following } = await reading(paying);
    // Whoever pays is found by one look at all users, and at nothing else of all.
    expect(users.rows).toBe(FOLLOWERS);
    expect(following.rows).toBe(2 * CHANNELS + 2 * paying);
    expect(BY_INDEX).toEqual(expect.arrayContaining(following.ways));
  });

  it("knows the part that is covered of complete channels, too", async () => {
    await database.asOwner((tx) =>
      sql`update channels set covered = case when id % 4 > 0 then '{[1,2000]}' else '{}' end::int4multirange`.execute(
        tx,
      ),
    );
    expect(await database.asWorker((tx) => ledgerProgress(tx, { historyDepthFree: 1_000 }))).toBe(0.75);
  });
});
