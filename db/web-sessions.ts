import { sql } from "kysely";
import type { TenantTx, WorkerTx } from "./database.ts";
import { newToken, sha256 } from "./secret-tokens.ts";
import { ofTenant } from "./tenant.ts";

/** Whose browser it is. */
export interface WebLogin {
  /** Null for a token of the earlier system. */
  readonly id: bigint | null;
  readonly tenantId: string;
  readonly userId: bigint;
  readonly telegramId: bigint;
}

/** A browser that is logged in. */
export interface WebSession {
  readonly id: bigint;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
}

const hashed = (token: string): string => sha256(token).toString("hex");

/** Logs a browser in, beside those that are. The token is in clear only in what comes back. */
export async function createWebSession(
  tx: TenantTx,
  who: { tenantId: string; userId: bigint },
): Promise<{ id: bigint; token: string }> {
  const token = newToken();
  const { id } = await tx
    .insertInto("user_sessions")
    .values({ tenant_id: who.tenantId, user_id: who.userId, auth_token: hashed(token) })
    .returning("id")
    .executeTakeFirstOrThrow();
  return { id, token };
}

/** Whose token this is, of any tenant; null where it is nobody's. Notes, to the minute, that it was seen. */
export async function findWebSession(tx: WorkerTx, token: string): Promise<WebLogin | null> {
  const { rows } = await sql<WebLogin>`
    with seen as (
      update user_sessions set last_seen_at = now()
      where auth_token = ${hashed(token)} and last_seen_at < now() - interval '1 minute'
    )
    select s.id, u.tenant_id as "tenantId", u.id as "userId", u.telegram_id as "telegramId"
    from user_sessions s join users u on u.id = s.user_id
    where s.auth_token = ${hashed(token)}`.execute(tx);
  return rows[0] ?? null;
}

/** The same by a token of the earlier system, unless it has logged out. One that two users have is nobody's. */
export async function findLegacyLogin(tx: WorkerTx, token: string): Promise<WebLogin | null> {
  if (!mayBeLegacy(token)) return null;
  const { rows } = await sql<WebLogin>`
    select null::int8 as id, u.tenant_id as "tenantId", u.id as "userId", u.telegram_id as "telegramId"
    from users u
    where u.auth_token = ${token}
      and not exists (select from legacy_logouts l where l.auth_token = ${hashed(token)})
    limit 2`.execute(tx);
  return rows.length === 1 ? (rows[0] ?? null) : null;
}

/**
 * Logs out whatever browser has this token, without asking whose it is. A token of the earlier system stays in its row
 * and is refused from then on. Gives what it was; null for a token that nobody has.
 */
export async function deleteWebSession(tx: WorkerTx, token: string): Promise<"session" | "legacy" | null> {
  const { rows: deleted } = await sql`
    delete from user_sessions where auth_token = ${hashed(token)} returning 1`.execute(tx);
  if (deleted.length > 0) return "session";
  if (!mayBeLegacy(token)) return null;
  const { rows: refused } = await sql`
    insert into legacy_logouts (auth_token, tenant_id, user_id)
    select ${hashed(token)}, u.tenant_id, u.id from users u where u.auth_token = ${token} limit 1
    on conflict (auth_token) do nothing
    returning 1`.execute(tx);
  return refused.length > 0 ? "legacy" : null;
}

/** A user's browsers, the newest first. */
export async function webSessionsOf(tx: TenantTx, userId: bigint): Promise<WebSession[]> {
  return tx
    .selectFrom("user_sessions")
    .select(["id", "created_at as createdAt", "last_seen_at as lastSeenAt"])
    .where("user_id", "=", userId)
    .where(ofTenant("tenant_id"))
    .orderBy("id", "desc")
    .execute();
}

/** PostgreSQL cannot hold U+0000, so no token there has one; nor is one longer than any cookie. */
const mayBeLegacy = (token: string): boolean => token !== "" && token.length <= 4096 && !token.includes("\0");
