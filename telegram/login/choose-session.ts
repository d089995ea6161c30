import { randomInt } from "node:crypto";
import { listClosedToLogins } from "../../db/api-ids.ts";
import type { Agreed } from "../../db/consents.ts";
import { LoginBusy } from "../../db/login-conflicts.ts";
import { ownApiIdForLogin } from "../../db/own-api-ids.ts";
import { ensureSession, type SessionInfo } from "../../db/sessions.ts";
import { insertUnclaimed, sessionOfApp } from "../../db/unclaimed-sessions.ts";
import type { User } from "../../db/users.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { type LoginApi, openOwnApiId } from "../own-api-ids.ts";
import { type MasterApi, pickAgain, pickMaster } from "../shards.ts";
import type { LoginDependencies } from "./custody.ts";

/** Who is to log in. */
export interface LoginFor {
  readonly tenantId: string;
  /** The one whose account it must be; null: whoever comes becomes a user. */
  readonly user: User | null;
  /** `user_<telegram_id>` unless given. An app that has a session already is logged in as the same account, or not. */
  readonly appId?: string;
  /** The API ID of their own that this login goes by (see `keepOwnApiId`); else their own, if they have one, else ours. */
  readonly ownApiId?: string | null;
  /** What they have been shown by the time that they are logged in: recorded then. */
  readonly agreed?: () => Agreed | null;
}

/**
 * The row that is leased (the user's, the app's, or a new one of nobody's), and the API ID to log in by.
 *
 * @throws OperatorError where the app is another account's, or no API ID is in service
 */
export async function chooseSession(
  deps: LoginDependencies,
  who: LoginFor,
): Promise<{ session: SessionInfo; api: LoginApi }> {
  const { database, fleet, apiIds } = deps;
  const { tenantId, user } = who;
  const closed = await database.asWorker(listClosedToLogins);
  const appId = who.appId ?? (user ? `user_${user.telegramId}` : undefined);
  const known = appId === undefined ? null : await database.asWorker((tx) => sessionOfApp(tx, tenantId, appId));
  if (user && known && known.telegramId !== user.telegramId)
    throw new OperatorError(`the app ${appId} is another account's`);
  const own = await database.asWorker((tx) =>
    ownApiIdForLogin(tx, { given: who.ownApiId ?? null, userId: user?.id ?? null, sessionId: known?.id ?? null }),
  );
  if (own && own.tenantId !== tenantId) throw new OperatorError("that API ID is another tenant's");
  const ours = (master: MasterApi): LoginApi => ({ ...master, ownApiId: null });
  const api = own
    ? openOwnApiId(fleet.vault, own)
    : ours(
        known
          ? pickAgain(known, apiIds, closed)
          : // Nobody's share of the API IDs is known before somebody has come: by chance, then.
            pickMaster(user?.id ?? BigInt(randomInt(2 ** 31)), apiIds, closed),
      );
  if (known) return { session: known, api };
  const { apiId } = api;
  const session = await database.asWorker((tx) =>
    user
      ? ensureSession(tx, {
          userId: user.id,
          telegramId: user.telegramId,
          ...{ tenantId, apiId, ownApi: api.ownApiId !== null, ...(appId === undefined ? {} : { appId }) },
        })
      : insertUnclaimed(tx, { tenantId, appId: appId ?? null, apiId }),
  );
  if (!session) throw new LoginBusy("another login for this app has just begun: try again later");
  return { session, api };
}
