import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import type { WorkerTx } from "./database.ts";
import { INFO, SEALED, type SealedSession, type SessionInfo, toInfo, toSealed } from "./session-row.ts";
import { insertUnclaimed } from "./unclaimed-sessions.ts";

/*
 * A session that is being imported is nobody's, and ABSENT although its key is sealed in it: what is ABSENT is never
 * logged out. Its key is somebody's living session; an import that fails, or dies, is deleted and nothing more.
 */

/** How the app of an import begins until it has an owner. */
const IMPORT = "import_";
/** PostgreSQL's advisory lock under which one import at a time looks whether its key is kept here. */
const IMPORTS_LOCK = 7_221_016;
/** An import has its lease within seconds; a row that never got that far is left. */
const UNLEASED = sql`interval '10 minutes'`;

/** Makes the row that an import is leased by. */
export async function insertImport(
  tx: WorkerTx,
  { tenantId, apiId }: { readonly tenantId: string; readonly apiId: number },
): Promise<SessionInfo> {
  const appId = `${IMPORT}${randomBytes(12).toString("hex")}`;
  const session = await insertUnclaimed(tx, { tenantId, appId, apiId });
  if (!session) throw new Error("an import's random name is taken");
  return session;
}

/** Until the transaction's end no other import looks, or seals: two of one key cannot miss each other. */
export async function lockImports(tx: WorkerTx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${IMPORTS_LOCK})`.execute(tx);
}

/** A sealed session with what it is bound to. */
export interface BoundSession {
  readonly sealed: SealedSession;
  readonly binding: {
    readonly tenantId: string;
    readonly sessionId: bigint;
    readonly telegramId: bigint;
    readonly apiId: number;
  };
}

/** The sealed sessions of all tenants, in the order of their ids: up to `most` after one. */
export async function sealedAfter(tx: WorkerTx, after: bigint, most: number): Promise<BoundSession[]> {
  const rows = await tx
    .selectFrom("sessions")
    .select(["id", "tenant_id", "telegram_id", "api_id", ...SEALED])
    .where("id", ">", after)
    .where("ciphertext", "is not", null)
    .orderBy("id")
    .limit(most)
    .execute();
  return rows.flatMap((row) => {
    const sealed = toSealed(row);
    const binding = { tenantId: row.tenant_id, sessionId: row.id, telegramId: row.telegram_id, apiId: row.api_id };
    return sealed ? [{ sealed, binding }] : [];
  });
}

/** Says which own API ID an import goes by. */
export async function pinImport(tx: WorkerTx, sessionId: bigint, ownApiId: string): Promise<void> {
  await tx
    .updateTable("sessions")
    .set({ own_api: true, own_api_ref: ownApiId })
    .where("id", "=", sessionId)
    .where("user_id", "is", null)
    .execute();
}

/** Imports under way, of all tenants, and those that were left: the oldest first. */
export async function unfinishedImports(tx: WorkerTx, most: number): Promise<SessionInfo[]> {
  const rows = await tx
    .selectFrom("sessions")
    .select(INFO)
    .where("user_id", "is", null)
    .where("state", "=", "ABSENT")
    .where("app_id", "like", `${IMPORT.replace("_", "\\_")}%`)
    .where(({ or, eb }) =>
      or([eb("ciphertext", "is not", null), eb("state_changed_at", "<", sql<Date>`now() - ${UNLEASED}`)]),
    )
    .orderBy("id")
    .limit(most)
    .execute();
  return rows.map(toInfo);
}
