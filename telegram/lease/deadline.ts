import type { Clock } from "../../runtime/clock.ts";

/** One instant on both of a process's clocks. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

export const momentOf = (clock: Clock): Moment => ({ wall: clock.now(), monotonic: clock.monotonic() });

/**
 * How many milliseconds a lease renewed at `renewedAt` has left, 0 when it is past. `renewedAt` is the moment *before*
 * the renewal was sent. Past if either clock says so: the monotonic clock may stand still while a machine sleeps, the
 * wall clock may be set back.
 */
export function leaseLeft(renewedAt: Moment, now: Moment, leaseMs: number): number {
  const elapsed = Math.max(now.monotonic - renewedAt.monotonic, now.wall - renewedAt.wall);
  return Math.max(0, leaseMs - elapsed);
}
