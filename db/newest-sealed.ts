import type { WorkerTx } from "./database.ts";
import { loadSealed, type SealedSession } from "./sessions.ts";

/** The sealed session that was saved last, of all tenants, with what it is bound to; null where there is none. */
export async function newestSealed(tx: WorkerTx): Promise<{
  sealed: SealedSession;
  binding: { tenantId: string; sessionId: bigint; telegramId: bigint; apiId: number };
} | null> {
  const row = await tx
    .selectFrom("sessions")
    .select(["id", "tenant_id", "telegram_id", "api_id"])
    .where("ciphertext", "is not", null)
    .orderBy("saved_at", (order) => order.desc().nullsLast())
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  const sealed = row && (await loadSealed(tx, row.id));
  if (!row || !sealed) return null;
  return {
    sealed,
    binding: { tenantId: row.tenant_id, sessionId: row.id, telegramId: row.telegram_id, apiId: row.api_id },
  };
}
