import type { LeaseRow } from "../../db/leases.ts";

/** What a process has seen of the leases of all processes, and for how long. Time is its own monotonic clock. */
export interface Watch {
  /** Notes one listing of all leases. `receivedAt`: when the answer was there. */
  observe(rows: readonly LeaseRow[], receivedAt: number): void;
  /**
   * The row of a lease that stood still from its first sighting until `now` for the whole time, else null. What it
   * gives back is taken by compare-and-set on (token, beat): a beat only rises, so no look in between is needed.
   */
  standingStill(sessionId: bigint, now: number): LeaseRow | null;
  /**
   * Notes PostgreSQL's timeline (null: it does not tell). A change is a failover: beats, and leases, may have been
   * lost with the old primary, so everything seen so far counts for nothing.
   */
  timeline(timeline: string | null, now: number): void;
  /** The one noted last; null where PostgreSQL does not tell. */
  readonly currentTimeline: string | null;
  /** Whether a lease may be taken at all: false for lease + quiet time after a failover. */
  mayTake(now: number): boolean;
}

/** @param standStillMs lease + quiet time */
export function createWatch(standStillMs: number): Watch {
  let seen = new Map<bigint, { row: LeaseRow; since: number }>();
  let current: string | null = null;
  let closedUntil = Number.NEGATIVE_INFINITY;
  return {
    observe(rows, receivedAt) {
      const next = new Map<bigint, { row: LeaseRow; since: number }>();
      for (const row of rows) {
        const before = seen.get(row.sessionId);
        const same = before && before.row.token === row.token && before.row.beat === row.beat;
        next.set(row.sessionId, same ? before : { row, since: receivedAt });
      }
      seen = next;
    },
    standingStill(sessionId, now) {
      const sighting = seen.get(sessionId);
      return sighting && now - sighting.since >= standStillMs ? sighting.row : null;
    },
    timeline(timeline, now) {
      if (timeline === null || timeline === current) return;
      if (current !== null) {
        seen = new Map();
        closedUntil = now + standStillMs;
      }
      current = timeline;
    },
    get currentTimeline() {
      return current;
    },
    mayTake: (now) => now >= closedUntil,
  };
}
