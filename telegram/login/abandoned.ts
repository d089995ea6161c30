import { ownApiIdOfSession } from "../../db/own-api-ids.ts";
import { pendingLogins } from "../../db/unclaimed-sessions.ts";
import { type Loop, startLoop } from "../../runtime/loop.ts";
import { LoginAbandoned, LoginCustody, type LoginDependencies } from "./custody.ts";
import { deleteLeftImports } from "./left-imports.ts";

const AT_ONCE = 20;

/**
 * Ends logins whose process died: their keys are logged out at Telegram, then forgotten; an import's is forgotten only.
 * Whose lease is held is under way, and left alone. Gives how many were ended.
 */
export async function endAbandonedLogins(deps: LoginDependencies): Promise<number> {
  const pending = await deps.database.asWorker((tx) => pendingLogins(tx, 1_000));
  let ended = await deleteLeftImports(deps);
  for (let at = 0; at < pending.length; at += AT_ONCE) {
    const results = await Promise.all(pending.slice(at, at + AT_ONCE).map((session) => endIfAbandoned(deps, session)));
    ended += results.filter(Boolean).length;
  }
  return ended;
}

/** Ends them again and again. */
export function sweepAbandonedLogins(deps: LoginDependencies, everyMs: number): Loop {
  return startLoop({
    name: "abandoned logins",
    everyMs,
    log: deps.log,
    async turn() {
      const ended = await endAbandonedLogins(deps);
      if (ended > 0) deps.log.info({ ended }, "abandoned logins ended");
      return "rest";
    },
  });
}

async function endIfAbandoned(
  deps: LoginDependencies,
  session: Awaited<ReturnType<typeof pendingLogins>>[number],
): Promise<boolean> {
  const lease = await deps.fleet.leases.acquire(session.id);
  if (!lease) return false;
  try {
    // Nothing that ends a login asks for the hash.
    const own = await deps.database.asWorker((tx) => ownApiIdOfSession(tx, session.id));
    const api = { apiId: session.apiId, apiHash: "", ownApiId: own?.id ?? null };
    const custody = new LoginCustody(deps, session, api, lease);
    await custody.logOutLeft();
    await custody.giveUp(new LoginAbandoned("abandoned"));
    return true;
  } catch (error) {
    deps.log.warn({ err: error, session_id: String(session.id) }, "abandoned login not ended yet");
    return false;
  } finally {
    await lease.release();
  }
}
