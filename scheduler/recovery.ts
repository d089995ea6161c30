import type { Database } from "../db/database.ts";
import { voidClaims } from "../db/schedules.ts";
import type { Epoch } from "../queue/epoch.ts";
import type { Log } from "../runtime/log.ts";

/**
 * Where Redis has forgotten everything (FLUSHALL, a private Redis that started anew), the jobs of claimed users are gone:
 * their claims are void, and the next due scan enqueues them again. The marker is set last, so that a crash repeats it.
 */
export async function recoverFromFlush(deps: {
  readonly database: Database;
  readonly epoch: Epoch;
  readonly log: Log;
}): Promise<"rest"> {
  if (await deps.epoch.holds()) return "rest";
  const voided = await deps.database.asWorker((tx) => voidClaims(tx));
  await deps.epoch.begin();
  deps.log.info({ users: voided }, "Redis was empty: claims voided");
  return "rest";
}
