import type { Clock } from "../../runtime/clock.ts";

/** When a wait is over, on the process's monotonic clock: no wall clock that jumps while it runs shortens or prolongs it. */
export type WaitEnd = number;

/** Telegram counts whole seconds from its answer; what counts less than one is one. */
export function waitEndAfter(clock: Clock, seconds: number): WaitEnd {
  return clock.monotonic() + Math.max(1, seconds) * 1000;
}

/** A wait as PostgreSQL keeps it. */
export interface KeptWait {
  /** By PostgreSQL's clock. */
  readonly until: Date;
  /** By the clock of the process that met it. */
  readonly processUntil: Date;
  /** What Telegram asked for: at no time is more than this left. */
  readonly seconds: number;
}

/** Clocks of machines that work as they should differ by less. */
const SKEW_MS = 60_000;

/**
 * The end of a wait that PostgreSQL keeps: over when both clocks say so, so that neither, set forward, shortens it. A
 * clock that says more is left than there ever was has been set back since, and is not asked.
 *
 * @param serverNow PostgreSQL's clock at some moment before now: taken for now, so that the wait ends rather late
 */
export function waitEndFromServer(clock: Clock, wait: KeptWait, serverNow: Date): WaitEnd {
  const most = wait.seconds * 1000;
  const told = [wait.until.getTime() - serverNow.getTime(), wait.processUntil.getTime() - clock.now()];
  const believed = told.filter((left) => left <= most + SKEW_MS);
  return clock.monotonic() + Math.min(most, believed.length === 0 ? most : Math.max(...believed));
}

/** Milliseconds still to wait. */
export const msRemaining = (end: WaitEnd, clock: Clock): number => Math.max(0, end - clock.monotonic());
