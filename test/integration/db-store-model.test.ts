import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { saveChannel } from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database, WorkerTx } from "../../db/database.ts";
import type { ChannelMessage } from "../../db/message.ts";
import { type DifferencePage, type HistoryRows, PageStale, storeDifference, storeHistory } from "../../db/messages.ts";
import { parseRanges } from "../../db/ranges.ts";
import { fromRow } from "../../db/stored-messages.ts";
import { silentLog } from "../../runtime/log.ts";
import { post } from "../support/posts.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";
import { StoreModel } from "../support/store-model.ts";

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const at = (second: number) => new Date(1_800_000_000_000 + second * 1000);
const id = fc.integer({ min: 1, max: 6 });
const message: fc.Arbitrary<ChannelMessage> = fc
  .record({
    id,
    editDate: fc.option(fc.integer({ min: 0, max: 3 }).map(at)),
    text: fc.constantFrom("nil", "one", "two"),
    entities: fc.constantFrom([], [{ type: "bold", offset: 0, length: 1 }]),
    media: fc.constantFrom(null, { kind: "dice", emoji: "🎲", value: 3 } as const),
    pinned: fc.boolean(),
    author: fc.constantFrom(null, "A. Uthor"),
    views: fc.constantFrom(null, 1, 2),
  })
  .map(({ views, ...given }) =>
    post({ ...given, stats: { views, forwards: null, replies: null, reactions: null, pollResults: null } }),
  );
const covers = fc.option(
  fc.tuple(id, id).map(([one, other]) => ({ from: Math.min(one, other), to: Math.max(one, other) })),
);

type Step = (channelId: bigint, pts: number | null, readAt: Date) => DifferencePage | HistoryRows;

const difference: fc.Arbitrary<Step> = fc
  .record({
    messages: fc.array(message, { maxLength: 5 }),
    deletedIds: fc.array(id, { maxLength: 2 }),
    pins: fc.array(fc.record({ ids: fc.array(id, { maxLength: 3 }), pinned: fc.boolean() }), { maxLength: 2 }),
    counters: fc.array(
      fc.record({
        id,
        views: fc.option(fc.integer({ min: 0, max: 4 })),
        forwards: fc.option(fc.integer({ min: 0, max: 4 })),
      }),
      { maxLength: 3 },
    ),
    covers,
    topMessageId: id,
    ahead: fc.integer({ min: 0, max: 3 }),
    stale: fc.integer({ min: 0, max: 6 }).map((die) => die === 0),
  })
  .map(
    ({ ahead, stale, ...page }): Step =>
      (channelId, pts, readAt) => {
        const from = (pts ?? 0) + (stale ? 1 : 0);
        return { channelId, ...page, pts: { from, to: from + ahead }, readAt };
      },
  );

const history: fc.Arbitrary<Step> = fc
  .record({
    messages: fc.uniqueArray(message, { maxLength: 5, selector: (one) => one.id }),
    covers,
    skippedIds: fc.array(id, { maxLength: 1 }),
    unverifyCovered: fc.boolean(),
    newPts: fc.option(fc.integer({ min: 1, max: 9 })),
    stale: fc.integer({ min: 0, max: 6 }).map((die) => die === 0),
  })
  .map(
    ({ stale, newPts, ...page }): Step =>
      (channelId, pts, readAt) => ({
        channelId,
        ...page,
        ...(newPts === null ? {} : { newPts }),
        ptsAtCall: stale ? (pts ?? 0) + 1 : pts,
        readAt,
      }),
  );

const store = (tx: WorkerTx, page: DifferencePage | HistoryRows) =>
  "pts" in page ? storeDifference(tx, page) : storeHistory(tx, page);

const nullWhereStale = async <T>(work: Promise<T>): Promise<T | null> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof PageStale) return null;
    throw error;
  }
};

