import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { saveAccess, saveChannel, subscribe } from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { channelLedgers, progressOf, visibilityOf } from "../../db/ledger.ts";
import { ledgerProgress, ledgerTotals } from "../../db/ledger-totals.ts";
import { storeDifference, storeHistory } from "../../db/messages.ts";
import { formatRanges, type IdRange } from "../../db/ranges.ts";
import { setPlan } from "../../db/users.ts";
import { silentLog } from "../../runtime/log.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { post } from "../support/posts.ts";
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

let number = 100n;
const next = () => {
  number += 1n;
  return number;
};
/** A channel that these accounts follow and reach, each from an id on. */
async function followed(minIds: readonly number[]) {
  const channelId = next();
  await database.asWorker((tx) => saveChannel(tx, { id: channelId, username: null, title: "t", kind: "broadcast" }));
  const telegramIds: bigint[] = [];
  for (const availableMinId of minIds) {
    const telegramId = next();
    telegramIds.push(telegramId);
    const { user } = await plantUser(database, telegramId);
    const who = { tenantId: "default", userId: user.id };
    await database.inTenant("default", (tx) => subscribe(tx, { ...who, name: channelId.toString() }));
    await database.asWorker(async (tx) => {
      await sql`update subscriptions set channel_id = ${channelId}, state = 'active' where user_id = ${user.id}`.execute(
        tx,
      );
      await saveAccess(tx, { ...who, channelId, accessHash: 1n, joined: true, availableMinId });
    });
  }
  return { channelId, telegramIds };
}
const put = (channelId: bigint, row: { covered?: IdRange[]; unverified?: IdRange[]; top?: number; since?: Date }) =>
  database.asOwner((tx) =>
    sql`update channels set covered = ${formatRanges(row.covered ?? [])}::int4multirange,
      unverified = ${formatRanges(row.unverified ?? [])}::int4multirange, top_message_id = ${row.top ?? 0},
      incomplete_since = ${row.since ?? null} where id = ${channelId}`.execute(tx),
  );
const ledgerOf = async (channelId: bigint, ranges?: number) => {
  const [ledger] = await database.asWorker((tx) =>
    channelLedgers(tx, { channelIds: [channelId], ...(ranges === undefined ? {} : { ranges }) }),
  );
  if (!ledger) throw new Error("no ledger");
  return ledger;
};
const totals = (historyDepthFree = 1_000) => database.asWorker((tx) => ledgerTotals(tx, { historyDepthFree }));
const progress = (historyDepthFree = 1_000) => database.asWorker((tx) => ledgerProgress(tx, { historyDepthFree }));

describe("the arithmetic", () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 8 }));
  const ranges = fc.array(
    range.map(([from, length]) => ({ from, to: from + length })),
    { maxLength: 5 },
  );
  const idsIn = (list: readonly IdRange[]) =>
    list.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));

  it("agrees with plain sets, whatever is covered, unverified and visible", { timeout: 30_000 }, async () => {
    const { channelId, telegramIds } = await followed([0]);
    const agrees = fc.asyncProperty(
      ranges,
      ranges,
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 0, max: 45 }),
      async (covered, doubtful, top, minId) => {
        const known = new Set(idsIn(covered));
        const doubted = new Set(idsIn(doubtful).filter((id) => known.has(id)));
        await put(channelId, { covered, unverified: [...doubted].map((id) => ({ from: id, to: id })), top });
        await database.asOwner((tx) =>
          sql`update channel_access set available_min_id = ${minId} where channel_id = ${channelId}`.execute(tx),
        );
        const floor = Math.max(1, minId);
        const visible = Array.from({ length: Math.max(0, top - floor + 1) }, (_, index) => floor + index);
        const unverified = visible.filter((id) => doubted.has(id));
        const missing = visible.filter((id) => !known.has(id));
        const ledger = await ledgerOf(channelId, 100);
        expect(ledger).toMatchObject({
          visibleFrom: floor,
          covered: visible.length - unverified.length - missing.length,
          unverified: unverified.length,
          missing: missing.length,
        });
        expect(idsIn(ledger.gaps.missing).sort((a, b) => a - b)).toEqual(missing);
        expect(idsIn(ledger.gaps.unverified).sort((a, b) => a - b)).toEqual(unverified);
        expect(ledger.gapCounts.missing).toBe(ledger.gaps.missing.length);
        const [sight] = await database.asWorker((tx) => visibilityOf(tx, channelId));
        expect(sight).toMatchObject({
          telegramId: telegramIds[0],
          state: "ok",
          availableMinId: minId,
          lacking: unverified.length + missing.length,
        });
      },
    );
    await fc.assert(agrees, { numRuns: 100 });
  });

  it("gives the newest gaps first, no more than asked for, and says how many there are", async () => {
    const { channelId } = await followed([0]);
    const covered = Array.from({ length: 50 }, (_, index) => ({ from: index * 10 + 1, to: index * 10 + 5 }));
    await put(channelId, { covered, top: 500 });
    const ledger = await ledgerOf(channelId, 2);
    expect(ledger.gaps.missing).toEqual([
      { from: 496, to: 500 },
      { from: 486, to: 490 },
    ]);
    expect(ledger).toMatchObject({ covered: 250, missing: 250, gapCounts: { missing: 50, unverified: 0 } });
    expect(progressOf(ledger)).toBe(0.5);
    expect(progressOf({ covered: 0, unverified: 0, missing: 0 })).toBeNull();
  });

  it("begins where the account that sees furthest may see, and counts no account that lost the channel", async () => {
    const { channelId, telegramIds } = await followed([80, 40]);
    await put(channelId, { covered: [{ from: 60, to: 100 }], top: 100 });
    expect(await ledgerOf(channelId)).toMatchObject({ visibleFrom: 40, missing: 20, covered: 41 });
    const sights = await database.asWorker((tx) => visibilityOf(tx, channelId));
    expect(sights.map((sight) => [sight.telegramId, sight.lacking])).toEqual([
      [telegramIds[0], 0],
      [telegramIds[1], 20],
    ]);
    await database.asOwner((tx) =>
      sql`update channel_access a set state = 'private' from users u
        where u.id = a.user_id and u.telegram_id = ${telegramIds[1]} and a.channel_id = ${channelId}`.execute(tx),
    );
    expect(await ledgerOf(channelId)).toMatchObject({ visibleFrom: 80, missing: 0, covered: 21 });
  });
});

