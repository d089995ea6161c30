import type { WorkerTx } from "./database.ts";
import { type OwnApiId, toOwn } from "./own-api-ids.ts";
import { SEALED, type SealedSession, toSealed } from "./session-row.ts";

/** A sealed session, with what it is bound to. */
export interface SealedSample {
  readonly sealed: SealedSession;
  readonly binding: {
    readonly tenantId: string;
    readonly sessionId: bigint;
    readonly telegramId: bigint;
    readonly apiId: number;
  };
}

/** The newest sessions under a key, of all tenants. */
export async function sessionsUnder(tx: WorkerTx, keyId: string, limit: number): Promise<SealedSample[]> {
  const rows = await tx
    .selectFrom("sessions")
    .select(["id", "tenant_id", "telegram_id", "api_id", ...SEALED])
    .where("key_id", "=", keyId)
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.flatMap((row) => {
    const sealed = toSealed(row);
    const binding = { tenantId: row.tenant_id, sessionId: row.id, telegramId: row.telegram_id, apiId: row.api_id };
    return sealed ? [{ sealed, binding }] : [];
  });
}

/** Some of people's own API IDs under a key, of all tenants. */
export async function ownApiIdsUnder(tx: WorkerTx, keyId: string, limit: number): Promise<OwnApiId[]> {
  const rows = await tx
    .selectFrom("own_api_ids")
    .selectAll()
    .where("key_id", "=", keyId)
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map(toOwn);
}
