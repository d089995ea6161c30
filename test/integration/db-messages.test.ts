import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { saveChannel } from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import type { ChannelMessage } from "../../db/message.ts";
import {
  auditRows,
  countFrom,
  countMessages,
  PageStale,
  type StoredMessage,
  storeDifference,
  storeHistory,
  streamMessages,
} from "../../db/messages.ts";
import { silentLog } from "../../runtime/log.ts";
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

let channelId = 0n;
const newChannel = async () => {
  channelId += 1n;
  const id = channelId;
  await database.asWorker((tx) => saveChannel(tx, { id, username: null, title: "t", kind: "broadcast" }));
  return id;
};
const readAt = new Date(1_800_000_000_000);
const read = async (id: bigint, options?: { deleted?: boolean; batch?: number }) =>
  database.asWorker(async (tx) => {
    const all: StoredMessage[] = [];
    for await (const batch of streamMessages(tx, id, options)) all.push(...batch);
    return all;
  });

const everything: Omit<ChannelMessage, "id" | "channelId"> = {
  kind: "message",
  date: new Date("2024-05-06T07:08:09Z"),
  editDate: new Date("2024-05-07T00:00:01Z"),
  editHidden: true,
  text: 'Ünï "çødé" \\ 日本語 🙂\nline {curly, comma} NULL',
  entities: [
    { type: "bold", offset: 0, length: 3 },
    { type: "text_url", offset: 4, length: 2, url: 'https://e.org/?a="b"' },
    { type: "custom_emoji", offset: 9, length: 2, documentId: "9223372036854775807" },
  ],
  media: { kind: "photo", id: "-9223372036854775808", dcId: 2, size: 1, width: 2, height: 3, spoiler: true },
  groupedId: 9223372036854775807n,
  forward: { date: "2024-01-01T00:00:00.000Z", from: null, fromName: "X", channelPost: 4, author: null },
  reply: { messageId: 1, peer: { type: "channel", id: "5" }, topId: null, quote: "q", quoteOffset: 0 },
  from: { type: "user", id: "6" },
  author: "A",
  viaBotId: -1n,
  pinned: true,
  silent: true,
  noForwards: true,
  service: { type: "pin_message", messageId: 3 },
  stats: {
    views: 1,
    forwards: 0,
    replies: null,
    reactions: [{ kind: "emoji", value: "👍", count: 3 }],
    pollResults: { totalVoters: 3, voters: [1, null, 2] },
  },
};

