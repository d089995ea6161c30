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
    expect(repaired).toEqual([1, 3]);
    expect(rows[0].text).toBe("a\ufffdb\ufffdc🙂\ufffd");
    expect(rows[1].text).toBe("fine");
    expect(rows[2].media.emoji).toBe("\ufffd");
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
