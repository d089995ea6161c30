import type { Values } from "./variables.ts";

/** What the bot is told. Holds secrets. */
export interface BotConfig {
  readonly token: string | null;
  /** Where people log in: the Mini App's pages, without a slash at the end. */
  readonly authBaseUrl: string | null;
  /** Telegram ids. */
  readonly admins: ReadonlySet<bigint>;
  /** The Bot API; Telegram's own unless set. */
  readonly apiRoot: string | null;
  /** How Telegram brings updates; null: they are fetched. */
  readonly webhook: {
    readonly url: string;
    /** Telegram sends it with each update: whoever does not is not Telegram. */
    readonly secret: string;
    readonly host: string;
    readonly port: number;
  } | null;
}

export function botConfig(given: Values): BotConfig {
  const { BOT_WEBHOOK_URL: url, BOT_WEBHOOK_SECRET: secret } = given;
  return {
    token: given.BOT_TOKEN ?? null,
    authBaseUrl: given.AUTH_BASE_URL?.replace(/\/+$/, "") ?? null,
    admins: new Set(given.BOT_ADMIN_IDS ?? []),
    apiRoot: given.BOT_API_ROOT?.replace(/\/+$/, "") ?? null,
    webhook: url && secret ? { url, secret, host: given.BOT_HOST, port: given.BOT_PORT } : null,
  };
}
