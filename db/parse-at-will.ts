import type { TenantTx } from "./database.ts";
import { loadSchedule, makeDue } from "./schedules.ts";

/** A parse at will is no way around the plan's interval for long: one a minute. */
const AT_MOST_EVERY_MS = 60_000;

/** What comes of asking for a parse now. */
export type ParseAtWill =
  /** The due scan takes the user next. */
  | { readonly kind: "due" }
  /** A parse had begun already. */
  | { readonly kind: "under_way" }
  | { readonly kind: "too_soon"; readonly retryMs: number }
  /** No usable session, or paused. */
  | { readonly kind: "not_parsable" };

/** Makes a user due who asks for a parse: in the turn of their plan, and at most once a minute. `now`: milliseconds. */
export async function askForParse(tx: TenantTx, userId: bigint, now: number): Promise<ParseAtWill> {
  const schedule = await loadSchedule(tx, userId);
  if (!schedule?.queue) return { kind: "not_parsable" };
  if (schedule.claimedAt) return { kind: "under_way" };
  const sinceMs = now - (schedule.lastStartedAt?.getTime() ?? 0);
  if (sinceMs >= 0 && sinceMs < AT_MOST_EVERY_MS) return { kind: "too_soon", retryMs: AT_MOST_EVERY_MS - sinceMs };
  await makeDue(tx, [userId]);
  return { kind: "due" };
}
