import { integer, sample, tuple, uniqueArray } from "fast-check";
import { describe, expect, it } from "vitest";
import { countIds, formatRanges, type IdRange, missingRanges, parseRanges } from "../../db/ranges.ts";

const rangesOf = (ids: Iterable<number>): IdRange[] => {
  const ranges: { from: number; to: number }[] = [];
  for (const id of [...ids].sort((one, other) => one - other)) {
    const last = ranges.at(-1);
    if (last && last.to === id - 1) last.to = id;
    else ranges.push({ from: id, to: id });
  }
  return ranges;
};

const idSet = uniqueArray(integer({ min: 1, max: 40 }));

describe("id ranges", () => {
  it("reads and writes PostgreSQL's text", () => {
    expect(parseRanges("{}")).toEqual([]);
    expect(parseRanges("{[1,5),[9,12)}")).toEqual([
      { from: 1, to: 4 },
      { from: 9, to: 11 },
    ]);
    expect(formatRanges([{ from: 1, to: 4 }])).toBe("{[1,5)}");
    expect(formatRanges([{ from: 5, to: 4 }])).toBe("{}");
  });

  it("reads back what it writes", () => {
    for (const ids of sample(idSet, 100)) {
      const ranges = rangesOf(ids);
      expect(parseRanges(formatRanges(ranges))).toEqual(ranges);
      expect(countIds(ranges)).toBe(ids.length);
    }
  });

  it("finds what is missing, as counting one by one does", () => {
    const cases = tuple(idSet, idSet, integer({ min: 0, max: 45 }), integer({ min: 1, max: 20 }));
    for (const [covered, doubts, top, floor] of sample(cases, 300)) {
      const unverified = doubts.filter((id) => covered.includes(id));
      const missing = Array.from({ length: top }, (_, index) => index + 1).filter(
        (id) => id >= floor && (!covered.includes(id) || unverified.includes(id)),
      );
      const ledger = { covered: rangesOf(covered), unverified: rangesOf(unverified) };
      expect(missingRanges(ledger, top, floor), JSON.stringify({ ledger, top, floor })).toEqual(rangesOf(missing));
    }
  });
});
