import type { ClosedToLogins } from "../db/api-ids.ts";
import { OperatorError } from "../runtime/operator-error.ts";

export interface MasterApi {
  readonly apiId: number;
  readonly apiHash: string;
}

/** What is configured. */
interface Configured {
  readonly masters: readonly MasterApi[];
  readonly backup: MasterApi | null;
}

const NONE_CLOSED: ClosedToLogins = { out: new Set(), leaving: new Set() };

/**
 * The API ID of a user's first login: `user.id mod N` over the masters that are there to stay, or the backup while that one
 * is out of service. It is pinned to the session then, for good: an api_id never changes for an authorised session, and
 * neither adding a master nor draining one moves anybody.
 *
 * @throws OperatorError where no API ID takes logins
 */
export function pickMaster(userId: bigint, apiIds: Configured, closed: ClosedToLogins = NONE_CLOSED): MasterApi {
  const takes = ({ apiId }: MasterApi) => !closed.out.has(apiId) && !closed.leaving.has(apiId);
  const share = (masters: readonly MasterApi[]) => masters[Number(userId % BigInt(Math.max(1, masters.length)))];
  // One master out of service sends its share to the backup, not all users to other masters; one that leaves has no share.
  const chosen = share(apiIds.masters.filter(({ apiId }) => !closed.leaving.has(apiId)));
  if (chosen && takes(chosen)) return chosen;
  const backup = apiIds.backup && takes(apiIds.backup) ? apiIds.backup : null;
  const instead = backup ?? share(apiIds.masters.filter(takes));
  if (!instead)
    throw new OperatorError(
      "no API ID is in service: correct MASTER_API_IDS, or set BACKUP_API_ID and BACKUP_API_HASH",
    );
  return instead;
}

/**
 * The API ID by which somebody logs in again: the one that the session is pinned to, while it is ours and takes logins;
 * else as for a first login.
 *
 * @throws OperatorError as {@link pickMaster}
 */
export function pickAgain(
  session: { readonly userId: bigint; readonly apiId: number; readonly ownApi: boolean },
  apiIds: Configured,
  closed: ClosedToLogins,
): MasterApi {
  const { apiId, ownApi, userId } = session;
  const isClosed = closed.out.has(apiId) || closed.leaving.has(apiId);
  const apiHash = ownApi || isClosed ? null : apiHashOf(apiIds, apiId);
  return apiHash === null ? pickMaster(userId, apiIds, closed) : { apiId, apiHash };
}

/** The API hash that belongs to one of our API IDs; null for one that is not configured. */
export function apiHashOf(apiIds: Configured, apiId: number): string | null {
  const all = apiIds.backup ? [...apiIds.masters, apiIds.backup] : apiIds.masters;
  return all.find((master) => master.apiId === apiId)?.apiHash ?? null;
}
