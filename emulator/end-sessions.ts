import type { AuthKeyStore } from "./dc/auth-keys.ts";

/** How Telegram ends sessions, and with which code it says so (core.telegram.org/api/errors). */
export const ENDINGS = {
  AUTH_KEY_DUPLICATED: 406,
  AUTH_KEY_UNREGISTERED: 401,
  SESSION_REVOKED: 401,
  SESSION_EXPIRED: 401,
  USER_DEACTIVATED: 401,
  USER_DEACTIVATED_BAN: 401,
} as const;

export type EndingName = keyof typeof ENDINGS;

/** Ends every session of an account: each later call is answered with that error. Gives how many there were. */
export function endSessions(keys: AuthKeyStore, accountId: bigint, errorMessage: EndingName): number {
  const living = keys.ofAccount(accountId);
  for (const key of living) keys.change(key, { ended: { code: ENDINGS[errorMessage], errorMessage } });
  return living.length;
}
