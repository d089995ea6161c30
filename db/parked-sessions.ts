import { sql } from "kysely";
import type { Tx } from "./database.ts";
import { setHold } from "./sessions.ts";

/** A session that is not opened until somebody has said that no other installation uses it. */
export interface ParkedSession {
  readonly id: bigint;
  readonly tenantId: string;
  readonly appId: string;
  readonly telegramId: bigint;
}

/** Of all tenants. */
export async function parkedSessions(tx: Tx): Promise<ParkedSession[]> {
  const { rows } = await sql<ParkedSession>`
    select id, tenant_id as "tenantId", app_id as "appId", telegram_id as "telegramId" from sessions
    where state = 'AUTHORIZED' and 'parked' = any(holds) order by id`.execute(tx);
  return rows;
}

export async function unpark(tx: Tx, sessions: readonly Pick<ParkedSession, "id">[]): Promise<void> {
  for (const { id } of sessions) await setHold(tx, id, "parked", false);
}

/** Every AUTHORIZED session is held until it is unparked. Gives how many are. */
export async function parkAll(tx: Tx): Promise<number> {
  const { numAffectedRows } = await sql`
    update sessions set holds = array_append(array_remove(holds, 'parked'), 'parked')
    where state = 'AUTHORIZED'`.execute(tx);
  await sql`update schedules set queue = null where queue is not null`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}
