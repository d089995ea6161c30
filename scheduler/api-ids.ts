import { deleteOldLosses } from "../db/account-losses.ts";
import { holdPinned, releaseLeft } from "../db/api-id-outage.ts";
import { noteConfigured } from "../db/api-ids.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../runtime/log.ts";

/** Sessions held, or given free, by one transaction. */
const AT_ONCE = 1_000;
/** What became of accounts is told of the last day; a month is for whoever looks into what happened. */
const KEEP_LOSSES_DAYS = 30;

/**
 * At a scheduler's start: notes which API IDs are configured. The start goes on where one is missing that sessions are
 * pinned to; these are held, and one line says so.
 */
export async function settleApiIds(deps: {
  readonly database: Pick<Database, "asWorker">;
  readonly apiIds: readonly number[];
  readonly log: Log;
}): Promise<void> {
  const { database, apiIds, log } = deps;
  if (apiIds.length === 0) return;
  const { added, back, missing } = await database.asWorker((tx) => noteConfigured(tx, apiIds));
  if (added.length > 0) log.info({ api_ids: added }, "API IDs are new: first logins are spread over them from now on");
  if (back.length > 0) log.info({ api_ids: back }, "API IDs are configured again: their sessions are given free");
  if (missing.length > 0)
    log.error(
      { missing: missing.map(({ apiId, sessions }) => ({ api_id: apiId, sessions })) },
      "sessions are held, for their API ID is not configured: put it back into MASTER_API_IDS, or retire it (gramfleet api-ids)",
    );
  for (let turn = await holdByApiId({ database }); turn === "again"; ) turn = await holdByApiId({ database });
}

/** One turn: holds sessions whose API ID serves them no more, and gives those free that it serves again. */
export async function holdByApiId(deps: { readonly database: Pick<Database, "asWorker"> }): Promise<"again" | "rest"> {
  const [held, released] = await deps.database.asWorker(async (tx) => {
    await deleteOldLosses(tx, KEEP_LOSSES_DAYS);
    return [await holdPinned(tx, AT_ONCE), await releaseLeft(tx, AT_ONCE)];
  });
  return held === AT_ONCE || released === AT_ONCE ? "again" : "rest";
}