describe("incomplete since", () => {
  const at = new Date();
  const since = async (channelId: bigint) => (await ledgerOf(channelId)).incompleteSince;

  it("is set by the page that leaves something missing or unverified, kept, and cleared by the one that completes", async () => {
    const { channelId } = await followed([0]);
    const pages = { channelId, messages: [], readAt: at, ptsAtCall: 5 };
    await database.asWorker((tx) =>
      storeHistory(tx, { ...pages, ptsAtCall: null, newPts: 5, covers: { from: 51, to: 100 }, topMessageId: 100 }),
    );
    const first = await since(channelId);
    expect(first).toBeInstanceOf(Date);
    await database.asWorker((tx) => storeHistory(tx, { ...pages, covers: { from: 20, to: 50 } }));
    expect(await since(channelId)).toEqual(first);
    await database.asWorker((tx) => storeHistory(tx, { ...pages, covers: { from: 1, to: 19 } }));
    expect(await since(channelId)).toBeNull();
    const news = { channelId, messages: [post({ id: 101 })], deletedIds: [], pins: [], readAt: at, topMessageId: 101 };
    await database.asWorker((tx) =>
      storeDifference(tx, { ...news, pts: { from: 5, to: 6 }, covers: { from: 101, to: 101 } }),
    );
    expect(await since(channelId)).toBeNull();
    const doubt = { ...pages, ptsAtCall: 6, newPts: 9, unverifyCovered: true, topMessageId: 101 };
    await database.asWorker((tx) => storeHistory(tx, { ...doubt, covers: { from: 60, to: 101 } }));
    expect(await since(channelId)).toBeInstanceOf(Date);
    await database.asWorker((tx) => storeHistory(tx, { ...pages, ptsAtCall: 9, covers: { from: 1, to: 59 } }));
    expect(await since(channelId)).toBeNull();
  });

  it("knows no gap below what every account may see", async () => {
    const { channelId } = await followed([40, 60]);
    const page = { channelId, messages: [], readAt: at, ptsAtCall: null };
    await database.asWorker((tx) => storeHistory(tx, { ...page, covers: { from: 41, to: 100 }, topMessageId: 100 }));
    expect(await since(channelId)).toBeInstanceOf(Date);
    await database.asWorker((tx) => storeHistory(tx, { ...page, covers: { from: 40, to: 40 } }));
    expect(await since(channelId)).toBeNull();
  });
});

describe("the totals", () => {
  beforeEach(() => database.asOwner((tx) => sql`delete from subscriptions`.execute(tx)));

  it("sum up what somebody follows and reaches, and tell the oldest gap's age", async () => {
    expect(await progress()).toBeNull();
    expect(await totals()).toEqual({ unverified: 0, missing: 0, incomplete: 0, oldestGapSeconds: 0 });
    const [complete, holed, doubtful, lost] = [
      await followed([0, 0]),
      await followed([11, 0]),
      await followed([11]),
      await followed([0]),
    ];
    const hourAgo = new Date(Date.now() - 3_600_000);
    const minuteAgo = new Date(Date.now() - 60_000);
    await put(complete.channelId, { covered: [{ from: 1, to: 100 }], top: 100 });
    await put(holed.channelId, { covered: [{ from: 31, to: 50 }], top: 50, since: minuteAgo });
    await put(doubtful.channelId, {
      covered: [{ from: 1, to: 40 }],
      unverified: [{ from: 1, to: 20 }],
      top: 40,
      since: hourAgo,
    });
    await put(lost.channelId, { top: 1_000, since: new Date(0) });
    await database.asOwner((tx) =>
      sql`update channel_access set state = 'private' where channel_id = ${lost.channelId}`.execute(tx),
    );
    const summed = await totals();
    expect(summed).toMatchObject({ unverified: 10, missing: 30, incomplete: 2 });
    expect(await progress()).toBeCloseTo(140 / 180);
    expect(summed.oldestGapSeconds).toBeGreaterThanOrEqual(3_600);
    expect(summed.oldestGapSeconds).toBeLessThan(3_700);
  });

  it("count nothing below the depth of a channel that only free users follow", async () => {
    const { channelId, telegramIds } = await followed([0]);
    const messages = Array.from({ length: 20 }, (_, index) => post({ id: 81 + index, channelId }));
    await database.asWorker((tx) =>
      storeHistory(tx, {
        channelId,
        ptsAtCall: null,
        messages,
        covers: { from: 81, to: 100 },
        topMessageId: 100,
        readAt: new Date(),
      }),
    );
    expect(await totals(20)).toMatchObject({ missing: 0, incomplete: 0, oldestGapSeconds: 0 });
    expect(await progress(20)).toBe(1);
    expect(await totals(21)).toMatchObject({ missing: 80, incomplete: 1 });
    expect(await progress(21)).toBe(0.2);
    await database.inTenant("default", (tx) =>
      setPlan(tx, telegramIds[0] ?? 0n, { plan: "premium", paidUntil: new Date(Date.now() + 60_000) }),
    );
    expect(await totals(20)).toMatchObject({ missing: 80 });
  });
});
