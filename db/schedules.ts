import type { TenantTx, Tx, WorkerTx } from "./database.ts";
import { unwritten } from "./unwritten.ts";

/** A user claimed by the due scan. */
export interface DueUser {
  readonly userId: bigint;
  readonly tenantId: string;
  readonly queue: string;
  readonly nextParseAt: Date;
  readonly plan: "free" | "premium";
  readonly paidUntil: Date | null;
  readonly trialExpiresAt: Date | null;
}

/**
 * Locks and marks up to `limit` users that are due and have no run in flight, oldest first
 * (`FOR UPDATE OF schedules SKIP LOCKED`), and gives them back. The caller enqueues them before it commits: a crash
 * in between replays, and deduplication absorbs the replay.
 */
export async function claimDue(_tx: WorkerTx, _limit: number): Promise<DueUser[]> {
  return unwritten();
}

/**
 * The same for users that were claimed longer than `afterMs` ago and never started since, and for those that started
 * but hold no living lease and have no end after `afterMs`; spares accounts with a running wait and `pausedQueues`.
 * Re-stamps `last_enqueued_at`, so that each is found again only after another `afterMs` (the back-off).
 */
export async function claimOverdue(
  _tx: WorkerTx,
  _options: { afterMs: number; limit: number; pausedQueues: readonly string[] },
): Promise<DueUser[]> {
  return unwritten();
}

/** Redis has lost its jobs: every claim without a living lease is void, its user due again. Gives their number. */
export async function voidClaims(_tx: WorkerTx): Promise<number> {
  return unwritten();
}

/** Marks the run as started. */
export async function markStarted(_tx: WorkerTx, _userId: bigint): Promise<void> {
  return unwritten();
}

/** The end of a run, whatever its outcome: no run in flight, and the next one at `nextParseAt`. */
export async function finish(_tx: WorkerTx, _userId: bigint, _nextParseAt: Date): Promise<void> {
  return unwritten();
}

export async function loadSchedule(
  _tx: Tx,
  _userId: bigint,
): Promise<{
  queue: string | null;
  nextParseAt: Date;
  claimedAt: Date | null;
  lastEnqueuedAt: Date | null;
  lastStartedAt: Date | null;
} | null> {
  return unwritten();
}

/** Whoever parses by hand marks the user claimed too, so that the due scan leaves it alone. */
export async function markEnqueued(_tx: Tx, _userIds: readonly bigint[]): Promise<void> {
  return unwritten();
}

/** What the schedule says now, for metrics and the live view: due and unclaimed, in flight, overdue by more than `lateMs`. */
export async function countSchedules(
  _tx: Tx,
  _lateMs: number,
): Promise<{ due: number; inFlight: number; late: number; schedulable: number }> {
  return unwritten();
}

/** Users whose parse lies ahead are made due now (`parse --all`, the end of `up`). Gives their number. */
export async function makeDue(_tx: TenantTx | WorkerTx, _userIds: readonly bigint[] | "all"): Promise<number> {
  return unwritten();
}
