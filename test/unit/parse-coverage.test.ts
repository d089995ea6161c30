import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IdRange } from "../../db/channels.ts";
import type { ChannelMessage } from "../../db/message.ts";
import type { HistoryPage } from "../../telegram/api.ts";
import { highestKnown, historyCovers, nextHole } from "../../workers/parse/coverage.ts";

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 70 }));
/** A set of ids as PostgreSQL keeps it: in order, merged. */
function rangesOf(set: Iterable<number>): IdRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const id of [...set].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && id === last.to + 1) last.to = id;
    else ranges.push({ from: id, to: id });
  }
  return ranges;
}
const page = (ids: readonly number[], count: number, skipped: readonly number[] = []): HistoryPage => ({
  messages: ids.map((id) => ({ id }) as ChannelMessage),
  skipped: skipped.map((id) => ({ id, reason: "unknown" })),
  pts: null,
  count,
});

describe("the next hole", () => {
  it.each([
    ["an empty ledger", { covered: [], unverified: [], topMessageId: 50 }, 1, { offsetId: 51, lowest: 1 }],
    [
      "only the head read",
      { covered: [{ from: 20, to: 50 }], unverified: [], topMessageId: 50 },
      1,
      { offsetId: 20, lowest: 1 },
    ],
    ["all of it", { covered: [{ from: 1, to: 50 }], unverified: [], topMessageId: 50 }, 1, null],
    [
      "a raised top",
      { covered: [{ from: 1, to: 50 }], unverified: [], topMessageId: 60 },
      1,
      { offsetId: 61, lowest: 51 },
    ],
    [
      "two holes: the newer",
      {
        covered: [
          { from: 1, to: 5 },
          { from: 10, to: 20 },
          { from: 30, to: 50 },
        ],
        unverified: [],
        topMessageId: 50,
      },
      1,
      { offsetId: 30, lowest: 21 },
    ],
    [
      "what became unverified",
      { covered: [{ from: 1, to: 50 }], unverified: [{ from: 1, to: 30 }], topMessageId: 50 },
      1,
      { offsetId: 31, lowest: 1 },
    ],
    ["what the account may not see", { covered: [{ from: 20, to: 50 }], unverified: [], topMessageId: 50 }, 20, null],
    ["an empty channel", { covered: [], unverified: [], topMessageId: 0 }, 1, null],
  ])("of %s", (_what, ledger, floor, expected) => {
    expect(nextHole(ledger, floor)).toEqual(expected);
  });

  it("leads to a complete channel, whatever the ledger, the deletions and the pages' sizes", () => {
    const world = fc.record({
      top: fc.integer({ min: 1, max: 70 }),
      read: ids,
      doubtful: ids,
      deleted: ids,
      sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      floor: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(world, ({ top, read, doubtful, deleted, sizes, floor }) => {
        const all = Array.from({ length: top }, (_, index) => index + 1);
        const living = all.filter((id) => !deleted.includes(id));
        const covered = new Set(read.filter((id) => id <= top));
        const unverified = new Set(doubtful.filter((id) => covered.has(id)));
        const toRead = living.filter((id) => id >= floor && (!covered.has(id) || unverified.has(id)));
        const nowRead = new Set<number>();
        const next = () =>
          nextHole({ covered: rangesOf(covered), unverified: rangesOf(unverified), topMessageId: top }, floor);
        let turns = 0;
        for (let hole = next(); hole; hole = next()) {
          expect(hole.lowest).toBeGreaterThanOrEqual(floor);
          const { offsetId } = hole;
          const size = sizes[turns % sizes.length] ?? 1;
          const given = living.filter((id) => id < offsetId && id >= floor).slice(-size);
          for (const id of given) nowRead.add(id);
          const at = { offsetId, upper: offsetId - 1, floor };
          const accounted = historyCovers(page(given.reverse(), living.length), at);
          if (!accounted) throw new Error("a page that accounts for nothing would be read for ever");
          for (let id = accounted.from; id <= accounted.to; id += 1) {
            covered.add(id);
            unverified.delete(id);
          }
          turns += 1;
          expect(turns).toBeLessThan(200);
        }
        // Nothing that lives is taken for accounted without having been read.
        for (const id of toRead) expect(nowRead.has(id)).toBe(true);
      }),
    );
  });
});

describe("what a page of history accounts for", () => {
  const head = { offsetId: 0, upper: 50, floor: 1 };

  it("reaches from its lowest id to the top", () => {
    expect(historyCovers(page([50, 48, 41], 30), head)).toEqual({ from: 41, to: 50 });
  });
  it("reaches above a top that is behind", () => {
    expect(historyCovers(page([52, 48], 30), head)).toEqual({ from: 48, to: 52 });
  });
  it("counts what could not be read", () => {
    expect(historyCovers(page([50], 30, [40]), head)).toEqual({ from: 40, to: 50 });
  });
  it("reaches to the floor where the page from the top is the whole channel, or is empty", () => {
    expect(historyCovers(page([50, 48], 2), head)).toEqual({ from: 1, to: 50 });
    expect(historyCovers(page([], 0), { offsetId: 41, upper: 40, floor: 7 })).toEqual({ from: 7, to: 40 });
  });
  it("takes a short page further down for no proof of the beginning", () => {
    expect(historyCovers(page([30, 29], 2), { offsetId: 41, upper: 40, floor: 1 })).toEqual({ from: 29, to: 40 });
  });
  it("accounts for nothing below what the account may see", () => {
    expect(historyCovers(page([50, 48], 2), { ...head, floor: 49 })).toEqual({ from: 49, to: 50 });
    expect(historyCovers(page([], 0), { offsetId: 0, upper: 0, floor: 1 })).toBeNull();
  });
});

it("knows the highest id from coverage and top alike", () => {
  expect(highestKnown({ covered: [{ from: 1, to: 9 }], unverified: [], topMessageId: 7 })).toBe(9);
  expect(highestKnown({ covered: [], unverified: [], topMessageId: 7 })).toBe(7);
});
