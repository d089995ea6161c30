import { sql } from "kysely";
import type { WorkerTx } from "./database.ts";
import { markTold } from "./session-endings.ts";

/**
 * What a session's owner is to be told of it: it ended at Telegram, how a login came out, that it was logged out since
 * nobody used it, or is going to be.
 */
export interface SessionNotice {
  readonly eventId: bigint;
  readonly userId: bigint;
  readonly telegramId: bigint;
  readonly kind: "ended" | "logged_in" | "wrong_account" | "expired" | "idle_soon" | "idle";
  /** Of an ending: Telegram's name for it. */
  readonly reason: string | null;
  readonly at: Date;
}

/** How a login came out is worth telling for so long, and so long what became of an idle session; an ending until it is told. */
const LOGIN_NEWS = sql`interval '1 hour'`;
const IDLE_NEWS = sql`interval '3 days'`;

/**
 * Hands the oldest notice that nobody has told of to `tell`, and marks it as told with the same commit; false where there
 * is none. The row stays locked meanwhile, so two who call this at once never have the same one; whoever dies or fails
 * while telling leaves it to the next. Told twice is what dies between Telegram's yes and the commit, and nothing else.
 *
 * Only what has not been overtaken: none of a session to which something has happened since.
 */
export async function tellNext(
  tx: WorkerTx,
  tenantId: string,
  tell: (notice: SessionNotice) => Promise<void>,
): Promise<boolean> {
  // The first condition is the index's, word for word.
  const { rows } = await sql<SessionNotice>`
    select v.id as "eventId", e.user_id as "userId", e.telegram_id as "telegramId", v.reason, v.at,
      case when v.to_state = 'STALE' then 'ended' when v.reason = 'idle soon' then 'idle_soon'
        when v.to_state = 'REVOKED' then 'idle' when v.to_state = 'AUTHORIZED' then 'logged_in'
        when v.reason = 'wrong account' then 'wrong_account' else 'expired' end as kind
    from session_events v join sessions e on e.id = v.session_id
    where v.told_at is null and (v.to_state = 'STALE'
        or (v.to_state = 'AUTHORIZED' and (v.reason like 'logged in%' or v.reason = 'idle soon'))
        or (v.to_state = 'ABSENT' and v.reason in ('expired', 'abandoned', 'wrong account'))
        or (v.to_state = 'REVOKED' and v.reason like 'idle%'))
      and v.tenant_id = ${tenantId} and e.state = v.to_state and e.user_id is not null
      and (v.to_state = 'STALE'
        or v.at > now() - case when v.reason like 'idle%' then ${IDLE_NEWS} else ${LOGIN_NEWS} end)
      and (v.reason is distinct from 'idle soon' or e.used_at < v.at)
      and not exists (select from session_events later where later.session_id = v.session_id and later.id > v.id)
    order by v.id limit 1 for update of v skip locked`.execute(tx);
  const notice = rows[0];
  if (!notice) return false;
  await tell(notice);
  await markTold(tx, notice.eventId);
  return true;
}
