import type { Seen } from "./count.ts";
import type { Outcome } from "./simulate.ts";

/** What is predicted, and compared with what was seen. */
export type Predicted = Pick<Outcome, "parsesPerSecond" | "callsPerSecond" | "workerUse" | "lag">;

/** How far what was seen may lie from what was predicted: shares of the prediction, `lagP50` in seconds. */
export const TOLERANCE = { parsesPerSecond: 0.1, callsPerSecond: 0.1, workerUse: 0.3, lagP50: 0.5 } as const;

/**
 * Whose worker waited for a processor longer than this share of the time was on a machine that had too little left for it:
 * everything took as long as something else wanted, which nothing could predict. What it cost is compared all the same.
 */
export const MOST_WAITED = 1 / 3;

export type Measure = keyof typeof TOLERANCE;

export interface Agreement {
  /** How far each lies from the prediction, above it or below, as the tolerance is given. */
  readonly distance: Readonly<Record<Measure, number>>;
  /** What is further off than it may be; what was not seen is. */
  readonly tooFarOff: readonly Measure[];
  readonly notCompared: readonly Measure[];
}

export function compare(seen: Pick<Seen, keyof Predicted | "workerWaited">, predicted: Predicted): Agreement {
  const share = (what: "parsesPerSecond" | "callsPerSecond" | "workerUse") => seen[what] / predicted[what] - 1;
  const distance = {
    parsesPerSecond: share("parsesPerSecond"),
    callsPerSecond: share("callsPerSecond"),
    workerUse: share("workerUse"),
    lagP50: seen.lag.p50 - predicted.lag.p50,
  };
  const notCompared: Measure[] = seen.workerWaited > MOST_WAITED ? ["lagP50"] : [];
  const compared = (Object.keys(TOLERANCE) as Measure[]).filter((what) => !notCompared.includes(what));
  return {
    ...{ distance, notCompared },
    tooFarOff: compared.filter((what) => !(Math.abs(distance[what]) <= TOLERANCE[what])),
  };
}
