import { sql } from "kysely";
import type { TenantTx, Tx, WorkerTx } from "./database.ts";
import { ofTenant } from "./tenant.ts";
import { usersHeldByWaits, usersWaiting } from "./waits.ts";

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

const milliseconds = (ms: number) => sql`${ms} * interval '1 millisecond'`;

/**
 * Where a look for due users begins, in the order of `next_parse_at`: at the first of all, at a time before which nobody
 * is left (what was claimed last), or where the last look found nobody any more.
 */
export type LookFrom = "the beginning" | Date | { readonly lookedMsAgo: number };

/**
 * A transaction that ended a run, or made somebody due, writes the time at which it began, and commits later: a look goes
 * back this far before the last one. What takes longer is found by the next look from the beginning.
 */
const COMMITTED_WITHIN = sql`interval '5 seconds'`;

/** As an index condition: never later than that, whatever the caller's clock says. */
const lookFrom = (from: LookFrom) => {
  if (from === "the beginning") return sql`true`;
  if ("lookedMsAgo" in from)
    return sql`next_parse_at >= now() - ${from.lookedMsAgo}::float8 * interval '1 millisecond' - ${COMMITTED_WITHIN}`;
  const latest = sql`now() - ${COMMITTED_WITHIN}`;
  return sql`next_parse_at >= least(${from}, ${latest})`;
};

/**
 * Locks and marks up to `limit` users that are due, have no run in flight and whose account has no wait that holds its
 * parses, oldest first (`FOR UPDATE OF schedules SKIP LOCKED`), and gives them back. The caller enqueues them before it commits: a crash
 * in between replays, and deduplication absorbs the replay.
 *
 * A look from the beginning passes over all whose run is in flight, and over what any snapshot may still see of parses long
 * gone: with a transaction open for hours these are millions. `from` spares that. By its ctid a row is found without
 * passing over all that it was before; it is locked, so that it keeps it.
 */
export async function claimDue(tx: WorkerTx, limit: number, from: LookFrom = "the beginning"): Promise<DueUser[]> {
  const { rows } = await claimOfDue(limit, from).execute(tx);
  return rows.map(toDueUser);
}

/** The statement of `claimDue`, for whoever wants to see its plan. */
export const claimOfDue = (limit: number, from: LookFrom) => sql<DueRow>`
    with due as (
      select ctid from schedules
      where claimed_at is null and queue is not null and next_parse_at <= now() and ${lookFrom(from)}
        and user_id not in (${usersHeldByWaits})
      order by next_parse_at limit ${sql.lit(limit)} for update skip locked
    ), claimed as (
      update schedules s set claimed_at = now(), last_enqueued_at = now()
      from due where s.ctid = due.ctid
      returning s.user_id, s.tenant_id, s.queue, s.next_parse_at
    )
    ${dueUsers}`;

/** Times as milliseconds: to read a timestamp's text costs ten times as much, and a scan reads thousands a second. */
const asMs = (column: string) => sql`(extract(epoch from ${sql.ref(column)}) * 1000)::float8`;
const dueUsers = sql`
  select c.user_id as "userId", c.tenant_id as "tenantId", c.queue, ${asMs("c.next_parse_at")} as "nextParseAt", u.plan,
    ${asMs("u.paid_until")} as "paidUntil", ${asMs("u.trial_expires_at")} as "trialExpiresAt"
  from claimed c join users u on u.id = c.user_id
  order by c.next_parse_at`;

interface DueRow extends Omit<DueUser, "nextParseAt" | "paidUntil" | "trialExpiresAt"> {
  readonly nextParseAt: number;
  readonly paidUntil: number | null;
  readonly trialExpiresAt: number | null;
}

const dateOf = (ms: number | null) => (ms === null ? null : new Date(ms));
const toDueUser = (row: DueRow): DueUser => ({
  ...row,
  nextParseAt: new Date(row.nextParseAt),
  paidUntil: dateOf(row.paidUntil),
  trialExpiresAt: dateOf(row.trialExpiresAt),
});

