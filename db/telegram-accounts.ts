import { sql } from "kysely";
import type { TenantTx, Tx } from "./database.ts";
import { deleteUnusedOwnApiIds } from "./own-api-ids.ts";
import type { SessionState } from "./schema.ts";
import { ofTenant } from "./tenant.ts";

/** An account that a tenant's program logs in by phone. */
export interface TelegramAccount {
  readonly id: bigint;
  readonly phone: string;
  /** The API ID of its own, and its row; null: one of ours. */
  readonly apiId: number | null;
  readonly ownApiId: string | null;
  /** Null before the first login. */
  readonly userId: bigint | null;
  readonly telegramId: bigint | null;
  /** Of the session that its user's channels are read with. */
  readonly state: SessionState;
  readonly createdAt: Date;
}

/** Adds it, or finds the one with this phone; an API ID of its own is exchanged where one is given. */
export async function ensureTelegramAccount(
  tx: TenantTx,
  given: { tenantId: string; phone: string; ownApiId: string | null },
): Promise<TelegramAccount> {
  const { id } = await tx
    .insertInto("telegram_accounts")
    .values({ tenant_id: given.tenantId, phone: given.phone, own_api_ref: given.ownApiId })
    .onConflict((conflict) =>
      conflict
        .columns(["tenant_id", "phone"])
        .doUpdateSet({ own_api_ref: sql`coalesce(excluded.own_api_ref, telegram_accounts.own_api_ref)` }),
    )
    .returning("id")
    .executeTakeFirstOrThrow();
  const account = await findTelegramAccount(tx, id);
  if (!account) throw new Error("an account that was just added is not there");
  return account;
}

export async function findTelegramAccount(tx: TenantTx, id: bigint): Promise<TelegramAccount | null> {
  return (await accounts(tx, id))[0] ?? null;
}

/** The tenant's, the oldest first. */
export const listTelegramAccounts = (tx: TenantTx): Promise<TelegramAccount[]> => accounts(tx, null);

/** Whoever has logged in by it is its user from now on. */
export async function giveTelegramAccount(tx: Tx, id: bigint, userId: bigint): Promise<void> {
  await tx
    .updateTable("telegram_accounts")
    .set({ user_id: userId })
    .where("id", "=", id)
    .where(ofTenant("tenant_id"))
    .execute();
}

/**
 * Forgets it, and the API ID of its own; its user, with channels and posts, stays. A session that lives keeps the API ID
 * that its key was made with.
 */
export async function deleteTelegramAccount(tx: TenantTx, id: bigint): Promise<void> {
  await sql`
    update sessions s set own_api_ref = null from telegram_accounts a
    where a.id = ${id} and ${ofTenant("a.tenant_id")} and s.own_api_ref = a.own_api_ref
      and s.state in ('ABSENT', 'REVOKED')`.execute(tx);
  await tx.deleteFrom("telegram_accounts").where("id", "=", id).where(ofTenant("tenant_id")).execute();
  await deleteUnusedOwnApiIds(tx);
}

async function accounts(tx: TenantTx, id: bigint | null): Promise<TelegramAccount[]> {
  const { rows } = await sql<TelegramAccount>`
    select a.id, a.phone, o.api_id as "apiId", a.own_api_ref as "ownApiId", a.user_id as "userId",
      u.telegram_id as "telegramId", coalesce(s.state, 'ABSENT') as state, a.created_at as "createdAt"
    from telegram_accounts a
    left join own_api_ids o on o.id = a.own_api_ref
    left join users u on u.id = a.user_id
    left join lateral (
      select state from sessions where user_id = a.user_id order by state = 'AUTHORIZED' desc, id desc limit 1
    ) s on true
    where ${ofTenant("a.tenant_id")} and (${id}::int8 is null or a.id = ${id}::int8)
    order by a.id`.execute(tx);
  return rows;
}
