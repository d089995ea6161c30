import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { decodeHint, encodeHint, LOOK_AT_ALL } from "../../db/post-hint.ts";
import { afterPost, CursorMalformed, decodeCursor, encodeCursor, START } from "../../db/posts.ts";

const channelId = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const position = fc.record({
  revision: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  upTo: fc.option(fc.nat(0x7fffffff), { nil: null }),
});
const cursors = fc.array(fc.tuple(channelId, position)).map((entries) => new Map(entries));

describe("a cursor", () => {
  it("comes back from its text, in which no character needs quoting", () => {
    fc.assert(
      fc.property(cursors, (cursor) => {
        const text = encodeCursor(cursor);
        expect(text).toMatch(/^[0-9a-f.-]+$/);
        expect(decodeCursor(text)).toEqual(cursor);
        expect(encodeCursor(new Map([...cursor].reverse()))).toBe(text);
      }),
    );
    expect(decodeCursor(encodeCursor(START))).toEqual(START);
  });

  it("stays short: a hundred channels in about 1,600 characters", () => {
    const cursor = new Map(Array.from({ length: 100 }, (_, n) => [2_000_000_000n + BigInt(n), at(100_000n, null)]));
    expect(encodeCursor(cursor).length).toBeLessThan(1_700);
  });

  it("stands behind a post that was read, and where it was elsewhere", () => {
    const cursor = new Map([[1n, at(5n, null)]]);
    const after = afterPost(cursor, { channelId: 2n, id: 7, revision: 3n });
    expect(after).toEqual(new Map([...cursor, [2n, at(3n, 7)]]));
    expect(cursor.size).toBe(1);
  });

  test.each([
    ["nothing", ""],
    ["another version", "2.1-1"],
    ["a word", "yesterday"],
    ["a channel alone", "1.1"],
    ["too many numbers", "1.1-1-1-1"],
    ["an empty entry", "1."],
    ["capitals", "1.A-1"],
    ["a channel beyond int8", "1.8000000000000000-1"],
    ["a revision beyond int8", "1.1-8000000000000000"],
    ["an id beyond int4", "1.1-1-80000000"],
    ["a channel twice", "1.1-1.01-2"],
    ["a quote", "1.1-1'"],
    ["a newline at its end", "1.1-1\n"],
  ])("is not made of %s", (_, text) => {
    expect(() => decodeCursor(text)).toThrow(CursorMalformed);
  });
});

describe("a hint", () => {
  it("comes back from its payload, or says to look at all where it is too long for one", () => {
    const revisions = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.array(fc.tuple(channelId, revisions), { minLength: 1, maxLength: 600 }), (entries) => {
        const hint = new Map(entries);
        const payload = encodeHint(hint);
        expect(payload.length).toBeLessThan(8_000);
        expect(decodeHint(payload)).toEqual(payload === LOOK_AT_ALL ? null : hint);
      }),
    );
    const channels = (count: number) =>
      new Map(Array.from({ length: count }, (_, n) => [2_000_000_000n + BigInt(n), 100_000n]));
    expect(encodeHint(channels(400))).not.toBe(LOOK_AT_ALL);
    expect(encodeHint(channels(500))).toBe(LOOK_AT_ALL);
  });

  test.each(["", "1", "1:2 ", "1:-2", "x:1", "1:2 3:4;"])("that reads %j says to look at all", (payload) => {
    expect(decodeHint(payload)).toBeNull();
  });
});

function at(revision: bigint, upTo: number | null) {
  return { revision, upTo };
}