describe("messages", () => {
  it("comes back as it was stored, whole and bare", async () => {
    const id = await newChannel();
    const messages = [post({ id: 1 }), post({ ...everything, id: 2 })].map((one) => ({ ...one, channelId: id }));
    await database.asWorker((tx) =>
      storeHistory(tx, { channelId: id, ptsAtCall: null, messages, covers: null, readAt }),
    );
    const state = { deletedAt: null, statsAt: readAt, revision: 1n };
    expect(await read(id)).toEqual(messages.map((one) => ({ ...one, ...state })));
  });

  it("stores a thousand at once, and gives them in batches, in order", async () => {
    const id = await newChannel();
    const messages = Array.from({ length: 1000 }, (_, index) => post({ ...everything, id: 1000 - index }));
    const page = { channelId: id, ptsAtCall: null, newPts: 5, messages, covers: { from: 1, to: 1000 }, readAt };
    const result = await database.asWorker((tx) => storeHistory(tx, page));
    expect(result).toMatchObject({ added: 1000, edited: 0, deleted: 0, revision: 1n });
    expect((await read(id, { batch: 333 })).map((one) => one.id)).toEqual(messages.map((one) => one.id).reverse());
    expect(await database.asWorker((tx) => countFrom(tx, id, 901))).toBe(100);
  });

  it("tells the bytes of what is new, and of nothing else", async () => {
    const id = await newChannel();
    const texts = ["a".repeat(2_000), "ä".repeat(2_000), "b".repeat(50_000)];
    const messages = texts.map((text, index) => post({ id: index + 1, text }));
    const page = { channelId: id, ptsAtCall: null, covers: null, readAt };
    const store = (some: typeof messages) =>
      database.asWorker((tx) => storeHistory(tx, { ...page, messages: some, readAt: new Date() }));
    const [first, second] = [await store(messages.slice(0, 2)), await store(messages)];
    expect(first.bytes).toBeGreaterThan(6_000);
    expect(first.bytes).toBeLessThan(7_000);
    expect(second.bytes).toBeGreaterThan(50_000);
    expect(second.bytes).toBeLessThan(50_500);
    expect((await store(messages)).bytes).toBe(0);
  });

  it("keeps a text with characters that PostgreSQL cannot hold, and says so", async () => {
    const id = await newChannel();
    const messages = [
      post({ id: 1, text: "a\u0000b \ud83d" }),
      post({ id: 2, media: { kind: "dice", emoji: "\u0000", value: 1 } }),
    ];
    const page = { channelId: id, ptsAtCall: null, messages, covers: null, readAt };
    expect(await database.asWorker((tx) => storeHistory(tx, page))).toMatchObject({ added: 2 });
    expect(await database.asWorker((tx) => storeHistory(tx, { ...page, readAt: new Date() }))).toMatchObject({
      edited: 0,
    });
    expect((await read(id))[0]?.text).toBe("a\ufffdb \ufffd");
    const skipped = await database.asOwner((tx) =>
      tx
        .selectFrom("skipped_messages")
        .select("message_id")
        .where("channel_id", "=", id)
        .orderBy("message_id")
        .execute(),
    );
    expect(skipped.map((row) => row.message_id)).toEqual([1, 2]);
  });

  it("keeps every text of an edited message, and the mark of a deleted one whatever comes later", async () => {
    const id = await newChannel();
    const edit = (text: string, second: number) =>
      post({ id: 1, text, editDate: new Date(readAt.getTime() + second * 1000) });
    const page = { channelId: id, deletedIds: [], pins: [], covers: null, topMessageId: 2, readAt };
    await database.asWorker(async (tx) => {
      await storeHistory(tx, {
        channelId: id,
        ptsAtCall: null,
        newPts: 1,
        messages: [post({ id: 1, text: "a" })],
        covers: null,
        readAt,
      });
      await storeDifference(tx, { ...page, pts: { from: 1, to: 3 }, messages: [edit("b", 1), edit("c", 1)] });
      await storeHistory(tx, { channelId: id, ptsAtCall: 3, messages: [edit("late", 0)], covers: null, readAt });
      await storeDifference(tx, { ...page, pts: { from: 3, to: 4 }, messages: [], deletedIds: [1, 2] });
      await storeDifference(tx, { ...page, pts: { from: 4, to: 5 }, messages: [edit("undone", 9), post({ id: 2 })] });
    });
    const rows = await database.asWorker((tx) => auditRows(tx, id));
    expect(rows.map(({ deleted, versions, text }) => [deleted, versions, text])).toEqual([
      [true, 2, "c"],
      [true, 0, ""],
    ]);
    expect(await read(id)).toEqual([]);
    expect(await database.asWorker((tx) => countMessages(tx, id))).toEqual({ messages: 0, deleted: 2, versions: 2 });
    const versions = await database.asOwner((tx) =>
      tx.selectFrom("message_versions").select("text").where("channel_id", "=", id).orderBy("revision").execute(),
    );
    expect(versions.map((version) => version.text)).toEqual(["a", "b"]);
  });

  it("lets one of two readers of one pts store, and tells the other", async () => {
    const id = await newChannel();
    await database.asWorker((tx) =>
      storeHistory(tx, { channelId: id, ptsAtCall: null, newPts: 1, messages: [], covers: null, readAt }),
    );
    const page = {
      channelId: id,
      pts: { from: 1, to: 2 },
      messages: [post({ id: 1 })],
      deletedIds: [],
      pins: [],
      covers: { from: 1, to: 1 },
      topMessageId: 1,
      readAt,
    };
    const results = await Promise.allSettled([1, 2, 3].map(() => database.asWorker((tx) => storeDifference(tx, page))));
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
    for (const result of results) if (result.status === "rejected") expect(result.reason).toBeInstanceOf(PageStale);
    expect(await database.asWorker((tx) => countMessages(tx, id))).toEqual({ messages: 1, deleted: 0, versions: 0 });
  });
});
