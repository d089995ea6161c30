import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IdRange } from "../../db/channels.ts";
import type { ChannelMessage } from "../../db/message.ts";
import type { HistoryPage } from "../../telegram/api.ts";
import { highestKnown, historyCovers, nextHole, subtract } from "../../workers/parse/coverage.ts";

const ranges = fc.array(
  fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 15 }))
    .map(([from, n]) => ({ from, to: from + n })),
  { maxLength: 6 },
);
const idsIn = (list: readonly IdRange[]) =>
  new Set(list.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index)));
const page = (ids: readonly number[], count: number, skipped: readonly number[] = []): HistoryPage => ({
  messages: ids.map((id) => ({ id }) as ChannelMessage),
  skipped: skipped.map((id) => ({ id, reason: "unknown" })),
  pts: null,
  count,
});

describe("ranges", () => {
  it("subtracts as sets do", () => {
    fc.assert(
      fc.property(ranges, ranges, (some, minus) => {
        const gone = idsIn(minus);
        const expected = [...idsIn(some)].filter((id) => !gone.has(id)).sort((a, b) => a - b);
        expect([...idsIn(subtract(some, minus))].sort((a, b) => a - b)).toEqual(expected);
      }),
    );
  });
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
      covered: ranges,
      unverified: ranges,
      deleted: fc.uniqueArray(fc.integer({ min: 1, max: 70 })),
      sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      floor: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(world, ({ top, covered, unverified, deleted, sizes, floor }) => {
        const living = Array.from({ length: top }, (_, index) => index + 1).filter((id) => !deleted.includes(id));
        let ledger = {
          covered: covered as IdRange[],
          unverified: unverified.filter((each) => each.to <= top),
          topMessageId: top,
        };
        const read = new Set<number>();
        const mustRead = [...idsIn(subtract([{ from: floor, to: top }], subtract(covered, ledger.unverified)))];
        let turns = 0;
        for (let hole = nextHole(ledger, floor); hole; hole = nextHole(ledger, floor)) {
          expect(hole.lowest).toBeGreaterThanOrEqual(floor);
          const { offsetId } = hole;
          const ids = living
            .filter((id) => id < offsetId && id >= floor)
            .slice(-(sizes[turns % sizes.length] ?? 1))
            .reverse();
          for (const id of ids) read.add(id);
          const accounted = historyCovers(page(ids, living.length), { offsetId, upper: offsetId - 1, floor });
          if (!accounted) throw new Error("a page that accounts for nothing would be read for ever");
          ledger = {
            ...ledger,
            covered: [...ledger.covered, accounted],
            unverified: subtract(ledger.unverified, [accounted]),
          };
          turns += 1;
          expect(turns).toBeLessThan(200);
        }
        // Nothing that lives is taken for accounted without having been read.
        for (const id of mustRead) if (living.includes(id)) expect(read.has(id)).toBe(true);
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
