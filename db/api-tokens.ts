import { sql } from "kysely";
import type { AppTx, TenantTx } from "./database.ts";
import { newToken, sha256 } from "./secret-tokens.ts";
import { ofTenant } from "./tenant.ts";

/** A token by which a tenant's own programs call the API. The token itself is nowhere but with them. */
export interface ApiToken {
  readonly id: bigint;
  readonly tenantId: string;
  readonly name: string;
  readonly createdAt: Date;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** So that it is known for ours where it is found: in a log, a repository, a scanner of secrets. */
const PREFIX = "gf_";

/** The token is in clear only in what comes back. */
export async function createApiToken(
  tx: TenantTx,
  given: { tenantId: string; name: string },
): Promise<{ id: bigint; token: string }> {
  const token = `${PREFIX}${newToken()}`;
  const { id } = await tx
    .insertInto("api_tokens")
    .values({ tenant_id: given.tenantId, name: given.name, token_hash: sha256(token) })
    .returning("id")
    .executeTakeFirstOrThrow();
  return { id, token };
}

/** Which tenant's token this is; null for one that is unknown or revoked. Notes, to the minute, that it was used. */
export async function findApiToken(tx: AppTx, token: string): Promise<{ id: bigint; tenantId: string } | null> {
  const { rows } = await sql<{ id: bigint; tenantId: string }>`
    select id, tenant_id as "tenantId" from find_api_token(${sha256(token)})`.execute(tx);
  return rows[0] ?? null;
}

/** The tenant's, in the order in which they were made; revoked ones too. */
export async function listApiTokens(tx: TenantTx): Promise<ApiToken[]> {
  return tx
    .selectFrom("api_tokens")
    .select([
      "id",
      "tenant_id as tenantId",
      "name",
      "created_at as createdAt",
      "last_used_at as lastUsedAt",
      "revoked_at as revokedAt",
    ])
    .where(ofTenant("tenant_id"))
    .orderBy("id")
    .execute();
}

/** False where the tenant has no such token, or it is revoked already. */
export async function revokeApiToken(tx: TenantTx, id: bigint): Promise<boolean> {
  const revoked = await tx
    .updateTable("api_tokens")
    .set({ revoked_at: sql<Date>`now()` })
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .where(ofTenant("tenant_id"))
    .executeTakeFirst();
  return revoked.numUpdatedRows > 0n;
}
