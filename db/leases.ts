import { type RawBuilder, sql } from "kysely";
import type { LeaseRef, Tx, WorkerTx } from "./database.ts";
import { timeline } from "./server.ts";

export { type Heartbeat, openHeartbeat } from "./heartbeat.ts";

export interface LeaseRow {
  readonly sessionId: bigint;
  readonly token: string;
  readonly beat: bigint;
  readonly holder: string;
}

/**
 * Takes the lease by insert. False where somebody holds it.
 *
 * @param onTimeline only while PostgreSQL writes on this timeline (`readTimeline`): false after a failover, too
 * @param here only in the database that it is meant for (`stillOurs`): false in a copy of it, too
 */
export async function insertLease(
  tx: WorkerTx,
  lease: LeaseRef & { holder: string },
  onTimeline?: string | null,
  here: RawBuilder<boolean> = sql`true`,
): Promise<boolean> {
  const unmoved = onTimeline == null ? sql`true` : sql`${timeline} = ${onTimeline}`;
  const { rows } = await sql`
    insert into leases (session_id, token, holder)
    select ${lease.sessionId}::int8, ${lease.token}::uuid, ${lease.holder}::text where ${unmoved} and ${here}
    on conflict (session_id) do nothing
    returning 1`.execute(tx);
  return rows.length > 0;
}

/**
 * Takes over a lease whose (token, beat) was watched standing still: only if it still is exactly that.
 * Waits for fenced transactions: they hold a key share lock, which `FOR UPDATE` alone respects.
 */
export async function takeOverLease(
  tx: WorkerTx,
  from: LeaseRow,
  to: { token: string; holder: string },
  here: RawBuilder<boolean> = sql`true`,
): Promise<boolean> {
  const { rows } = await sql`
    select from leases
    where session_id = ${from.sessionId} and token = ${from.token} and beat = ${from.beat} and ${here}
    for update`.execute(tx);
  if (rows.length === 0) return false;
  await sql`
    update leases set token = ${to.token}, holder = ${to.holder}, beat = 0, taken_at = now()
    where session_id = ${from.sessionId}`.execute(tx);
  return true;
}

/** Releases by delete, if it is still ours. */
export async function deleteLease(tx: WorkerTx, lease: LeaseRef): Promise<boolean> {
  const deleted = await tx
    .deleteFrom("leases")
    .where("session_id", "=", lease.sessionId)
    .where("token", "=", lease.token)
    .executeTakeFirst();
  return deleted.numDeletedRows > 0n;
}

/** Every living lease: what takers watch. */
export async function listLeases(tx: Tx): Promise<LeaseRow[]> {
  return tx
    .selectFrom("leases")
    .select(["session_id as sessionId", "token", "beat", "holder"])
    .orderBy("session_id")
    .execute();
}
