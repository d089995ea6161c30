import type { FastifyRequest } from "fastify";
import { findApiToken } from "../../db/api-tokens.ts";
import type { Database } from "../../db/database.ts";
import { findUser } from "../../db/users.ts";
import { findLegacyLogin, findWebSession } from "../../db/web-sessions.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type InitDataTrust, verifyInitData } from "../proof/init-data.ts";
import { ProofRefused } from "../proof/signed.ts";
import { type Caller, type FindCaller, type Person, unauthenticated } from "./access.ts";
import { ApiError } from "./errors.ts";
import { webToken } from "./web-cookie.ts";

/** The tenant whose people come by the bot, until there are more. */
export const BOT_TENANT = "default";

/**
 * Credentials are one of `Authorization: Bearer` (a tenant's token), `Authorization: tma` (a Mini App's initData) and
 * the cookie of a web login. What a request shows is what it is judged by: a bad header is no good with a good cookie.
 */
export function createFindCaller(deps: {
  readonly database: Database;
  readonly clock: Clock;
  readonly trust: InitDataTrust;
  readonly admins: ReadonlySet<bigint>;
}): FindCaller {
  const { database } = deps;
  const person = (who: Omit<Person, "kind" | "admin">): Person => ({
    ...{ kind: "person", tenantId: who.tenantId, userId: who.userId, telegramId: who.telegramId },
    ...{ webSessionId: who.webSessionId, admin: deps.admins.has(who.telegramId) },
  });

  const byHeader = async (header: string): Promise<Caller> => {
    const [, scheme = "", credentials = ""] = /^(\S+) +(\S.*)$/.exec(header) ?? [];
    if (scheme.toLowerCase() === "bearer") {
      const token = await database.asApp((tx) => findApiToken(tx, credentials));
      if (!token) throw unauthenticated("this token is unknown or revoked");
      return { kind: "client", tenantId: token.tenantId, tokenId: token.id };
    }
    if (scheme.toLowerCase() === "tma") {
      const { telegramId } = provenBy(() => verifyInitData(credentials, deps.trust, deps.clock.now()));
      const user = await database.inTenant(BOT_TENANT, (tx) => findUser(tx, telegramId));
      if (!user) throw new ApiError(403, "unknown_user", "this Telegram account is no user here: it needs an invite");
      return person({ tenantId: user.tenantId, userId: user.id, telegramId, webSessionId: null });
    }
    throw unauthenticated("the Authorization header is neither Bearer nor tma");
  };

  const byCookie = async (request: FastifyRequest, token: string): Promise<Person> => {
    const own = await database.asApp((tx) => findWebSession(tx, token));
    const login = own ?? (await database.asApp((tx) => findLegacyLogin(tx, token)));
    if (!login) throw unauthenticated("this login is over: log in again");
    const event = own ? "SESSION_LOOKUP" : "SESSION_FALLBACK_LEGACY";
    request.log.info(
      { event, user_telegram_id: login.telegramId.toString() },
      own ? `[${event}] web login recognised` : `[${event}] token of the earlier system recognised`,
    );
    return person({ ...login, webSessionId: login.id });
  };

  return async (request) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) return byHeader(authorization);
    const token = webToken(request);
    return token === null ? null : byCookie(request, token);
  };
}

/** What `verify` gives, its refusal as an answer. */
export function provenBy<T>(verify: () => T): T {
  try {
    return verify();
  } catch (error) {
    if (error instanceof ProofRefused) throw new ApiError(401, "not_proven", `this proves nothing: ${error.message}`);
    throw error;
  }
}
