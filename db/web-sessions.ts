import { sql } from "kysely";
import type { AppTx, TenantTx } from "./database.ts";
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
export async function findWebSession(tx: AppTx, token: string): Promise<WebLogin | null> {
  const { rows } = await sql<WebLogin>`
    select id, ${WHOSE} from find_web_session(${hashed(token)})`.execute(tx);
  return rows[0] ?? null;
}

/** The same by a token of the earlier system, unless it has logged out. One that two users have is nobody's. */
export async function findLegacyLogin(tx: AppTx, token: string): Promise<WebLogin | null> {
  if (!mayBeLegacy(token)) return null;
  const { rows } = await sql<WebLogin>`
    select id, ${WHOSE} from find_legacy_login(${token}, ${hashed(token)})`.execute(tx);
  return rows.length === 1 ? (rows[0] ?? null) : null;
}

const WHOSE = sql`tenant_id as "tenantId", user_id as "userId", telegram_id as "telegramId"`;

/**
 * Logs out whatever browser has this token, without asking whose it is. A token of the earlier system stays in its row
 * and is refused from then on. Gives what it was; null for a token that nobody has.
 */
export async function deleteWebSession(tx: AppTx, token: string): Promise<"session" | "legacy" | null> {
  const session = await sql<{ done: boolean }>`select log_out_web_session(${hashed(token)}) as done`.execute(tx);
  if (session.rows[0]?.done) return "session";
  if (!mayBeLegacy(token)) return null;
  const legacy = await sql<{ done: boolean }>`select log_out_legacy(${token}, ${hashed(token)}) as done`.execute(tx);
  return legacy.rows[0]?.done ? "legacy" : null;
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
