import { table } from "../cli/output.ts";
import type { Score, Spread } from "./score.ts";

/** What `--json` prints: one entry a row that ran. */
export interface Report {
  readonly rows: readonly {
    readonly row: string;
    readonly ours: number;
    readonly baseline: number;
    readonly ratio: number;
    readonly atLeast: number;
    readonly pass: boolean;
  }[];
}

/** Rounded for reading; whether a row passes was decided before. */
export function reportOf(scores: readonly Score[]): Report {
  return {
    rows: scores.map(({ row, ours, baseline, ratio, pass }) => ({
      row: row.name,
      ours: rounded(ours),
      baseline: rounded(baseline),
      ratio: rounded(ratio),
      atLeast: rounded(row.atLeast),
      pass,
    })),
  };
}

/** The table for people: medians, least and most in brackets, and what each row is. */
export function describe(scores: readonly Score[]): string[] {
  return [
    ...table(
      ["row", "unit", "ours", "baseline", "ratio", "at least", ""],
      scores.map(({ row, spread, ...middle }) => [
        row.name,
        row.unit,
        withSpread(middle.ours, spread.ours),
        withSpread(middle.baseline, spread.baseline),
        withSpread(middle.ratio, spread.ratio),
        shown(row.atLeast),
        middle.pass ? "holds" : "DOES NOT HOLD",
      ]),
    ),
    "",
    ...scores.map(({ row }) => `${row.name}: ${row.what}, against ${row.against}`),
  ];
}

function withSpread(middle: number, { least, most }: Spread): string {
  return least === most ? shown(middle) : `${shown(middle)} (${shown(least)}–${shown(most)})`;
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
const shown = (value: number): string => (value >= 1_000 ? value.toFixed(0) : String(Math.round(value * 100) / 100));
