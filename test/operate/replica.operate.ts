import { sql } from "kysely";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { storeHistory } from "../../db/messages.ts";
import { HINTS } from "../../db/post-hint.ts";
import { createPostReader, type PostReader } from "../../db/post-reader.ts";
import { type PostCursor, postsAfter, START } from "../../db/posts.ts";
import { silentLog } from "../../runtime/log.ts";
import { initDataOf, startApiApp } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { follow, plantReader, TENANT } from "../support/following.ts";
import { prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { post } from "../support/posts.ts";
import { type PostgresPair, startPostgresPair } from "./support/postgres-pair.ts";

const CHANNELS = [501n, 502n, 503n];
const OPTIONS = { fencedStatementMs: 5_000, poolSize: 4, connectTimeoutMs: 2_000, log: silentLog };
let pair: PostgresPair;
let primary: Database;
let replica: Database;
let userId: bigint;
let now = 0;
let reader: PostReader;
/** Where each page was read. */
const asked = { primary: 0, replica: 0 };

prepareCommands();
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
beforeAll(async () => {
  pair = await startPostgresPair();
  primary = openDatabase({ url: pair.primaryUrl, ...OPTIONS });
  replica = openDatabase({ url: pair.replicaUrl, ...OPTIONS });
  userId = await plantReader(primary, 11n);
  for (const id of CHANNELS) await follow(primary, userId, id);
  await pair.caughtUp();
  reader = createPostReader({
    primary: counted("primary", primary),
    replica: counted("replica", replica),
    ...{ monotonic: () => now, log: silentLog },
  });
});
afterAll(async () => {
  await primary?.close();
  await replica?.close();
  await pair?.close();
});

const counted = (name: keyof typeof asked, database: Database): Database => ({
  ...database,
  inTenant(tenantId, work) {
    asked[name] += 1;
    return database.inTenant(tenantId, work);
  },
});
let nextId = 0;
const store = async (channelId: bigint, count = 1) => {
  const ids = Array.from({ length: count }, () => ++nextId);
  await primary.asWorker((tx) =>
    storeHistory(tx, {
      ...{ channelId, ptsAtCall: null, covers: null, readAt: new Date() },
      messages: ids.map((id) => post({ id, channelId, text: `text ${id}` })),
    }),
  );
  return ids;
};
const readOn = async (cursor: PostCursor, by: PostReader = reader) => {
  // A second later its lag is looked at anew.
  now += 1_000;
  return by.read(TENANT, cursor, (tx) => postsAfter(tx, { userId }, cursor, 500));
};
const idsOf = (page: { posts: readonly { id: number }[] }) => page.posts.map(({ id }) => id).sort((a, b) => a - b);

it("reads by the replica, which a halt makes late and which skips and doubles nothing", async () => {
  const first = await store(501n, 3);
  await pair.caughtUp();
  const page = await readOn(START);
  expect(idsOf(page)).toEqual(first);
  expect(asked).toEqual({ primary: 0, replica: 1 });
  await pair.pause();
  const late = await store(502n, 2);
  const empty = await readOn(page.cursor);
  expect(idsOf(empty)).toEqual([]);
  await pair.resume();
  await pair.caughtUp();
  expect(idsOf(await readOn(empty.cursor))).toEqual(late);
  expect(asked).toEqual({ primary: 0, replica: 3 });
});

it("a cursor that is ahead of the replica is answered for by the primary, and not set back", async () => {
  await pair.pause();
  const ids = await store(503n, 2);
  const ahead = await primary.inTenant(TENANT, (tx) => postsAfter(tx, { userId }, START, 50));
  expect(idsOf(ahead)).toEqual(expect.arrayContaining(ids));
  const before = asked.primary;
  const page = await readOn(ahead.cursor);
  expect(idsOf(page)).toEqual([]);
  expect(page.cursor).toEqual(ahead.cursor);
  expect(asked.primary).toBe(before + 1);
  await pair.resume();
  await pair.caughtUp();
});

it("many readers of both, while posts come and the replica halts and goes on: each post once", async () => {
  const before = nextId;
  const start = (await primary.inTenant(TENANT, (tx) => postsAfter(tx, { userId }, START, 500))).cursor;
  const mixed: PostReader = {
    read: (tenantId, cursor, page) =>
      nextId % 3 === 0 ? primary.inTenant(tenantId, page) : reader.read(tenantId, cursor, page),
  };
  const readers = Array.from({ length: 4 }, () => ({ cursor: start, seen: [] as number[] }));
  for (let round = 0; round < 40; round += 1) {
    if (round % 8 === 2) await pair.pause();
    if (round % 8 === 6) await pair.resume();
    await store(CHANNELS[round % CHANNELS.length]!, 1 + (round % 3));
    for (const one of readers) {
      const page = await readOn(one.cursor, mixed);
      one.cursor = page.cursor;
      one.seen.push(...idsOf(page));
    }
  }
  await pair.resume();
  await pair.caughtUp();
  const all = Array.from({ length: nextId - before }, (_, index) => before + index + 1);
  for (const one of readers) {
    one.seen.push(...idsOf(await readOn(one.cursor)));
    expect(one.seen.sort((a, b) => a - b)).toEqual(all);
  }
});

it("tail looks again for what a hint told of and the replica has not got yet", async () => {
  const env = { DATABASE_URL: pair.primaryUrl, DATABASE_REPLICA_URL: pair.replicaUrl };
  const running = startGramfleet(["tail", "11", "--json", "--limit", "1"], { env });
  await running.says(/"cursor":"/);
  for (let count = 0; count < 3; count += 1) {
    const [id] = await store(501n);
    await primary.asOwner((tx) =>
      sql`select pg_notify(${HINTS}, id || ':' || revision) from channels where id = 501`.execute(tx),
    );
    await running.says(new RegExp(`text ${id}\\b`), 60_000);
  }
  running.signal("SIGINT");
  expect((await running.ended).code).toBe(0);
});

it("one that has been late for half a minute, is away, or is none any more: the primary is asked, and it again once it is well", async () => {
  await pair.pause();
  const ids = await store(501n, 2);
  const start = (await reader.read(TENANT, START, (tx) => postsAfter(tx, { userId }, START, 500))).cursor;
  let seen: number[] = [];
  for (let second = 0; second < 40 && seen.length === 0; second += 1) seen = idsOf(await readOn(start));
  expect(seen).toEqual(ids);
  await pair.resume();
  await pair.caughtUp();
  now += 10_000;
  const before = { ...asked };
  await readOn(START);
  expect(asked).toEqual({ ...before, replica: before.replica + 1 });

  await pair.stopReplica();
  const [last] = await store(502n);
  expect(idsOf(await readOn(START))).toContain(last);
  await pair.startReplica();
  await pair.caughtUp();
  now += 10_000;
  const since = asked.replica;
  await eventually(async () => {
    now += 10_000;
    await readOn(START);
    return asked.replica > since;
  });

  await pair.promote();
  const [after] = await store(503n);
  await eventually(async () => {
    now += 10_000;
    return idsOf(await readOn(START)).includes(after ?? 0);
  });
});

it("the api reads by it", async () => {
  let read = 0;
  const api = await startApiApp({
    databaseUrl: pair.primaryUrl,
    posts: {
      read(tenantId, cursor, page) {
        read += 1;
        return reader.read(tenantId, cursor, page);
      },
    },
  });
  const headers = { authorization: `tma ${initDataOf(11, api.clock.now())}` };
  const answer = await api.inject({ url: "/api/posts?limit=500", headers });
  expect(answer.json<{ posts: unknown[] }>().posts).toHaveLength(nextId);
  expect(read).toBe(1);
  await api.close();
});
