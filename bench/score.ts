import type { Row } from "./rows.ts";

/** One side's value and the other's, taken one after the other, in the row's unit. */
export interface Pair {
  readonly ours: number;
  readonly baseline: number;
}

export interface Spread {
  readonly least: number;
  readonly most: number;
}

/**
 * What a row came to. `ours` and `baseline` are medians of their sides. `ratio` is the median of the pairs' ratios: what
 * slows the machine down slows both runs of a pair, and falls out of their ratio, but not out of that of the medians.
 */
export interface Score {
  readonly row: Row;
  readonly ours: number;
  readonly baseline: number;
  readonly ratio: number;
  readonly pass: boolean;
  readonly spread: { readonly ours: Spread; readonly baseline: Spread; readonly ratio: Spread };
}

/** @throws where there is no pair */
export function score(row: Row, pairs: readonly Pair[]): Score {
  const ours = pairs.map((pair) => pair.ours);
  const baseline = pairs.map((pair) => pair.baseline);
  const ratios = pairs.map((pair) => (row.better === "more" ? pair.ours / pair.baseline : pair.baseline / pair.ours));
  const ratio = median(ratios);
  return {
    row,
    ours: median(ours),
    baseline: median(baseline),
    ratio,
    pass: ratio >= row.atLeast,
    spread: { ours: spread(ours), baseline: spread(baseline), ratio: spread(ratios) },
  };
}

/** The middle value, or the mean of the two in the middle. @throws where there is none */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("no median of nothing");
  const sorted = values.toSorted((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

const spread = (values: readonly number[]): Spread => ({ least: Math.min(...values), most: Math.max(...values) });
