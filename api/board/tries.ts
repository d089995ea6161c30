/** How many tries within a time are too many. */
export interface TryLimits {
  readonly perAddress: number;
  readonly perName: number;
  readonly withinMs: number;
}

/** A few for who mistypes. A name has more: whoever guesses it from many addresses must not lock its owner out at once. */
export const TRY_LIMITS: TryLimits = { perAddress: 10, perName: 30, withinMs: 15 * 60_000 };
/** Addresses and names that are counted at once. */
const COUNTED = 20_000;

/** Counts what was tried and did not succeed, in this process. Names are counted whether anybody has them or not. */
export interface Tries {
  /** Counts a try; gives how long to wait where there were too many before it, else null. */
  begin(address: string, name: string): number | null;
  /** Takes that try back: it succeeded. */
  succeeded(address: string, name: string): void;
}

export function createTries(now: () => number, limits: TryLimits = TRY_LIMITS): Tries {
  const counted = new Map<string, { count: number; readonly until: number }>();
  const entryOf = (key: string) => {
    const known = counted.get(key);
    if (known && known.until > now()) return known;
    const entry = { count: 0, until: now() + limits.withinMs };
    counted.delete(key);
    counted.set(key, entry);
    const oldest = counted.size > COUNTED ? counted.keys().next().value : undefined;
    if (oldest !== undefined) counted.delete(oldest);
    return entry;
  };
  const both = (address: string, name: string) =>
    [
      [entryOf(`address ${address}`), limits.perAddress],
      [entryOf(`name ${name.toLowerCase()}`), limits.perName],
    ] as const;
  return {
    begin(address, name) {
      const entries = both(address, name);
      const full = entries.filter(([entry, limit]) => entry.count >= limit);
      if (full.length > 0) return Math.max(...full.map(([entry]) => entry.until)) - now();
      for (const [entry] of entries) entry.count += 1;
      return null;
    },
    succeeded(address, name) {
      for (const [entry] of both(address, name)) entry.count = Math.max(0, entry.count - 1);
    },
  };
}