/** A run may last that many times as long as a claim may wait for its start, before its lease counts for nothing. */
const LONGEST_RUN = 10;

/**
 * The same for users that were claimed longer than `afterMs` ago and never started since, and for those that started
 * before that, have no end, and hold no lease; a lease spares them for ten times as long, since it outlives a worker
 * that was killed, and nobody asks for it while no job is there. Spares `pausedQueues`, and accounts that wait for a
 * method without which a parse can do nothing, or so shortly that their job is snoozed. Re-stamps `last_enqueued_at`, so that each is found again only after another
 * `afterMs` (the back-off). Too early is harmless: a job that is there absorbs its like.
 */
export async function claimOverdue(
  tx: WorkerTx,
  options: { afterMs: number; limit: number; pausedQueues: readonly string[] },
): Promise<DueUser[]> {
  const { rows } = await sql<DueRow>`
    with horizon as (
      select now() - ${milliseconds(options.afterMs)} as at
    ), lost as (
      select s.user_id from schedules s, horizon
      where s.claimed_at < horizon.at and s.queue is not null and s.next_parse_at <= now()
        and coalesce(s.last_enqueued_at, s.claimed_at) < horizon.at
        and (s.last_started_at is null or s.last_started_at < s.claimed_at
          or (s.last_started_at < horizon.at and not exists (${lease}))
          or s.last_started_at < now() - ${milliseconds(options.afterMs * LONGEST_RUN)})
        and s.queue <> all(${[...options.pausedQueues]}::text[])
        and s.user_id not in (${usersWaiting})
      order by s.next_parse_at limit ${options.limit} for update of s skip locked
    ), claimed as (
      update schedules s set last_enqueued_at = now()
      from lost where s.user_id = lost.user_id
      returning s.user_id, s.tenant_id, s.queue, s.next_parse_at
    )
    ${dueUsers}`.execute(tx);
  return rows.map(toDueUser);
}

/** What a transaction that began after ours may have written, and no more. */
const LATER = sql`now() + interval '1 minute'`;
const notLaterThanNow = (column: string) =>
  sql`${sql.ref(column)} = case when ${sql.ref(column)} > now() then now() else ${sql.ref(column)} end`;

/**
 * Where the database's clock was set back, what it wrote before lies in its future: users would not be due, nor their
 * claims overdue, for as long as that. Brings those times back to now, and next parses to within `longestMs`, the
 * longest that any lies ahead; of those whose run is in flight, to now. Looks at every row. Gives the number of users.
 */
