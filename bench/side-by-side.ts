import type { Pair } from "./score.ts";

/** One run of one side: so many of the unit, in so many seconds. */
export interface Run {
  readonly count: number;
  readonly seconds: number;
}

export interface Sides {
  readonly ours: () => Promise<Run>;
  readonly baseline: () => Promise<Run>;
}

/**
 * Runs both sides in turn (A B A B …), so that whatever else the machine does meets both alike. The first pair warms
 * caches and compilers, and is not counted.
 *
 * @returns the rates of each pair, in units a second
 */
export async function sideBySide(
  sides: Sides,
  options: { readonly pairs: number; readonly note: (text: string) => void },
): Promise<Pair[]> {
  const counted: Pair[] = [];
  for (let turn = 0; turn <= options.pairs; turn += 1) {
    const pair = { ours: rateOf(await sides.ours()), baseline: rateOf(await sides.baseline()) };
    const name = turn === 0 ? "warm-up" : `pair ${turn} of ${options.pairs}`;
    options.note(`${name}: ours ${pair.ours.toFixed(0)}/s, baseline ${pair.baseline.toFixed(0)}/s`);
    if (turn > 0) counted.push(pair);
  }
  return counted;
}

const rateOf = ({ count, seconds }: Run): number => count / seconds;
