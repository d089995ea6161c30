import { sql } from "kysely";
import type { FleetTx, Tx } from "./database.ts";
import { beginRedeemedPlans } from "./invites.ts";
import { LoggedInAlready } from "./login-conflicts.ts";
import { refreshQueue } from "./schedule-queue.ts";
import type { SessionHold, SessionState } from "./schema.ts";
import { NO_KEY, type SessionInfo } from "./session-row.ts";
import { IllegalTransition, KEYLESS, mayFollow } from "./session-states.ts";
import { ofTenant } from "./tenant.ts";
import { notifyTransition } from "./transition-hint.ts";
import { noteTransition } from "./transition-watch.ts";

/**
 * One transition of the state machine, with its event row; into REVOKED and ABSENT the ciphertext goes too. Holds end with
 * the state AUTHORIZED, and what asks for a log-out with any transition but the one to STALE. Into AUTHORIZED, the plans
 * begin that invites gave. Sets or clears the schedule's queue with it. Gives false where the row is not in one of `from`
 * (or, with `ifFingerprint`, holds another key): nothing is changed then.
 *
 * @throws IllegalTransition where the table knows no way from one of `from` to `to`
 * @throws LoggedInAlready where this telegram_id has another session that is AUTHORIZED
 */
export async function transition(
  tx: FleetTx,
  sessionId: bigint,
  change: { from: readonly SessionState[]; to: SessionState; reason?: string; ifFingerprint?: Buffer },
): Promise<boolean> {
  for (const from of change.from) if (!mayFollow(from, change.to)) throw new IllegalTransition(from, change.to);
  const row = await tx
    .selectFrom("sessions")
    .select(["state", "fingerprint", "user_id", "tenant_id"])
    .where("id", "=", sessionId)
    .where(ofTenant("tenant_id"))
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!row || !change.from.includes(row.state)) return false;
  if (change.ifFingerprint && !row.fingerprint?.equals(change.ifFingerprint)) return false;
  const reason = change.reason ?? null;
  try {
    await tx
      .updateTable("sessions")
      .set({
        state: change.to,
        reason,
        holds: [],
        state_changed_at: sql<Date>`now()`,
        ...(change.to === "AUTHORIZED" ? { used_at: sql<Date>`now()` } : {}),
        ...(KEYLESS.includes(change.to) ? NO_KEY : {}),
      })
      .where("id", "=", sessionId)
      .execute();
  } catch (error) {
    throw isSecondUsable(error)
      ? new LoggedInAlready("this Telegram account has another authorised session: revoke that one first", {
          cause: error,
        })
      : error;
  }
  await tx
    .insertInto("session_events")
    .values({ tenant_id: row.tenant_id, session_id: sessionId, from_state: row.state, to_state: change.to, reason })
    .execute();
  // It has come to pass, or a new login has come before it.
  if (change.to !== "STALE") await tx.deleteFrom("session_revocations").where("session_id", "=", sessionId).execute();
  if (row.user_id !== null) await refreshQueue(tx, row.user_id);
  if (row.user_id !== null && change.to === "AUTHORIZED") await beginRedeemedPlans(tx, row.user_id);
  const made = { sessionId, from: row.state, to: change.to };
  noteTransition(tx, made);
  await notifyTransition(tx, made);
  return true;
}

const isSecondUsable = (error: unknown): boolean =>
  error instanceof Error && "constraint" in error && error.constraint === "sessions_one_usable";

/** Puts or lifts a hold; a held session's schedule has no queue. Holds are of AUTHORIZED sessions only. */
export async function setHold(tx: Tx, sessionId: bigint, hold: SessionHold, held: boolean): Promise<void> {
  const holds = held
    ? sql<SessionHold[]>`array_append(array_remove(holds, ${hold}::text), ${hold}::text)`
    : sql<SessionHold[]>`array_remove(holds, ${hold}::text)`;
  const row = await tx
    .updateTable("sessions")
    .set({ holds })
    .where("id", "=", sessionId)
    .where("state", "=", "AUTHORIZED")
    .where(ofTenant("tenant_id"))
    .returning("user_id")
    .executeTakeFirst();
  if (row) await refreshQueue(tx, row.user_id);
}

/** Records something that happened to a session and changed no state. */
export async function noteEvent(
  tx: Tx,
  session: Pick<SessionInfo, "id" | "tenantId" | "state">,
  reason: string,
): Promise<void> {
  const { id, tenantId, state } = session;
  await tx
    .insertInto("session_events")
    .values({ tenant_id: tenantId, session_id: id, from_state: state, to_state: state, reason })
    .execute();
}

/** One line of a session's history. */
export interface SessionEvent {
  readonly fromState: SessionState;
  readonly toState: SessionState;
  readonly reason: string | null;
  readonly at: Date;
  /** When the owner was told, of an ending. */
  readonly toldAt: Date | null;
}

/** A session's transitions, the oldest first. */
export async function sessionEvents(tx: Tx, sessionId: bigint): Promise<SessionEvent[]> {
  return tx
    .selectFrom("session_events")
    .select(["from_state as fromState", "to_state as toState", "reason", "at", "told_at as toldAt"])
    .where("session_id", "=", sessionId)
    .where(ofTenant("tenant_id"))
    .orderBy("id")
    .execute();
}
