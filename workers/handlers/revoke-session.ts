import type { Database, Tx } from "../../db/database.ts";
import { loadSession, transition } from "../../db/sessions.ts";
import type { Handlers } from "../../queue/consumer.ts";
import { type Accounts, SessionUnusable } from "../../telegram/account.ts";
import { AuthLost } from "../../telegram/errors.ts";

/**
 * Logs the session out at Telegram and deletes its key here. A session that is over at Telegram already needs no logging
 * out; that is also how a second try finds the one whose log-out was not recorded.
 */
export function createRevokeSession(deps: {
  readonly database: Database;
  readonly accounts: Pick<Accounts, "open">;
}): Handlers["revoke-session"] {
  return async (data) => {
    const sessionId = BigInt(data.sessionId);
    const revoke = (tx: Tx) =>
      transition(tx, sessionId, { from: ["AUTHORIZED", "STALE"], to: "REVOKED", reason: "asked" });
    try {
      await deps.accounts.open(sessionId, async (account) => {
        await account.api.logOut();
        await account.commit(revoke);
      });
      return { outcome: "logged out" };
    } catch (error) {
      const over = error instanceof AuthLost || error instanceof SessionUnusable;
      if (!over) throw error;
      const revoked = await deps.database.asWorker(async (tx) => {
        const session = await loadSession(tx, sessionId);
        return session?.state === "STALE" && (await revoke(tx));
      });
      if (!revoked) throw error;
      return { outcome: "was over" };
    }
  };
}
