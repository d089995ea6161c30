import type { Database, WorkerTx } from "../../db/database.ts";
import { askRevocation, type RevocationReason, revocationOf, unlogged } from "../../db/revocations.ts";
import { loadSession, transition } from "../../db/sessions.ts";
import type { Handlers } from "../../queue/consumer.ts";
import { type Accounts, SessionUnusable } from "../../telegram/account.ts";
import { AuthLost } from "../../telegram/errors.ts";
import { VaultError } from "../../telegram/vault.ts";

/**
 * What keeps a session from ever being opened here: without a key there is nothing to log out with; one that answers for
 * another account, or that another cluster may be using, is none of ours to call with. The key is deleted all the same.
 */
const NEVER_OPENED: readonly string[] = ["no_key", "owner_mismatch", "parked"];

/**
 * Logs the session out at Telegram and deletes its key here. A session that is over at Telegram already needs no logging
 * out; that is also how a second try finds the one whose log-out was not recorded. While Telegram cannot be asked the key
 * stays, sealed and used by nobody: without it nothing could log the session out later (`scheduler/retention/revocations` ends that).
 */
export function createRevokeSession(deps: {
  readonly database: Database;
  readonly accounts: Pick<Accounts, "open">;
}): Handlers["revoke-session"] {
  return async (data) => {
    const sessionId = BigInt(data.sessionId);
    const reason = await deps.database.asWorker((tx) => whyRevoked(tx, sessionId));
    const logOut = async (): Promise<void> => {
      await deps.accounts.open(
        sessionId,
        async (account) => {
          await account.api.logOut();
          await account.commit((tx) => revoke(tx, sessionId, reason));
        },
        [],
        "revoke",
      );
    };
    try {
      await logOut();
      return { outcome: "logged out" };
    } catch (error) {
      const over = error instanceof AuthLost || (error instanceof SessionUnusable && error.reason === "STALE");
      const never = error instanceof SessionUnusable && NEVER_OPENED.includes(error.reason);
      // By the very key that it names: no process has anything to log out with.
      const shut = error instanceof VaultError && error.reason !== "unknown_key";
      if (!over && !never && !shut) throw error;
      const revoked = await deps.database.asWorker((tx) => revoke(tx, sessionId, over ? reason : unlogged(reason)));
      if (!revoked) throw error;
      return { outcome: over ? "was over" : "key deleted" };
    }
  };
}

/** As it was asked for, or by this job alone. */
async function whyRevoked(tx: WorkerTx, sessionId: bigint): Promise<RevocationReason> {
  await askRevocation(tx, sessionId, "asked");
  return (await revocationOf(tx, sessionId)) ?? "asked";
}

/** False where the session is in no state to be revoked, as one that was meanwhile. */
const revoke = async (tx: WorkerTx, sessionId: bigint, reason: string): Promise<boolean> => {
  const session = await loadSession(tx, sessionId);
  if (session?.state === "REVOKED") return true;
  return transition(tx, sessionId, { from: ["AUTHORIZED", "STALE"], to: "REVOKED", reason });
};
