import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loseAccess, saveAccess, subscribe, unsubscribe } from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { storeDifference, storeHistory } from "../../db/messages.ts";
import {
  afterPost,
  decodeCursor,
  encodeCursor,
  latestPosts,
  type PostCursor,
  postsAfter,
  postsAfterQuery,
  START,
} from "../../db/posts.ts";
import { silentLog } from "../../runtime/log.ts";
import { follow, plantReader, TENANT } from "../support/following.ts";
import { post } from "../support/posts.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 4, fencedStatementMs: 1_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});

let users = 0n;
let channels = 0n;
/** A user who follows that many new channels, with access to each. */
async function reader(count = 1, given: { availableMinId?: number; tenantId?: string } = {}) {
  users += 1n;
  const userId = await plantReader(database, users, given.tenantId);
  const ids = Array.from({ length: count }, () => {
    channels += 1n;
    return channels;
  });
  for (const id of ids) await follow(database, userId, id, given);
  return { userId, ids, channel: ids[0] ?? 0n };
}

const readAt = new Date(1_800_000_000_000);
const texts = (ids: readonly number[], text = "") => ids.map((id) => post({ id, text: `${text}${id}` }));
/** Stores a page of history, under one revision. */
const backfill = (channelId: bigint, ids: readonly number[], pts: number | null = null) =>
  database.asWorker((tx) =>
    storeHistory(tx, { channelId, ptsAtCall: pts, messages: texts(ids), covers: null, readAt }),
  );
const start = (channelId: bigint) =>
  database.asWorker((tx) =>
    storeHistory(tx, { channelId, ptsAtCall: null, newPts: 1, messages: [], covers: null, readAt }),
  );
/** What a difference tells: from pts to the next one. */
const differ = (
  channelId: bigint,
  pts: number,
  told: { messages?: ReturnType<typeof post>[]; deletedIds?: number[]; pins?: number[] },
) =>
  database.asWorker((tx) =>
    storeDifference(tx, {
      channelId,
      pts: { from: pts, to: pts + 1 },
      messages: told.messages ?? [],
      deletedIds: told.deletedIds ?? [],
      pins: told.pins ? [{ ids: told.pins, pinned: true }] : [],
      covers: null,
      topMessageId: 0,
      readAt,
    }),
  );
const edited = (id: number, text: string, second: number) =>
  post({ id, text, editDate: new Date(readAt.getTime() + second * 1000) });

const next = (userId: bigint, cursor: PostCursor, limit = 100, tenant = TENANT) =>
  database.inTenant(tenant, (tx) => postsAfter(tx, { userId }, cursor, limit));
/** Reads to the end, the cursor through its text each time. */
async function readAll(userId: bigint, from: PostCursor = START, limit = 100) {
  const posts = [];
  for (let cursor = from; ; ) {
    const page = await next(userId, cursor, limit);
    expect(page.posts.length).toBeLessThanOrEqual(limit);
    cursor = decodeCursor(encodeCursor(page.cursor));
    if (page.posts.length === 0) return { posts, cursor };
    posts.push(...page.posts);
  }
}
const idsOf = (posts: readonly { id: number }[]) => posts.map(({ id }) => id);

