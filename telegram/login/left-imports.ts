import { unfinishedImports } from "../../db/imports.ts";
import { deleteUnusedOwnApiIds } from "../../db/own-api-ids.ts";
import type { SessionInfo } from "../../db/sessions.ts";
import { deleteUnclaimed } from "../../db/unclaimed-sessions.ts";
import type { LoginDependencies } from "./custody.ts";

const AT_ONCE = 1_000;

/**
 * Deletes what imports left whose process died. No connection is made: the key is another program's session, and lives
 * on there. Whose lease is held is under way, and left alone. Gives how many were deleted.
 */
export async function deleteLeftImports(
  deps: Pick<LoginDependencies, "database" | "log"> & { readonly fleet: Pick<LoginDependencies["fleet"], "leases"> },
): Promise<number> {
  let deleted = 0;
  for (const session of await deps.database.asWorker((tx) => unfinishedImports(tx, AT_ONCE)))
    if (await deleteLeft(deps, session)) deleted += 1;
  return deleted;
}

async function deleteLeft(
  { database, fleet, log }: Parameters<typeof deleteLeftImports>[0],
  session: SessionInfo,
): Promise<boolean> {
  const lease = await fleet.leases.acquire(session.id);
  if (!lease) return false;
  try {
    await database.underLease(lease.ref, (tx) => deleteUnclaimed(tx, session.id));
    await database.inTenant(session.tenantId, deleteUnusedOwnApiIds);
    return true;
  } catch (error) {
    log.warn({ err: error, session_id: String(session.id) }, "left import not deleted yet");
    return false;
  } finally {
    await lease.release();
  }
}
