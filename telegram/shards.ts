import { OperatorError } from "../runtime/operator-error.ts";

export interface MasterApi {
  readonly apiId: number;
  readonly apiHash: string;
}

/**
 * The API ID of a user's first login: `user.id mod N` over the masters in service, else the backup. It is pinned to the
 * session then, for good: an api_id never changes for an authorised session, and adding a master moves nobody.
 *
 * @throws OperatorError where no API ID is in service
 */
export function pickMaster(
  userId: bigint,
  apiIds: { readonly masters: readonly MasterApi[]; readonly backup: MasterApi | null },
  outOfService: ReadonlySet<number> = new Set(),
): MasterApi {
  const masters = apiIds.masters.filter(({ apiId }) => !outOfService.has(apiId));
  // One master out of service sends its share to the backup, not all users to other masters.
  const chosen = apiIds.masters[Number(userId % BigInt(Math.max(1, apiIds.masters.length)))];
  const backup = apiIds.backup && !outOfService.has(apiIds.backup.apiId) ? apiIds.backup : null;
  if (chosen && !outOfService.has(chosen.apiId)) return chosen;
  const instead = backup ?? masters[Number(userId % BigInt(Math.max(1, masters.length)))];
  if (!instead)
    throw new OperatorError(
      "no API ID is in service: correct MASTER_API_IDS, or set BACKUP_API_ID and BACKUP_API_HASH",
    );
  return instead;
}

/**
 * The API ID by which somebody logs in again: the one that the session is pinned to, while it is ours and in service;
 * else as for a first login.
 *
 * @throws OperatorError as {@link pickMaster}
 */
export function pickAgain(
  session: { readonly userId: bigint; readonly apiId: number; readonly ownApi: boolean },
  apiIds: { readonly masters: readonly MasterApi[]; readonly backup: MasterApi | null },
  outOfService: ReadonlySet<number>,
): MasterApi {
  const apiHash = session.ownApi || outOfService.has(session.apiId) ? null : apiHashOf(apiIds, session.apiId);
  return apiHash === null ? pickMaster(session.userId, apiIds, outOfService) : { apiId: session.apiId, apiHash };
}

/** The API hash that belongs to one of our API IDs; null for one that is not configured. */
export function apiHashOf(
  apiIds: { readonly masters: readonly MasterApi[]; readonly backup: MasterApi | null },
  apiId: number,
): string | null {
  const all = apiIds.backup ? [...apiIds.masters, apiIds.backup] : apiIds.masters;
  return all.find((master) => master.apiId === apiId)?.apiHash ?? null;
}
