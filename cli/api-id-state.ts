import type { ApiIdInUse } from "../db/api-ids.ts";

export type ApiIdState = "in service" | "draining" | "out of service" | "not configured" | "retired";

/** What an operator calls the state of an API ID: the weightiest of what is true of it. */
export function stateOf(
  row: Pick<ApiIdInUse, "retiredAt" | "outOfServiceAt" | "unconfiguredAt" | "drainingAt">,
): ApiIdState {
  if (row.retiredAt) return "retired";
  if (row.outOfServiceAt) return "out of service";
  if (row.unconfiguredAt) return "not configured";
  return row.drainingAt ? "draining" : "in service";
}
