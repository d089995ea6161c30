import { noteLoss } from "../../db/account-losses.ts";
import type { Database } from "../../db/database.ts";
import { type SessionInfo, setHold, transition } from "../../db/sessions.ts";
import type { Log } from "../../runtime/log.ts";
import type { SESSION_ENDINGS } from "../../runtime/metrics/labels.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { ApiIdService } from "../api-ids.ts";
import type { TelegramConnection } from "../connection.ts";
import { AccountFrozen, ApiIdRefused, AuthDoubtful, AuthLost, RpcRefused } from "../errors.ts";

/** An account at the moment an error ended its work. */
export interface Ending {
  readonly session: SessionInfo;
  /** Of the key that got the error. */
  readonly fingerprint: Buffer;
  readonly connection: Pick<TelegramConnection, "api"> | null;
}

/** The reason recorded with STALE, by Telegram's name for what happened. */
const REASONS: Readonly<Record<string, (typeof SESSION_ENDINGS)[number]>> = {
  AUTH_KEY_DUPLICATED: "duplicated",
  SESSION_REVOKED: "revoked_elsewhere",
  SESSION_EXPIRED: "expired",
  USER_DEACTIVATED: "deactivated",
  USER_DEACTIVATED_BAN: "banned",
};

/** Writes down what an error means for the session, before its lease is released. */
export function createEndings(options: {
  database: Database;
  apiIds: Pick<ApiIdService, "refused">;
  /** Whether an API ID is one of ours. */
  isOurs: (apiId: number) => boolean;
  metrics: Pick<Metrics, "sessionEndings">;
  log: Log;
}) {
  const { database, apiIds, isOurs, metrics, log } = options;

  /** Only where the stored key is still the one that got the error: a login may have replaced it meanwhile. */
  async function end({ session, fingerprint }: Ending, error: AuthLost): Promise<void> {
    const reason = REASONS[error.errorName] ?? "auth_lost";
    const change = { from: ["AUTHORIZED"], to: "STALE", reason, ifFingerprint: fingerprint } as const;
    const ended = await database.asWorker(async (tx) => {
      const changed = await transition(tx, session.id, change);
      if (changed && reason === "banned") await noteLoss(tx, session, "banned");
      return changed;
    });
    if (ended) metrics.sessionEndings.inc({ reason });
    const fields = { session_id: String(session.id), user_telegram_id: String(session.telegramId), reason };
    log.warn({ ...fields, error: error.errorName, method: error.method, ended }, "session ended by Telegram");
  }

  /** An unknown 401 is confirmed by one getMe: what answers is alive. */
  async function confirm(ending: Ending, doubt: AuthDoubtful): Promise<unknown> {
    if (!ending.connection) return doubt;
    try {
      await ending.connection.api.getMe();
      return new RpcRefused(doubt.errorName, doubt.method, 401);
    } catch (error) {
      if (error instanceof AuthLost) return error;
      if (error instanceof AuthDoubtful) return new AuthLost(error.errorName, error.method);
      return doubt;
    }
  }

  async function hold({ session }: Ending, name: "frozen" | "api_id_out"): Promise<void> {
    await database.asWorker(async (tx) => {
      await setHold(tx, session.id, name, true);
      if (name === "frozen") await noteLoss(tx, session, "frozen");
    });
    log.warn(
      { session_id: String(session.id), user_telegram_id: String(session.telegramId), hold: name },
      "session held",
    );
  }

  async function refuseApiId(ending: Ending, error: ApiIdRefused): Promise<void> {
    const { apiId, ownApi } = ending.session;
    await hold(ending, "api_id_out");
    // Somebody may bring the number of one of ours with a hash that is wrong: that is refused to them alone.
    if (!(ownApi && isOurs(apiId))) await apiIds.refused(apiId, error);
  }

  return {
    /** Records what `error` means and gives the error to go on with. */
    async settle(error: unknown, ending: Ending): Promise<unknown> {
      const certain = error instanceof AuthDoubtful ? await confirm(ending, error) : error;
      if (certain instanceof AuthLost) await end(ending, certain);
      else if (certain instanceof AccountFrozen) await hold(ending, "frozen");
      else if (certain instanceof ApiIdRefused) await refuseApiId(ending, certain);
      return certain;
    },
  };
}
