import { type Selectable, sql } from "kysely";
import type { TenantTx, Tx, WorkerTx } from "./database.ts";
import type { Schema } from "./schema.ts";
import type { SealedSession } from "./session-row.ts";
import { ofTenant } from "./tenant.ts";

/** Somebody's own API ID, its hash sealed as sessions are. */
export interface OwnApiId {
  readonly id: string;
  readonly tenantId: string;
  readonly apiId: number;
  readonly sealed: SealedSession;
}

/** Keeps a pair. Nothing uses it before a user or an account is given it. */
export async function insertOwnApiId(tx: Tx, own: OwnApiId): Promise<void> {
  const { ciphertext, wrappedKey, keyId, fingerprint, fingerprintSize } = own.sealed;
  await tx
    .insertInto("own_api_ids")
    .values({
      ...{ id: own.id, tenant_id: own.tenantId, api_id: own.apiId },
      ...{ ciphertext, wrapped_key: wrappedKey, key_id: keyId, fingerprint, fingerprint_size: fingerprintSize },
    })
    .execute();
}

/**
 * A user's logins go by this pair from now on; null: by our own API IDs again, unless their session is pinned to one. A
 * session that is AUTHORIZED keeps the API ID that it has. The pair that nothing uses any more is deleted.
 */
export async function setOwnApiId(tx: TenantTx, userId: bigint, ownApiId: string | null): Promise<void> {
  await tx
    .updateTable("users")
    .set({ own_api_ref: ownApiId })
    .where("id", "=", userId)
    .where(ofTenant("tenant_id"))
    .execute();
  await deleteUnusedOwnApiIds(tx);
}

/** The API ID that a user has given for their logins; null where none. */
export async function ownApiIdOfUser(tx: Tx, userId: bigint): Promise<number | null> {
  const row = await tx
    .selectFrom("users as u")
    .innerJoin("own_api_ids as o", "o.id", "u.own_api_ref")
    .select("o.api_id")
    .where("u.id", "=", userId)
    .where(ofTenant("u.tenant_id"))
    .executeTakeFirst();
  return row?.api_id ?? null;
}

/** What a login goes by: the pair that was given for it, else the user's, else the session's; null where none of them. */
export async function ownApiIdForLogin(
  tx: WorkerTx,
  of: { readonly given: string | null; readonly userId: bigint | null; readonly sessionId: bigint | null },
): Promise<OwnApiId | null> {
  const { rows } = await sql<Selectable<Schema["own_api_ids"]>>`
    select o.* from own_api_ids o where o.id = coalesce(
      ${of.given}::uuid,
      (select own_api_ref from users where id = ${of.userId}::int8),
      (select own_api_ref from sessions where id = ${of.sessionId}::int8))`.execute(tx);
  return rows[0] ? toOwn(rows[0]) : null;
}

/** The pair that a session's key was made with; null where that is one of ours. */
export async function ownApiIdOfSession(tx: WorkerTx, sessionId: bigint): Promise<OwnApiId | null> {
  const row = await tx
    .selectFrom("sessions as s")
    .innerJoin("own_api_ids as o", "o.id", "s.own_api_ref")
    .selectAll("o")
    .where("s.id", "=", sessionId)
    .executeTakeFirst();
  return row ? toOwn(row) : null;
}

/** Deletes the pairs of a tenant that no user, session or account goes by, and that are not just being given. */
export async function deleteUnusedOwnApiIds(tx: TenantTx): Promise<void> {
  await sql`
    delete from own_api_ids o
    where ${ofTenant("o.tenant_id")} and o.created_at < now()
      and not exists (select from users u where u.own_api_ref = o.id)
      and not exists (select from sessions s where s.own_api_ref = o.id)
      and not exists (select from telegram_accounts a where a.own_api_ref = o.id)`.execute(tx);
}

export function toOwn(row: Selectable<Schema["own_api_ids"]>): OwnApiId {
  return {
    ...{ id: row.id, tenantId: row.tenant_id, apiId: row.api_id },
    sealed: {
      ciphertext: row.ciphertext,
      wrappedKey: row.wrapped_key,
      keyId: row.key_id,
      fingerprint: row.fingerprint,
      fingerprintSize: row.fingerprint_size,
    },
  };
}