describe("posts after a cursor", () => {
  it("tells what is new, backfilled below, edited, pinned and deleted, each once, in order of revision", async () => {
    const { userId, channel } = await reader();
    await start(channel);
    await differ(channel, 1, { messages: texts([100, 101, 102]) });
    const first = await readAll(userId);
    expect(idsOf(first.posts)).toEqual([100, 101, 102]);
    expect(await next(userId, first.cursor)).toEqual({ posts: [], cursor: first.cursor });

    await backfill(channel, [99, 97, 98], 2);
    await differ(channel, 2, { messages: [...texts([103]), edited(97, "later", 1)], deletedIds: [101], pins: [100] });
    await differ(channel, 3, { deletedIds: [98] });
    const second = await readAll(userId, first.cursor);
    expect(second.posts.map(({ id, text, deletedAt, pinned }) => [id, text, deletedAt !== null, pinned])).toEqual([
      [99, "99", false, false],
      [97, "later", false, false],
      [100, "100", false, true],
      [101, "101", true, false],
      [103, "103", false, false],
      [98, "98", true, false],
    ]);
    const revisions = second.posts.map(({ revision }) => revision);
    expect(revisions).toEqual([...revisions].sort((a, b) => Number(a - b)));
  });

  it("stops within a revision and goes on there; a post that changes meanwhile comes later, as it is then", async () => {
    const { userId, channel } = await reader();
    await start(channel);
    await backfill(channel, [1, 2, 3, 4, 5, 6, 7], 1);
    const page = await next(userId, START, 3);
    expect(idsOf(page.posts)).toEqual([1, 2, 3]);
    await differ(channel, 1, { messages: [edited(2, "again", 1), edited(5, "first seen so", 1)] });
    const { posts } = await readAll(userId, page.cursor, 3);
    expect(posts.map(({ id, text }) => [id, text])).toEqual([
      ...[4, 6, 7].map((id) => [id, String(id)]),
      [2, "again"],
      [5, "first seen so"],
    ]);
    const one = page.posts[0];
    if (!one) throw new Error("no post");
    expect(idsOf((await readAll(userId, afterPost(START, one))).posts)).toEqual([3, 4, 6, 7, 2, 5]);
  });

  it("gives every change once whatever is stored between pages of any size", async () => {
    const { userId, ids } = await reader(3);
    for (const id of ids) await start(id);
    const pts = new Map(ids.map((id) => [id, 1]));
    const told: string[] = [];
    let cursor: PostCursor = START;
    const read = async (limit: number) => {
      const page = await next(userId, cursor, limit);
      cursor = decodeCursor(encodeCursor(page.cursor));
      told.push(...page.posts.map((one) => `${one.channelId}/${one.id}/${one.revision}`));
      return page.posts.length;
    };
    for (let turn = 0; turn < 24; turn += 1) {
      const channel = ids[turn % 3] ?? 0n;
      const at = pts.get(channel) ?? 1;
      const base = 1000 - turn * 10;
      await backfill(channel, [base, base + 1, base + 2, base + 3], at);
      await differ(channel, at, {
        messages: [edited(base + 1, `e${turn}`, turn), ...texts([2000 + turn])],
        deletedIds: turn % 2 ? [base] : [],
      });
      pts.set(channel, at + 1);
      await read(1 + (turn % 4));
    }
    while ((await read(5)) > 0);
    expect(new Set(told).size).toBe(told.length);
    const stored = await database.asOwner((tx) =>
      tx.selectFrom("messages").select(["channel_id", "id", "revision"]).where("channel_id", "in", ids).execute(),
    );
    const now = stored.map((row) => `${row.channel_id}/${row.id}/${row.revision}`);
    expect(now.filter((one) => !told.includes(one))).toEqual([]);
  });

  it("lets no busy channel hold up the others", async () => {
    const { userId, ids } = await reader(4);
    for (const id of ids) await start(id);
    await backfill(
      ids[0] ?? 0n,
      Array.from({ length: 100 }, (_, index) => index + 1),
      1,
    );
    for (const id of ids.slice(1)) await backfill(id, [7], 1);
    const { posts } = await next(userId, START, 40);
    expect(posts.filter((one) => one.channelId === ids[0])).toHaveLength(10);
    expect(posts.filter((one) => one.channelId !== ids[0])).toHaveLength(3);
    expect((await readAll(userId, START, 2)).posts).toHaveLength(103);
  });

  it("follows a database that was restored from a backup down", async () => {
    const { userId, channel } = await reader();
    await start(channel);
    await backfill(channel, [1, 2], 1);
    const ahead: PostCursor = new Map([[channel, { revision: 90n, upTo: null }]]);
    const page = await next(userId, ahead);
    expect(page).toEqual({ posts: [], cursor: new Map([[channel, { revision: 1n, upTo: null }]]) });
    await backfill(channel, [3], 1);
    expect(idsOf((await next(userId, page.cursor)).posts)).toEqual([3]);
  });

  it("reads by the index on revision, not all of a channel", async () => {
    const { userId, channel } = await reader();
    await start(channel);
    for (let page = 0; page < 20; page += 1)
      await backfill(
        channel,
        Array.from({ length: 500 }, (_, index) => page * 500 + index + 1),
        1,
      );
    const cursor: PostCursor = new Map([[channel, { revision: 1n, upTo: 300 }]]);
    const plan = await database.asWorker(async (tx) => {
      await sql`analyze messages`.execute(tx);
      const query = postsAfterQuery(userId, cursor, 50);
      const { rows } = await sql<{ "QUERY PLAN": string }>`explain (analyze, costs off, timing off) ${query}`.execute(
        tx,
      );
      return rows.map((row) => row["QUERY PLAN"]).join("\n");
    });
    expect(plan).toMatch(/Index Scan using messages_\d+_channel_id_revision_idx/);
    expect(plan).not.toMatch(/Seq Scan on messages_/);
    const read = [...plan.matchAll(/_channel_id_revision_idx.*rows=(\d+)/g)].map((match) => Number(match[1]));
    expect(Math.max(...read)).toBeLessThanOrEqual(1_000);
  });
});

