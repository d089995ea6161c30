import { describe, expect, it } from "vitest";
import { encodeRows } from "../../db/store/columns.ts";
import { layersOf } from "../../db/store/merge.ts";
import { post } from "../support/posts.ts";

describe("a page as JSON", () => {
  it("leaves alone what PostgreSQL can hold, look-alikes included", () => {
    const text = 'emoji 🙂, quotes ", backslash \\, the six characters \\u0000, and \\ud83d';
    const { json, repaired } = encodeRows([post({ id: 7, text })]);
    expect(repaired).toEqual([]);
    expect(JSON.parse(json)[0].text).toBe(text);
  });

  it("replaces U+0000 and lone surrogates one for one, wherever they stand, and names the message", () => {
    const media = { kind: "dice", emoji: "\u0000", value: 3 } as const;
    const { json, repaired } = encodeRows([
      post({ id: 1, text: "a\u0000b\ud83dc🙂\ude42" }),
      post({ id: 2, text: "fine" }),
      post({ id: 3, media }),
    ]);
    const rows = JSON.parse(json);
    expect(repaired.map(({ id }) => id)).toEqual([1, 3]);
    expect(rows[0].text).toBe("a\ufffdb\ufffdc🙂\ufffd");
    expect(rows[1].text).toBe("fine");
    expect(rows[2].media.emoji).toBe("\ufffd");
  });

  it("leaves out entities beyond the text, keeps the others as they are, and says what is missing", () => {
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
    const { json, repaired } = encodeRows([
      post({ id: 1, text: "abcd🙂", entities }),
      post({ id: 2, media: { kind: "other", constructorName: "MessageMediaStory" } }),
      post({ id: 3, kind: "service", service: { type: "empty" } }),
      post({ id: 4, text: "abcdef", entities: [bold(0, 6), bold(0, 6)] }),
      post({ id: 5, entities: [bold(0, 1)] }),
    ]);
    const rows = JSON.parse(json);
    expect(rows[0].entities).toEqual([bold(0, 6), bold(1, 5), { ...bold(0, 1), type: "unknown" }]);
    expect([rows[3].entities.length, rows[4].entities]).toEqual([2, undefined]);
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