export async function bringBackToNow(tx: WorkerTx, longestMs: number): Promise<number> {
  const { numAffectedRows } = await sql`
    update schedules set ${notLaterThanNow("claimed_at")}, ${notLaterThanNow("last_enqueued_at")},
      ${notLaterThanNow("last_started_at")},
      next_parse_at = least(next_parse_at, case when claimed_at is null then now() + ${milliseconds(longestMs)} else now() end)
    where greatest(claimed_at, last_enqueued_at, last_started_at) > ${LATER}
      or (claimed_at is not null and next_parse_at > ${LATER})
      or next_parse_at > ${LATER} + ${milliseconds(longestMs)}`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** PostgreSQL's clock, in milliseconds. */
export async function databaseTime(tx: WorkerTx): Promise<number> {
  const { rows } = await sql<{ ms: number }>`select (extract(epoch from now()) * 1000)::float8 as ms`.execute(tx);
  return rows[0]?.ms ?? 0;
}

const lease = sql`
  select from leases l join sessions e on e.id = l.session_id where e.user_id = s.user_id`;

/**
 * Redis has lost its jobs: every claim is void, its user due again. Gives their number. A run that still goes on is
 * followed by another one at worst; to spare whoever holds a lease would forget those whose worker died with Redis.
 */
export async function voidClaims(tx: WorkerTx): Promise<number> {
  const { numAffectedRows } = await sql`
    update schedules set claimed_at = null where claimed_at is not null`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

export { type StartedRun, startRun } from "./run-start.ts";

/** The end of a claim that came to no run: no run in flight, and the next one at `nextParseAt`. */
export async function finish(tx: WorkerTx, userId: bigint, nextParseAt: Date): Promise<void> {
  await sql`
    update schedules set claimed_at = null, next_parse_at = ${nextParseAt} where user_id = ${userId}`.execute(tx);
}

export interface Schedule {
  readonly queue: string | null;
  readonly nextParseAt: Date;
  readonly claimedAt: Date | null;
  readonly lastEnqueuedAt: Date | null;
  readonly lastStartedAt: Date | null;
}

export async function loadSchedule(tx: Tx, userId: bigint): Promise<Schedule | null> {
  const row = await tx
    .selectFrom("schedules")
    .selectAll()
    .where("user_id", "=", userId)
    .where(ofTenant("tenant_id"))
    .executeTakeFirst();
  if (!row) return null;
  return {
    queue: row.queue,
    nextParseAt: row.next_parse_at,
    claimedAt: row.claimed_at,
    lastEnqueuedAt: row.last_enqueued_at,
    lastStartedAt: row.last_started_at,
  };
}

/**
 * Whoever parses by hand marks the user claimed too, so that the due scan leaves it alone. Whoever is claimed is due:
 * claims are looked for among them.
 */
export async function markEnqueued(tx: Tx, userIds: readonly bigint[]): Promise<void> {
  await sql`
    update schedules set claimed_at = coalesce(claimed_at, now()), last_enqueued_at = now(),
      next_parse_at = least(next_parse_at, now())
    where user_id = any(${[...userIds]}::int8[]) and ${ofTenant("tenant_id")}`.execute(tx);
}

export interface DueCounts {
  /** Due and unclaimed. */
  readonly due: number;
  /** Claimed. */
  readonly inFlight: number;
  /** Due for more than `lateMs`, and not finished. */
  readonly late: number;
}

/** What the schedule says now, for metrics and the live view. Looks at those alone whose time has come. */
export async function countDue(tx: Tx, lateMs: number): Promise<DueCounts> {
  const { rows } = await sql<DueCounts>`
    select count(*) filter (where claimed_at is null)::int as due,
      count(*) filter (where claimed_at is not null)::int as "inFlight",
      count(*) filter (where next_parse_at < now() - ${milliseconds(lateMs)})::int as late
    from schedules where queue is not null and next_parse_at <= now() and ${ofTenant("tenant_id")}`.execute(tx);
  return rows[0] ?? { due: 0, inFlight: 0, late: 0 };
}

/** All who can be parsed. Looks at every one of them. */
export async function countSchedulable(tx: Tx): Promise<number> {
  const { rows } = await sql<{ schedulable: number }>`
    select count(*)::int as schedulable from schedules where queue is not null and ${ofTenant("tenant_id")}
  `.execute(tx);
  return rows[0]?.schedulable ?? 0;
}

/** Both. */
export async function countSchedules(tx: Tx, lateMs: number): Promise<DueCounts & { readonly schedulable: number }> {
  return { ...(await countDue(tx, lateMs)), schedulable: await countSchedulable(tx) };
}

/**
 * Users whose parse lies ahead are made due now (`parse --all`, the end of `up`); those in flight are left to their run.
 * Gives their number.
 */
export async function makeDue(tx: TenantTx | WorkerTx, userIds: readonly bigint[] | "all"): Promise<number> {
  const which = userIds === "all" ? sql`true` : sql`user_id = any(${[...userIds]}::int8[])`;
  const { numAffectedRows } = await sql`
    update schedules set next_parse_at = now()
    where next_parse_at > now() and claimed_at is null and queue is not null and ${which} and ${ofTenant("tenant_id")}
  `.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** Sets the time of a user's next parse, where no run is in flight. */
export async function setNextParse(tx: Tx, userId: bigint, at: Date): Promise<void> {
  await sql`
    update schedules set next_parse_at = ${at} where user_id = ${userId} and claimed_at is null
  `.execute(tx);
}
