import type { Values } from "./variables.ts";

/** What the api is told: where it listens, whom it believes, and who they are that may use it. Holds secrets. */
export interface ApiConfig {
  readonly host: string;
  readonly port: number;
  readonly requestsPerMinute: number;
  /** Addresses and networks (CIDR) whose X-Forwarded-For says who a request is from. */
  readonly trustedProxies: readonly string[];
  /** Telegram ids. */
  readonly admins: ReadonlySet<bigint>;
  readonly miniApp: {
    /** Of our own bot: what the Mini App's initData and Telegram Login are signed with. */
    readonly botToken: string | null;
    /** Bots of others whose Mini Apps may log people in; Telegram signs for them. */
    readonly botIds: readonly bigint[];
    readonly hmacSecret: string | null;
    readonly toleranceSeconds: number;
  };
}

export function apiConfig(given: Values): ApiConfig {
  return {
    host: given.API_HOST,
    port: given.API_PORT,
    requestsPerMinute: given.API_REQUESTS_PER_MINUTE,
    trustedProxies: given.TRUSTED_PROXIES ?? [],
    admins: new Set(given.ADMIN_USERS ?? []),
    miniApp: {
      botToken: given.BOT_TOKEN ?? null,
      botIds: given.MINIAPP_BOT_IDS ?? [],
      hmacSecret: given.MINIAPP_HMAC_SECRET ?? null,
      toleranceSeconds: given.MINIAPP_TIMESTAMP_TOLERANCE,
    },
  };
}