describe("who sees what", () => {
  const lose = (userId: bigint, channelId: bigint) =>
    database.asWorker((tx) =>
      loseAccess(tx, { userId, channelId, state: "private", recheckAt: new Date(readAt.getTime()) }),
    );
  const seen = async (userId: bigint, tenant = TENANT) => ({
    after: idsOf((await next(userId, START, 100, tenant)).posts),
    latest: idsOf((await database.inTenant(tenant, (tx) => latestPosts(tx, userId, 100))).posts),
  });
  const NOTHING = { after: [], latest: [] };

  it("shows nothing of a channel without proven access, and misses nothing when it comes back", async () => {
    const { userId, channel } = await reader();
    const other = await plantReader(database, 1_000_001n);
    await follow(database, other, channel, { access: false });
    await start(channel);
    await backfill(channel, [1, 2], 1);
    expect(await seen(other)).toEqual(NOTHING);
    const before = await next(userId, START);
    expect(idsOf(before.posts)).toEqual([1, 2]);

    await lose(userId, channel);
    await backfill(channel, [3], 1);
    expect(await seen(userId)).toEqual(NOTHING);
    const without = await next(userId, before.cursor);
    expect(without).toEqual({ posts: [], cursor: before.cursor });
    expect((await database.inTenant(TENANT, (tx) => latestPosts(tx, userId, 9))).cursor).toEqual(START);

    await database.asWorker((tx) =>
      saveAccess(tx, { tenantId: TENANT, userId, channelId: channel, accessHash: 1n, joined: true }),
    );
    expect(idsOf((await next(userId, without.cursor)).posts)).toEqual([3]);
  });

  it("shows nothing below the first message that the account may see", async () => {
    const { userId, channel } = await reader(1, { availableMinId: 10 });
    await start(channel);
    await backfill(channel, [8, 9, 10, 11], 1);
    expect(await seen(userId)).toEqual({ after: [10, 11], latest: [10, 11] });
    const { cursor } = await next(userId, START);
    await differ(channel, 1, { deletedIds: [8, 9] });
    const { posts, cursor: after } = await next(userId, cursor);
    expect(posts).toEqual([]);
    // Past what is not for these eyes: it is not looked at again.
    expect(after).toEqual(new Map([[channel, { revision: 2n, upTo: null }]]));
  });

  it("shows nothing of a channel that is not followed any more", async () => {
    const { userId, channel } = await reader();
    await start(channel);
    await backfill(channel, [1], 1);
    await database.inTenant(TENANT, (tx) => unsubscribe(tx, { userId, name: channel.toString() }));
    expect(await seen(userId)).toEqual(NOTHING);
    const who = { tenantId: TENANT, userId, name: channel.toString() };
    await database.inTenant(TENANT, (tx) => subscribe(tx, who));
    expect(await seen(userId)).toEqual(NOTHING);
  });

  it("shows nothing to another tenant's transaction", async () => {
    await database.asOwner((tx) => tx.insertInto("tenants").values({ id: "other", name: "Other" }).execute());
    const { userId, channel } = await reader(1, { tenantId: "other" });
    await start(channel);
    await backfill(channel, [1], 1);
    expect(await seen(userId)).toEqual(NOTHING);
    expect(await seen(userId, "other")).toEqual({ after: [1], latest: [1] });
  });
});

describe("the latest posts", () => {
  it("are the newest living ones by date, oldest first, and a cursor that goes on from them", async () => {
    const { userId, ids } = await reader(2);
    const [a = 0n, b = 0n] = ids;
    for (const id of ids) await start(id);
    await backfill(a, [1, 5, 9], 1);
    await backfill(b, [2, 6, 7, 8], 1);
    await differ(b, 1, { deletedIds: [7] });
    const latest = await database.inTenant(TENANT, (tx) => latestPosts(tx, userId, 4));
    expect(idsOf(latest.posts)).toEqual([5, 6, 8, 9]);
    expect(await next(userId, latest.cursor)).toEqual({ posts: [], cursor: latest.cursor });
    await differ(a, 1, { messages: [edited(1, "edited", 1)] });
    await backfill(b, [4], 2);
    expect(idsOf((await next(userId, latest.cursor)).posts)).toEqual([1, 4]);
  });

  it("are none, and the cursor is at the start, where nothing is followed", async () => {
    const userId = await plantReader(database, 1_000_002n);
    const latest = await database.inTenant(TENANT, (tx) => latestPosts(tx, userId, 4));
    expect(latest).toEqual({ posts: [], cursor: START });
  });
});