/** Everything that is stored of a channel, in the model's words. */
async function stored(tx: WorkerTx, channelId: bigint) {
  const rows = await tx.selectFrom("messages").selectAll().where("channel_id", "=", channelId).orderBy("id").execute();
  const versions = await tx
    .selectFrom("message_versions")
    .select(["message_id as id", "revision", "text", "edit_date as editDate"])
    .where("channel_id", "=", channelId)
    .orderBy("revision")
    .orderBy("message_id")
    .execute();
  const tombstones = await tx
    .selectFrom("message_tombstones")
    .select(["message_id", "deleted_at"])
    .where("channel_id", "=", channelId)
    .orderBy("message_id")
    .execute();
  const channel = await tx.selectFrom("channels").selectAll().where("id", "=", channelId).executeTakeFirstOrThrow();
  return {
    pts: channel.pts,
    revision: channel.revision,
    top: channel.top_message_id,
    covered: idsOf(channel.covered),
    unverified: idsOf(channel.unverified),
    rows: rows.map(fromRow).map(({ deletedAt, statsAt, revision, ...rest }) => ({
      message: { ...rest, channelId: 1n },
      deletedAt,
      statsAt,
      revision,
    })),
    versions,
    tombstones: tombstones.map((row) => [row.message_id, row.deleted_at]),
  };
}

const idsOf = (multirange: string) =>
  parseRanges(multirange).flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));

const expected = (model: StoreModel) => ({
  pts: model.pts,
  revision: model.revision,
  top: model.top,
  covered: [...model.covered].sort((one, other) => one - other),
  unverified: [...model.unverified].sort((one, other) => one - other),
  rows: [...model.rows.values()].sort((one, other) => one.message.id - other.message.id),
  versions: [...model.versions].sort((one, other) => Number(one.revision - other.revision) || one.id - other.id),
  tombstones: [...model.tombstones].sort(([one], [other]) => one - other),
});

describe("the store, against a model", () => {
  let channelId = 0n;
  const steps = fc.array(fc.oneof(difference, history), { minLength: 1, maxLength: 8 });

  it("agrees after any pages in any order, stale ones included", { timeout: 60_000 }, async () => {
    const agrees = fc.asyncProperty(steps, async (pages) => {
      channelId += 1n;
      await database.asWorker(async (tx) => {
        await saveChannel(tx, { id: channelId, username: null, title: "t", kind: "broadcast" });
        const model = new StoreModel();
        for (const [index, step] of pages.entries()) {
          const page = step(channelId, model.pts, at(100 + index));
          const result = await nullWhereStale(store(tx, page));
          const modelled = "pts" in page ? model.difference(page) : model.history(page);
          const bytes = (modelled?.added ?? 0) > 0 ? expect.toSatisfy((count: number) => count > 0) : 0;
          expect(result).toEqual(modelled && { ...modelled, bytes });
          expect(await stored(tx, channelId)).toEqual(expected(model));
        }
      });
    });
    await fc.assert(agrees, { numRuns: 120 });
  });

  it("changes nothing when a page is stored again", { timeout: 60_000 }, async () => {
    const idempotent = fc.asyncProperty(steps, async (pages) => {
      channelId += 1n;
      await database.asWorker(async (tx) => {
        await saveChannel(tx, { id: channelId, username: null, title: "t", kind: "broadcast" });
        let pts: number | null = null;
        for (const [index, step] of pages.entries()) {
          const page = step(channelId, pts, at(100 + index));
          if ((await nullWhereStale(store(tx, page))) === null) continue;
          const before = await stored(tx, channelId);
          pts = before.pts;
          if ("pts" in page) {
            expect(await nullWhereStale(storeDifference(tx, { ...page, pts: { from: -1, to: 1 } }))).toBeNull();
            continue;
          }
          const again = await storeHistory(tx, { ...page, ptsAtCall: pts, unverifyCovered: false });
          expect(again).toEqual({ added: 0, bytes: 0, edited: 0, deleted: 0, revision: before.revision });
          expect(await stored(tx, channelId)).toEqual(before);
        }
      });
    });
    await fc.assert(idempotent, { numRuns: 60 });
  });
});
