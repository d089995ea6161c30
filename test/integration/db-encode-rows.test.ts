import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import type { ChannelMessage } from "../../db/message.ts";
import { incomingRows } from "../../db/store/columns.ts";
import { encodeRows, prepareRows } from "../../db/store/encode-rows.ts";
import { layersOf } from "../../db/store/merge.ts";
import { silentLog } from "../../runtime/log.ts";
import { post } from "../support/posts.ts";
import { testDatabase } from "../support/services.ts";

let place: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
beforeAll(async () => {
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 1, fencedStatementMs: 5_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await place?.drop();
});

/** What PostgreSQL makes of the arrays, and what was said to be otherwise than it came. */
async function encoded(messages: readonly ChannelMessage[]) {
  const { arrays, sizes, repaired } = encodeRows(messages);
  const { rows } = await database.once((tx) => incomingRows(arrays).execute(tx));
  return { rows: rows as Record<string, never>[], sizes, repaired };
}

describe("a page as arrays", () => {
  it("says the same as the message, down to the last bit", async () => {
    const message = post({
      ...{ id: 2 ** 31 - 1, groupedId: -(2n ** 63n), viaBotId: 2n ** 63n - 1n, pinned: true, author: "" },
      date: new Date(1_700_000_000_000),
      editDate: new Date(1_700_000_001_000),
      reply: { messageId: 1, peer: null, topId: null, quote: "€ 🙂", quoteOffset: 0 },
      stats: { views: -1, forwards: 0, replies: null, reactions: [], pollResults: null },
    });
    const { rows, sizes } = await encoded([message, post({ id: 2, text: "x".repeat(1_000_000) })]);
    expect(rows[0]).toMatchObject({
      ...{ id: message.id, date: message.date, edit_date: message.editDate, text: message.text, author: "" },
      ...{ grouped_id: message.groupedId, via_bot_id: message.viaBotId, pinned: true, silent: false },
      ...{ reply: message.reply, views: -1, forwards: 0, replies: null, reactions: [], media: null },
    });
    expect(String(rows[1]?.text).length).toBe(1_000_000);
    expect(sizes[1]).toBeGreaterThan(1_000_000);
  });

  it("is the same where it was prepared, what was made sound and what cannot be prepared too", () => {
    const messages = () => [
      post({
        id: 1,
        text: "plain",
        stats: { views: 3, forwards: null, replies: null, reactions: [], pollResults: null },
      }),
      post({ id: 2, text: "zero \0 and half \ud83d", entities: [{ kind: "bold", offset: 90, length: 5 }] as never }),
    ];
    const prepared = messages();
    prepareRows(prepared);
    expect(encodeRows(prepared)).toEqual(encodeRows(messages()));
    const turnsOnItself: { self?: unknown } = {};
    turnsOnItself.self = turnsOnItself;
    const unwritable = [post({ id: 3, media: turnsOnItself as never })];
    expect(() => prepareRows(unwritable)).not.toThrow();
    expect(() => encodeRows(unwritable)).toThrow(/circular/);
  });

  it("refuses a number that its column does not hold", () => {
    expect(() => encodeRows([post({ id: 2 ** 31 })])).toThrow(RangeError);
  });

  it("leaves alone what PostgreSQL can hold, look-alikes included", async () => {
    const text = 'emoji 🙂, quotes ", backslash \\, the six characters \\u0000, and \\ud83d';
    const { rows, repaired } = await encoded([post({ id: 7, text })]);
    expect(repaired).toEqual([]);
    expect(rows[0]?.text).toBe(text);
  });

  it("replaces U+0000 and lone surrogates one for one, wherever they stand, and names the message", async () => {
    const media = { kind: "dice", emoji: "\u0000", value: 3 } as const;
    const { rows, repaired } = await encoded([
      post({ id: 1, text: "a\u0000b\ud83dc🙂\ude42" }),
      post({ id: 2, text: "fine" }),
      post({ id: 3, media }),
    ]);
    expect(repaired.map(({ id }) => id)).toEqual([1, 3]);
    expect(rows[0]?.text).toBe("a\ufffdb\ufffdc🙂\ufffd");
    expect(rows[1]?.text).toBe("fine");
    expect(rows[2]?.media).toMatchObject({ emoji: "\ufffd" });
  });

  it("leaves out entities beyond the text, keeps the others as they are, and says what is missing", async () => {
    const bold = (offset: number, length: number) => ({ type: "bold", offset, length });
    const entities = [
      bold(0, 6),
      bold(2, 5),
      bold(-1, 2),
      bold(6, 1),
      bold(1, 0),
      bold(1, 5),
      { ...bold(0, 1), type: "unknown" },
    ];
    const { rows, repaired } = await encoded([
      post({ id: 1, text: "abcd🙂", entities }),
      post({ id: 2, media: { kind: "other", constructorName: "MessageMediaStory" } }),
      post({ id: 3, kind: "service", service: { type: "empty" } }),
      post({ id: 4, text: "abcdef", entities: [bold(0, 6), bold(0, 6)] }),
      post({ id: 5, entities: [bold(0, 1)] }),
    ]);
    expect(rows[0]?.entities).toEqual([bold(0, 6), bold(1, 5), { ...bold(0, 1), type: "unknown" }]);
    expect([rows[3]?.entities, rows[4]?.entities]).toEqual([[bold(0, 6), bold(0, 6)], null]);
    expect(repaired).toEqual([
      {
        id: 1,
        reason: "stored, without 4 of 7 entities, which reach beyond the text, with 1 of 7 entities of an unknown kind",
      },
      { id: 2, reason: "stored, without its media, a MessageMediaStory" },
      { id: 3, reason: "stored, without its action, which is of an unknown kind" },
      { id: 5, reason: "stored, without 1 of 1 entities, which reach beyond the text" },
    ]);
  });

  it("splits a page that brings an id twice into layers, in order", () => {
    const page = [post({ id: 1, text: "a" }), post({ id: 2 }), post({ id: 1, text: "b" }), post({ id: 1, text: "c" })];
    expect(layersOf(page).map((layer) => layer.map(({ id, text }) => `${id}${text}`))).toEqual([
      ["1a", "2"],
      ["1b"],
      ["1c"],
    ]);
  });
});
