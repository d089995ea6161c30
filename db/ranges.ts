/** Message ids from `from` to `to`, both included. */
export interface IdRange {
  readonly from: number;
  readonly to: number;
}

/** Reads PostgreSQL's text of an int4multirange, `{[1,5),[9,12)}`, which is always in order and merged. */
export function parseRanges(text: string): IdRange[] {
  if (text === "{}") return [];
  return [...text.matchAll(/\[(\d+),(\d+)\)/g)].map((match) => ({ from: Number(match[1]), to: Number(match[2]) - 1 }));
}

/** The same the other way; ranges may overlap and come in any order, empty ones (`to` below `from`) are left out. */
export function formatRanges(ranges: readonly IdRange[]): string {
  const parts = ranges.filter(({ from, to }) => from <= to).map(({ from, to }) => `[${from},${to + 1})`);
  return `{${parts.join(",")}}`;
}

export function countIds(ranges: readonly IdRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + (to - from + 1), 0);
}

/**
 * The ids from `floor` to `top` that are still to be read, in ascending order: not covered, or covered but unverified.
 * A channel is complete where there is none. Both lists must be in order and merged, as PostgreSQL keeps them.
 */
export function missingRanges(
  ledger: { readonly covered: readonly IdRange[]; readonly unverified: readonly IdRange[] },
  top: number,
  floor = 1,
): IdRange[] {
  const missing = [...gaps(ledger.covered, top, floor), ...clip(ledger.unverified, top, floor)];
  missing.sort((one, other) => one.from - other.from);
  const merged: { from: number; to: number }[] = [];
  for (const range of missing) {
    const last = merged.at(-1);
    if (last && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  return merged;
}

function gaps(covered: readonly IdRange[], top: number, floor: number): IdRange[] {
  const found: IdRange[] = [];
  let next = floor;
  for (const range of covered) {
    if (range.from > next) found.push({ from: next, to: Math.min(range.from - 1, top) });
    next = Math.max(next, range.to + 1);
  }
  if (next <= top) found.push({ from: next, to: top });
  return found.filter(({ from, to }) => from <= to);
}

function clip(ranges: readonly IdRange[], top: number, floor: number): IdRange[] {
  return ranges
    .map(({ from, to }) => ({ from: Math.max(from, floor), to: Math.min(to, top) }))
    .filter(({ from, to }) => from <= to);
}
