import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Every metric of gramfleet, by name, with its help text. Labels are bounded: never a telegram_id. */
export function createMetrics(options: { defaults?: boolean } = {}) {
  const registry = new Registry();
  if (options.defaults) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    telegramApiCalls: new Counter({
      name: "telegram_api_calls_total",
      help: "Calls made to Telegram, by API ID (own ones as own), method and outcome (ok, flood, error, timeout).",
      labelNames: ["api_id", "method", "outcome"] as const,
      registers,
    }),
    telegramFloodWaits: new Counter({
      name: "telegram_flood_waits_total",
      help: "Waits that Telegram asked for, by API ID and method.",
      labelNames: ["api_id", "method"] as const,
      registers,
    }),
    activeTelegramSessions: new Gauge({
      name: "active_telegram_sessions",
      help: "Telegram clients connected now in this process.",
      registers,
    }),
    scheduleLag: new Histogram({
      name: "schedule_lag_seconds",
      help: "From next_parse_at to the commit of the run, by plan.",
      labelNames: ["plan"] as const,
      buckets: [0.5, 1, 2, 5, 10, 30, 60, 300, 900],
      registers,
    }),
    messagesStored: new Counter({
      name: "messages_stored_total",
      help: "Messages stored, by change (new, edited, deleted).",
      labelNames: ["change"] as const,
      registers,
    }),
    backfillMessages: new Counter({
      name: "backfill_messages_total",
      help: "Messages that backfill stored: new ones of a channel's history.",
      registers,
    }),
    messagesMissing: new Gauge({
      name: "messages_missing",
      help: "Message ids of subscribed channels, within plan and access, that are not accounted for.",
      registers,
    }),
    messagesUnverified: new Gauge({
      name: "messages_unverified",
      help: "Message ids that were accounted for before a gap in the updates, and not read again since.",
      registers,
    }),
    channelsIncomplete: new Gauge({
      name: "channels_incomplete",
      help: "Subscribed channels in which something is missing or unverified.",
      registers,
    }),
    oldestGap: new Gauge({
      name: "oldest_gap_seconds",
      help: "For how long the channel that has been incomplete longest has been so; 0 where none is.",
      registers,
    }),
    miniappWebhooks: new Counter({
      name: "miniapp_webhook_total",
      help: "Signed requests of the Mini App's bot, by result (accepted, refused, replayed).",
      labelNames: ["result"] as const,
      registers,
    }),
    sessionStates: new Gauge({
      name: "session_states_gauge",
      help: "Sessions in each state, logins of nobody known yet among them.",
      labelNames: ["state"] as const,
      registers,
    }),
    sessionTransitions: new Counter({
      name: "session_state_transitions_total",
      help: "Transitions of sessions that this process has made, by the state before and after.",
      labelNames: ["from", "to"] as const,
      registers,
    }),
    qrAuthStarts: new Counter({
      name: "qr_auth_start_total",
      help: "Logins by QR code that were begun for people who are elsewhere.",
      registers,
    }),
    qrLoginSeconds: new Histogram({
      name: "qr_login_duration_seconds",
      help: "From a ticket's start to its end, by how it ended (AUTHORIZED, expired, cancelled, wrong_account, failed).",
      labelNames: ["end"] as const,
      buckets: [5, 10, 20, 30, 60, 120, 300, 600],
      registers,
    }),
    qrAuthCallbacks: new Counter({
      name: "qr_auth_callback_total",
      help: "Reports of who has scanned a ticket's code, by what they were: awaited, wrong_user, ended, unknown.",
      labelNames: ["result"] as const,
      registers,
    }),
    codeLoginSeconds: new Histogram({
      name: "code_login_duration_seconds",
      help: "The same of logins by phone and code.",
      labelNames: ["end"] as const,
      buckets: [5, 10, 20, 30, 60, 120, 300, 600],
      registers,
    }),
    loginCodesSent: new Counter({
      name: "login_codes_sent_total",
      help: "Login codes that Telegram was asked to send, by API ID (own ones as own).",
      labelNames: ["api_id"] as const,
      registers,
    }),
    botUpdates: new Counter({
      name: "bot_updates_total",
      help: "Updates that the bot has handled, by kind (command, button, other) and outcome (answered, failed).",
      labelNames: ["kind", "outcome"] as const,
      registers,
    }),
    botNotices: new Counter({
      name: "bot_notices_total",
      help: "What the bot has told people unasked, by kind (logged_in, wrong_account, expired, ended) and outcome (told, not_reached).",
      labelNames: ["kind", "outcome"] as const,
      registers,
    }),
    jobsFinished: new Counter({
      name: "jobs_finished_total",
      help: "Jobs that ended, by name and outcome (done, snoozed, discarded, failed).",
      labelNames: ["name", "outcome"] as const,
      registers,
    }),
    queueDepth: new Gauge({
      name: "queue_depth",
      help: "Jobs in a queue, by queue and state.",
      labelNames: ["queue", "state"] as const,
      registers,
    }),
    usersDue: new Gauge({ name: "users_due", help: "Users whose parse is due and not yet claimed.", registers }),
    accountsWaiting: new Gauge({
      name: "accounts_waiting",
      help: "Accounts that Telegram has asked to wait, by length: any, or long (over FLOOD_SLEEP_THRESHOLD).",
      labelNames: ["length"] as const,
      registers,
    }),
    dueScanned: new Counter({ name: "users_enqueued_total", help: "Users enqueued by the due scan.", registers }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
