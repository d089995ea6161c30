import type { Clock } from "../runtime/clock.ts";

/** How often somebody may do what costs us something, or what is guessed with. Counted in each process by itself. */
export interface Allowance {
  /** Takes one; when it may be tried again where none is left, in milliseconds from now. */
  take(telegramId: bigint): number | null;
}

/** Of people that are counted at once. */
const COUNTED = 50_000;

/** `most` within `perMs`, counted from the first one. */
export function createAllowance(options: { most: number; perMs: number; clock: Clock }): Allowance {
  const { most, perMs, clock } = options;
  const counts = new Map<bigint, { since: number; taken: number }>();
  return {
    take(telegramId) {
      const now = clock.monotonic();
      const known = counts.get(telegramId);
      if (known && now - known.since < perMs) {
        if (known.taken >= most) return known.since + perMs - now;
        known.taken += 1;
        return null;
      }
      counts.delete(telegramId);
      counts.set(telegramId, { since: now, taken: 1 });
      // The oldest go first: a Map keeps the order in which they came.
      for (const id of counts.keys())
        if (counts.size > COUNTED) counts.delete(id);
        else break;
      return null;
    },
  };
}
