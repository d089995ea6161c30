import type { Database } from "../db/database.ts";
import { loadSealed, loadSession, noteEvent, type SessionInfo, setHold } from "../db/sessions.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { Fleet } from "./fleet.ts";

/**
 * Hands out a session's key, under its lease. The session is parked in the same transaction that records it, before
 * anybody has the key: what uses it from then on is another program, and two on one key end it.
 *
 * @param parts.convert gives what is to be written; what it throws leaves all as it was
 * @param parts.write keeps it; where that fails, the session is used on as before
 * @throws OperatorError where the session is not AUTHORIZED, or somebody works with it
 */
export async function exportSession(
  { database, fleet }: { readonly database: Database; readonly fleet: Pick<Fleet, "leases" | "vault"> },
  sessionId: bigint,
  parts: {
    readonly format: string;
    convert(secret: string, session: SessionInfo): string;
    write(converted: string): Promise<void>;
  },
): Promise<SessionInfo> {
  const lease = await fleet.leases.acquire(sessionId);
  if (!lease) throw new SessionBusy("somebody works with this session: try again in a moment");
  try {
    const { session, converted } = await database.underLease(lease.ref, async (tx) => {
      const session = await loadSession(tx, sessionId);
      const sealed = await loadSealed(tx, sessionId);
      if (session?.state !== "AUTHORIZED" || !sealed)
        throw new OperatorError(
          `only a session that is AUTHORIZED is exported, and this is ${session?.state ?? "gone"}`,
        );
      const { tenantId, telegramId, apiId } = session;
      const converted = parts.convert(fleet.vault.open(sealed, { tenantId, sessionId, telegramId, apiId }), session);
      await setHold(tx, sessionId, "parked", true);
      await noteEvent(tx, session, `exported (${parts.format})`);
      return { session, converted };
    });
    try {
      await parts.write(converted);
    } catch (error) {
      await database.underLease(lease.ref, async (tx) => {
        if (!session.holds.includes("parked")) await setHold(tx, sessionId, "parked", false);
        await noteEvent(tx, session, "export not written");
      });
      throw error;
    }
    return session;
  } finally {
    await lease.release();
  }
}

/** Its lease is held, or cannot be had now. */
export class SessionBusy extends OperatorError {}
