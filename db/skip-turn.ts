import { sql } from "kysely";
import type { WorkerTx } from "./database.ts";

/** Whose turn was taken away: the parse that was to come is not made, and the next one is at `nextParseAt`. */
export interface SkippedTurn {
  readonly userId: bigint;
  readonly nextParseAt: Date;
}

/** What decides when these users are parsed next; whoever has begun since is left out. */
export async function claimedTurns(tx: WorkerTx, userIds: readonly bigint[]) {
  const { rows } = await sql<{
    userId: bigint;
    plan: "free" | "premium";
    paidUntil: Date | null;
    trialExpiresAt: Date | null;
    now: Date;
  }>`
    select u.id as "userId", u.plan, u.paid_until as "paidUntil", u.trial_expires_at as "trialExpiresAt", now() as now
    from schedules s join users u on u.id = s.user_id
    where s.user_id = any(${[...userIds]}::int8[]) and s.claimed_at is not null
      and (s.last_started_at is null or s.last_started_at < s.claimed_at)
    order by s.user_id for update of s`.execute(tx);
  return rows;
}

/** Ends the claims of users whose jobs were removed, so that nothing enqueues them again before their next turn. */
export async function skipTurns(tx: WorkerTx, turns: readonly SkippedTurn[]): Promise<void> {
  await sql`
    update schedules s set claimed_at = null, next_parse_at = t.next_parse_at
    from unnest(${turns.map((turn) => turn.userId)}::int8[], ${turns.map((turn) => turn.nextParseAt)}::timestamptz[])
      as t(user_id, next_parse_at)
    where s.user_id = t.user_id`.execute(tx);
}
