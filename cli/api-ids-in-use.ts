import { type ApiIdInUse, listApiIds } from "../db/api-ids.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type ApiIdState, stateOf } from "./api-id-state.ts";
import type { CommandContext } from "./context.ts";

/** An API ID that was never in use. */
const UNUSED: Omit<ApiIdInUse, "apiId"> = {
  ...{ firstSeenAt: null, outOfServiceAt: null, reason: null, refusals: 0, probeAt: null },
  ...{ drainingAt: null, retiredAt: null, unconfiguredAt: null },
  ...{ sessions: 0, held: 0, frozen: 0, frozenLately: 0, bannedLately: 0 },
};

/** API IDs that were never in use are those of the configuration. */
export async function apiIdsInUse({
  database,
  config,
}: CommandContext): Promise<(ApiIdInUse & { readonly state: ApiIdState })[]> {
  const known = await database.asWorker(listApiIds);
  const { masters, backup } = config.apiIds;
  const configured = [...masters, ...(backup ? [backup] : [])].map(({ apiId }) => apiId);
  const unused = configured.filter((apiId) => !known.some((each) => each.apiId === apiId));
  return [...known, ...unused.map((apiId) => ({ apiId, ...UNUSED }))]
    .map((row) => ({ ...row, state: stateOf(row) }))
    .sort((a, b) => a.apiId - b.apiId);
}

/** @throws OperatorError where there is no such API ID */
export async function findApiId(context: CommandContext, apiId: number) {
  const known = (await apiIdsInUse(context)).find((each) => each.apiId === apiId);
  if (!known) throw new OperatorError(`no API ID ${apiId} here: see "gramfleet api-ids list"`);
  return known;
}
