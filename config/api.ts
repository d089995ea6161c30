import type { BoardUser } from "./admin-users.ts";
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
  readonly board: {
    /** Who signs in at /queues with a password. */
    readonly users: readonly BoardUser[];
    /** Whether people reach the api by way of a proxy: then an address of this machine is no proof of being at it. */
    readonly published: boolean;
  };
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
    admins: given.ADMIN_USERS?.telegramIds ?? new Set(),
    board: {
      users: given.ADMIN_USERS?.boardUsers ?? [],
      published: given.TRUSTED_PROXIES !== undefined || isElsewhere(given.AUTH_BASE_URL),
    },
    miniApp: {
      botToken: given.BOT_TOKEN ?? null,
      botIds: given.MINIAPP_BOT_IDS ?? [],
      hmacSecret: given.MINIAPP_HMAC_SECRET ?? null,
      toleranceSeconds: given.MINIAPP_TIMESTAMP_TOLERANCE,
    },
  };
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Whether an address that people open is not this machine's own. */
const isElsewhere = (url: string | undefined): boolean =>
  url !== undefined && !(URL.canParse(url) && LOOPBACK.test(new URL(url).hostname));
