import type { Database } from "../db/database.ts";
import type { Tickets } from "../login/tickets.ts";
import type { Producer } from "../queue/producer.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Vault } from "../telegram/vault.ts";
import type { Terms } from "../terms/terms.ts";
import type { Background } from "./background.ts";

/** The tenant whose people come by the bot, until there are more. */
export const BOT_TENANT = "default";

/** What commands work with. */
export interface BotDeps {
  readonly database: Database;
  readonly tickets: Pick<Tickets, "start" | "cancelLoginOf" | "size">;
  readonly producer: Pick<Producer, "add" | "pausedUntil" | "queueCounts">;
  readonly vault: Pick<Vault, "sealApiHash">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "botUpdates" | "botNotices">;
  /** The pages' address, without a slash at the end. */
  readonly authBaseUrl: string;
  /** What people agree to who log in. */
  readonly terms: Terms;
  /** Telegram ids. */
  readonly admins: ReadonlySet<bigint>;
  /** What goes on after a command was answered. */
  readonly background: Background;
}
