import { putOutOfService } from "../../db/api-ids.ts";
import type { Database } from "../../db/database.ts";
import { type SealedSession, type SessionInfo, setHold, transition } from "../../db/sessions.ts";
import type { Log } from "../../runtime/log.ts";
import type { SESSION_ENDINGS } from "../../runtime/metrics/labels.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { TelegramConnection } from "../connection.ts";
import { AccountFrozen, ApiIdRefused, AuthDoubtful, AuthLost, RpcRefused } from "../errors.ts";
import type { Limiter } from "../limiter.ts";

/** An account at the moment an error ended its work. */
export interface Ending {
  readonly session: SessionInfo;
  /** The key that got the error. */
  readonly sealed: SealedSession;
  readonly connection: Pick<TelegramConnection, "api"> | null;
}

/** How long an API ID's calls pause after an error that names it: long enough for what runs to notice. */
const API_ID_PAUSE_MS = 60_000;

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
  limiter: Pick<Limiter, "pause">;
  metrics: Pick<Metrics, "sessionEndings">;
  log: Log;
}) {
  const { database, limiter, metrics, log } = options;

  /** Only where the stored key is still the one that got the error: a login may have replaced it meanwhile. */
  async function end({ session, sealed }: Ending, error: AuthLost): Promise<void> {
    const reason = REASONS[error.errorName] ?? "auth_lost";
    const ended = await database.asWorker((tx) =>
      transition(tx, session.id, { from: ["AUTHORIZED"], to: "STALE", reason, ifFingerprint: sealed.fingerprint }),
    );
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
    await database.asWorker((tx) => setHold(tx, session.id, name, true));
    log.warn(
      { session_id: String(session.id), user_telegram_id: String(session.telegramId), hold: name },
      "session held",
    );
  }

  async function refuseApiId(ending: Ending, error: ApiIdRefused): Promise<void> {
    const { apiId } = ending.session;
    await hold(ending, "api_id_out");
    const fresh = await database.asWorker((tx) => putOutOfService(tx, apiId, error.errorName));
    if (fresh) log.error({ api_id: apiId, error: error.errorName }, "API ID out of service");
    await limiter.pause(apiId, API_ID_PAUSE_MS).catch((failure) => log.warn({ err: failure }, "API ID not paused"));
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
