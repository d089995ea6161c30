import type { Clock } from "../../runtime/clock.ts";

/** How near an API ID is to its limit, as one process sees it. */
export interface Load {
  /** Calls of this process that wait for a slot. */
  readonly waiting: number;
  /** Calls that could be asked for now, beside those that wait, and would begin within a second. */
  readonly free: number;
}

/** Remembers, for each API ID, for how long its slots are given out, as the last look at Redis said. */
export function createLoads(options: { callsPerSecond: number; forgetMs: number; clock: Clock }) {
  const { callsPerSecond, forgetMs, clock } = options;
  /** When the next slot comes, on our monotonic clock, and when we were told. */
  const seen = new Map<number, { readonly next: number; readonly at: number }>();
  return {
    /** @param aheadMs until the API ID's next slot, by Redis's clock; what is past counts as now */
    note(apiId: number, aheadMs: number): void {
      const at = clock.monotonic();
      seen.set(apiId, { next: at + aheadMs, at });
    },
    /** Of the API IDs that this process has called with lately. @param waiting calls in line, by API ID */
    all(waiting: (apiId: number) => number): Map<number, Load> {
      const now = clock.monotonic();
      const loads = new Map<number, Load>();
      for (const [apiId, { next, at }] of seen) {
        const inLine = waiting(apiId);
        if (inLine === 0 && now - Math.max(at, next) > forgetMs) {
          seen.delete(apiId);
          continue;
        }
        const seconds = 1 - Math.max(0, next - now) / 1_000;
        loads.set(apiId, { waiting: inLine, free: Math.max(0, Math.floor(callsPerSecond * seconds) - inLine) });
      }
      return loads;
    },
  };
}
