import type { Clock } from "../../runtime/clock.ts";

/** A clock that stands still until told to move. */
export interface ManualClock extends Clock {
  /** Time passes, on both clocks. */
  pass(milliseconds: number): void;
  /** The wall clock is set, the monotonic one is not. */
  jump(milliseconds: number): void;
}

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let wall = start;
  let monotonic = 1_000;
  return {
    now: () => wall,
    monotonic: () => monotonic,
    pass(milliseconds) {
      wall += milliseconds;
      monotonic += milliseconds;
    },
    jump(milliseconds) {
      wall += milliseconds;
    },
  };
}
