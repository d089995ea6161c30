import { sql } from "kysely";
import type { WorkerTx } from "./database.ts";

/** A session that Telegram has ended, and whose owner is to be told. */
export interface SessionEnding {
  readonly eventId: bigint;
  readonly tenantId: string;
  readonly userId: bigint;
  readonly telegramId: bigint;
  readonly appId: string;
  readonly reason: string | null;
  readonly at: Date;
}

/**
 * The endings that nobody has told of, the oldest first. One for each session at most, and none where its owner has
 * logged in again or revoked it since: there is nothing left to do then.
 */
export async function endingsToTell(tx: WorkerTx, limit: number): Promise<SessionEnding[]> {
  const { rows } = await sql<SessionEnding>`
    select v.id as "eventId", v.tenant_id as "tenantId", e.user_id as "userId", e.telegram_id as "telegramId",
      e.app_id as "appId", v.reason, v.at
    from session_events v join sessions e on e.id = v.session_id
    where v.to_state = 'STALE' and v.told_at is null and e.state = 'STALE'
      and not exists (select from session_events later where later.session_id = v.session_id and later.id > v.id)
    order by v.id limit ${limit}`.execute(tx);
  return rows;
}

/** To be called before the owner is told: true for one caller only. */
export async function markTold(tx: WorkerTx, eventId: bigint): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update session_events set told_at = now() where id = ${eventId} and told_at is null`.execute(tx);
  return numAffectedRows === 1n;
}
