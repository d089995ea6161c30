import { sql } from "kysely";
import type { OwnerTx, Tx, WorkerTx } from "./database.ts";
import { askRevocation } from "./revocations.ts";
import { refreshQueue } from "./schedule-queue.ts";
import { ofTenant } from "./tenant.ts";

/** Somebody who is to be erased, and their sessions by internal numbers: what jobs name them by. */
export interface ToErase {
  readonly userId: bigint;
  readonly tenantId: string;
  readonly telegramId: bigint;
  readonly sessionIds: readonly bigint[];
}

/**
 * From the commit on nothing is read for them: they are paused, their sessions are to be logged out, and the scheduler
 * erases them once that is done, whether anybody waits for it or not. Asked for twice is asked for once.
 */
export async function askErasure(tx: Tx, user: { readonly id: bigint; readonly tenantId: string }): Promise<void> {
  await sql`
    insert into erasures (user_id, tenant_id) values (${user.id}, ${user.tenantId}) on conflict do nothing`.execute(tx);
  await sql`update users set paused = true where id = ${user.id} and ${ofTenant("tenant_id")}`.execute(tx);
  await refreshQueue(tx, user.id);
  const { rows } = await sql<{ id: bigint }>`
    select id from sessions where user_id = ${user.id} and ${ofTenant("tenant_id")}`.execute(tx);
  for (const { id } of rows) await askRevocation(tx, id, "asked");
}

const columns = sql`
  u.id as "userId", u.tenant_id as "tenantId", u.telegram_id as "telegramId",
  array(select e.id from sessions e where e.user_id = u.id order by e.id) as "sessionIds"`;

/** Those who asked, and whose keys are gone: no session of theirs can be used any more, none is being made. */
export async function readyToErase(tx: WorkerTx, limit: number): Promise<ToErase[]> {
  const { rows } = await sql<ToErase>`
    select ${columns} from erasures x join users u on u.id = x.user_id
    where not exists (
      select from sessions e where e.user_id = u.id and e.state not in ('ABSENT', 'REVOKED'))
    order by x.asked_at limit ${limit}`.execute(tx);
  return rows;
}

/** Those who asked, and are not to be erased yet: who has logged in again since is to be logged out again. */
export async function askErasuresAgain(tx: WorkerTx, limit: number): Promise<void> {
  const { rows } = await sql<{ id: bigint }>`
    select e.id from erasures x join sessions e on e.user_id = x.user_id and e.state in ('AUTHORIZED', 'STALE')
    where not exists (select from session_revocations r where r.session_id = e.id) limit ${limit}`.execute(tx);
  for (const { id } of rows) await askRevocation(tx, id, "asked");
}

/** Somebody as they are to be erased, whatever state their sessions are in; null where there is no such user. */
export async function findToErase(tx: Tx, userId: bigint): Promise<ToErase | null> {
  const { rows } = await sql<ToErase>`select ${columns} from users u where u.id = ${userId}`.execute(tx);
  return rows[0] ?? null;
}

/** Rows that are theirs, by table; each is deleted with what refers to it. */
const OWNED: readonly (readonly [table: string, of: "user" | "session"])[] = [
  ["session_events", "session"],
  ["session_revocations", "session"],
  ["account_losses", "session"],
  ["leases", "session"],
  ["sessions", "user"],
  ["runs", "user"],
  ["schedules", "user"],
  ["subscriptions", "user"],
  ["channel_access", "user"],
  ["user_sessions", "user"],
  ["legacy_logouts", "user"],
  ["invite_redemptions", "user"],
  ["consents", "user"],
  ["telegram_accounts", "user"],
  ["erasures", "user"],
];

/**
 * Deletes somebody and everything of theirs in one transaction, whatever state their sessions are in: keys are gone by
 * then, or go unused. What channels say stays, for it is the channels'.
 *
 * @returns how many rows of each table
 */
export async function eraseUser(tx: OwnerTx, whom: ToErase): Promise<Readonly<Record<string, number>>> {
  const { userId, telegramId } = whom;
  const counts: Record<string, number> = {};
  const sessionIds = sql`(select id from sessions where user_id = ${userId})`;
  for (const [table, of] of OWNED) {
    const theirs = of === "user" ? sql`user_id = ${userId}` : sql`session_id in ${sessionIds}`;
    const { numAffectedRows } = await sql`delete from ${sql.table(table)} where ${theirs}`.execute(tx);
    counts[table] = Number(numAffectedRows ?? 0n);
  }
  const { numAffectedRows: users } = await sql`delete from users where id = ${userId}`.execute(tx);
  // Telegram's waits are an account's: another tenant may have the same person.
  const { numAffectedRows: waits } = await sql`
    delete from waits where telegram_id = ${telegramId}
      and not exists (select from users where telegram_id = ${telegramId})`.execute(tx);
  const { numAffectedRows: pairs } = await sql`
    delete from own_api_ids o where o.tenant_id = ${whom.tenantId}
      and not exists (select from users where own_api_ref = o.id)
      and not exists (select from sessions where own_api_ref = o.id)
      and not exists (select from telegram_accounts where own_api_ref = o.id)`.execute(tx);
  return {
    users: Number(users ?? 0n),
    ...counts,
    waits: Number(waits ?? 0n),
    own_api_ids: Number(pairs ?? 0n),
  };
}
