import { sql } from "kysely";
import { longAgo } from "./both-clocks.ts";
import type { WorkerTx } from "./database.ts";

/** Their person is told so long before a session is logged out. */
export const IDLE_WARNING_DAYS = 3;

interface Idle {
  readonly now: Date;
  /** For how long a session has not been used. */
  readonly ms: number;
  readonly limit: number;
}

/**
 * A session with a key that nobody uses, and nobody is going to: one that Telegram has ended and nobody has renewed, one
 * that is held, one whose user is paused or follows nothing. One that is to be parsed is not idle, however long a fleet
 * stood still. One that another cluster may be using (`parked`) is not ours to log out.
 */
const unused = (idle: Pick<Idle, "now" | "ms">) => sql`
  e.state in ('AUTHORIZED', 'STALE') and e.user_id is not null
  and e.used_at < ${longAgo(idle)} and e.state_changed_at < ${longAgo(idle)} and not 'parked' = any(e.holds)
  and (e.state = 'STALE' or not exists (
    select from schedules h join subscriptions s on s.user_id = h.user_id
    where h.user_id = e.user_id and h.queue is not null))
  and not exists (select from session_revocations r where r.session_id = e.id)`;

/** The longest unused first. */
export async function idleSessions(tx: WorkerTx, idle: Idle): Promise<bigint[]> {
  const { rows } = await sql<{ id: bigint }>`
    select e.id from sessions e where ${unused(idle)} order by e.used_at limit ${idle.limit}`.execute(tx);
  return rows.map(({ id }) => id);
}

/** Notes, for each once, that these are going to be logged out unless they are used: the bot tells. Gives their number. */
export async function warnOfIdle(tx: WorkerTx, idle: Idle): Promise<number> {
  const { numAffectedRows } = await sql`
    insert into session_events (tenant_id, session_id, from_state, to_state, reason)
    select e.tenant_id, e.id, e.state, e.state, 'idle soon' from sessions e
    where ${unused(idle)} and e.state = 'AUTHORIZED' and not exists (
      select from session_events v where v.session_id = e.id and v.reason = 'idle soon' and v.at > e.used_at)
    order by e.used_at limit ${idle.limit}`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}
