import { randomBytes } from "node:crypto";
import type { Tx, WorkerTx } from "./database.ts";
import { LoggedInAlready, LoginBusy } from "./login-conflicts.ts";
import { INFO, NOBODY, type SessionInfo, toInfo } from "./session-row.ts";

/**
 * Makes a session that is nobody's yet, in state ABSENT. `appId` null: it gets its app with its owner.
 * Null where the tenant has a session for that app: it is somebody's.
 */
export async function insertUnclaimed(
  tx: WorkerTx,
  session: { tenantId: string; appId: string | null; apiId: number },
): Promise<SessionInfo | null> {
  const row = await tx
    .insertInto("sessions")
    .values({
      tenant_id: session.tenantId,
      user_id: null,
      app_id: session.appId ?? `login_${randomBytes(12).toString("hex")}`,
      telegram_id: NOBODY,
      api_id: session.apiId,
      own_api: false,
      state: "ABSENT",
    })
    .onConflict((conflict) => conflict.columns(["tenant_id", "app_id"]).doNothing())
    .returning(INFO)
    .executeTakeFirst();
  return row ? toInfo(row) : null;
}

/**
 * Gives an unclaimed session its owner. Where the owner has an ended session for the same app, this one takes its place,
 * and its history with it.
 *
 * @throws OperatorError where that one is AUTHORIZED, or another login for it is under way
 */
export async function claimSession(
  tx: WorkerTx,
  sessionId: bigint,
  owner: { tenantId: string; userId: bigint; telegramId: bigint; appId: string },
): Promise<void> {
  const before = await tx
    .selectFrom("sessions")
    .select(["id", "state"])
    .where("tenant_id", "=", owner.tenantId)
    .where("app_id", "=", owner.appId)
    .where("id", "<>", sessionId)
    .forUpdate()
    .executeTakeFirst();
  if (before) {
    if (before.state === "AUTHORIZED") throw new LoggedInAlready(`${owner.telegramId} is logged in already`);
    if (before.state.startsWith("PENDING_"))
      throw new LoginBusy(`another login of ${owner.telegramId} is under way: try again later`);
    await tx.updateTable("session_events").set({ session_id: sessionId }).where("session_id", "=", before.id).execute();
    await tx.deleteFrom("sessions").where("id", "=", before.id).execute();
  }
  await tx
    .updateTable("sessions")
    .set({ user_id: owner.userId, telegram_id: owner.telegramId, app_id: owner.appId })
    .where("id", "=", sessionId)
    .where("user_id", "is", null)
    .executeTakeFirstOrThrow();
}

/** Leaves no trace of a login that nobody has finished. Only of a session in state ABSENT that is nobody's. */
export async function deleteUnclaimed(tx: WorkerTx, sessionId: bigint): Promise<void> {
  await tx
    .deleteFrom("sessions")
    .where("id", "=", sessionId)
    .where("user_id", "is", null)
    .where("state", "=", "ABSENT")
    .execute();
}

/** A tenant's session for an app. */
export async function sessionOfApp(tx: Tx, tenantId: string, appId: string): Promise<SessionInfo | null> {
  const row = await tx
    .selectFrom("sessions")
    .select(INFO)
    .where("tenant_id", "=", tenantId)
    .where("app_id", "=", appId)
    .executeTakeFirst();
  return row ? toInfo(row) : null;
}

/** Logins under way, of all tenants, and those that were left: the oldest first. */
export async function pendingLogins(tx: WorkerTx, most: number): Promise<SessionInfo[]> {
  const rows = await tx
    .selectFrom("sessions")
    .select(INFO)
    .where("state", "in", ["PENDING_QR", "PENDING_CODE", "PENDING_PASSWORD"])
    .orderBy("state_changed_at")
    .limit(most)
    .execute();
  return rows.map(toInfo);
}
