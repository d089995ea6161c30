import type { Clock } from "../../runtime/clock.ts";

/**
 * The end of a wait on two clocks: the wall clock's reading, and the process's monotonic clock, which stands in for the
 * clock of whoever set the wait (PostgreSQL, or this process when Telegram answered).
 */
export interface WaitEnd {
  readonly wall: number;
  readonly monotonic: number;
}

/** Telegram counts whole seconds from its answer; what counts less than one is one. */
export function waitEndAfter(clock: Clock, seconds: number): WaitEnd {
  const milliseconds = Math.max(1, seconds) * 1000;
  return { wall: clock.now() + milliseconds, monotonic: clock.monotonic() + milliseconds };
}

/**
 * The end of a wait that PostgreSQL names by its own clock.
 *
 * @param serverNow PostgreSQL's clock at some moment before now: taken for now, so that the wait ends rather late
 */
export function waitEndFromServer(clock: Clock, until: Date, serverNow: Date): WaitEnd {
  return { wall: until.getTime(), monotonic: clock.monotonic() + (until.getTime() - serverNow.getTime()) };
}

/** Never shortened: the later end on each clock. */
export function laterEnd(one: WaitEnd | undefined, other: WaitEnd): WaitEnd {
  if (!one) return other;
  return { wall: Math.max(one.wall, other.wall), monotonic: Math.max(one.monotonic, other.monotonic) };
}

/** Milliseconds still to wait: over only when both clocks say so. */
export function msRemaining(end: WaitEnd, clock: Clock): number {
  return Math.max(0, end.wall - clock.now(), end.monotonic - clock.monotonic());
}
