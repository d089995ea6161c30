import type { Definer } from "./define.ts";
import { API_IDS, METHODS } from "./labels.ts";

/** Calls to Telegram, and what holds them up. */
export const telegramMetrics = (define: Definer) => ({
  telegramApiCalls: define.counter({
    name: "telegram_api_calls_total",
    help: "Calls made to Telegram, by API ID (own ones as own), method and outcome (ok, flood, error, timeout).",
    labels: { api_id: API_IDS, method: METHODS, outcome: ["ok", "flood", "error", "timeout"] },
    in: ["worker", "api", "bot"],
    look: "How much is asked of Telegram, and how much of it is refused.",
  }),
  telegramCallSeconds: define.histogram({
    name: "telegram_api_call_duration_seconds",
    help: "From a call's first byte to its answer, by method; the wait for the limiter is not in it.",
    labels: { method: METHODS },
    buckets: [0.05, 0.25, 1, 5, 30],
    in: ["worker", "api", "bot"],
    look: "Whether Telegram, or the way to it, has become slow.",
  }),
  telegramFloodWaits: define.counter({
    name: "telegram_flood_waits_total",
    help: "Waits that Telegram asked for, by API ID and method.",
    labels: { api_id: API_IDS, method: METHODS },
    in: ["worker", "api", "bot"],
    look: "A flood storm: which API ID, and on what.",
  }),
  telegramFloodWaitSeconds: define.counter({
    name: "telegram_flood_wait_seconds_total",
    help: "Seconds of the waits that Telegram asked for, by API ID and method.",
    labels: { api_id: API_IDS, method: METHODS },
    in: ["worker", "api", "bot"],
    look: "Whether waits are seconds or hours long.",
  }),
  telegramConnects: define.counter({
    name: "telegram_connects_total",
    help: "Connections opened for logged-in accounts, by outcome: ok, refused (Telegram ended or refused the session), failed (no answer).",
    labels: { outcome: ["ok", "refused", "failed"] },
    in: ["worker", "api", "bot"],
    look: "Whether Telegram can be reached at all from here.",
  }),
  activeTelegramSessions: define.gauge({
    name: "active_telegram_sessions",
    help: "Telegram clients connected now in this process.",
    in: ["worker", "api", "bot"],
    look: "How many accounts a worker reads at once.",
  }),
  limiterQueue: define.gauge({
    name: "telegram_limiter_queue",
    help: "Calls of this process that wait for their turn at an API ID's limiter.",
    labels: { api_id: API_IDS },
    in: ["worker", "api", "bot"],
    look: "Whether API_CALLS_PER_SECOND is what holds parses up.",
  }),
  limiterReservoir: define.gauge({
    name: "telegram_limiter_reservoir",
    help: "Calls of an API ID that may still begin within the next second, of API_CALLS_PER_SECOND, as this process last saw it; 0 while the API ID is paused. Of own ones the least.",
    labels: { api_id: API_IDS },
    in: ["worker", "api", "bot"],
    look: "How near an API ID is to its limit.",
  }),
  accountsWaiting: define.gauge({
    name: "accounts_waiting",
    help: "Accounts that Telegram has asked to wait, by length: any, or long (over FLOOD_SLEEP_THRESHOLD).",
    labels: { length: ["any", "long"] },
    in: ["scheduler"],
    look: "How many accounts stand still because Telegram said so.",
  }),
  apiIdOut: define.gauge({
    name: "api_id_out_of_service",
    help: "1 where Telegram has refused the API ID and it takes no logins; for own, how many of people's own are out.",
    labels: { api_id: API_IDS },
    in: ["scheduler"],
    look: "An API ID that Telegram has banned: every session pinned to it stands still.",
    unit: "0 or 1; of `own`: API IDs",
  }),
  apiIdProbes: define.counter({
    name: "api_id_probes_total",
    help: "Tries of an API ID that Telegram had refused, one account each, by outcome: served (it is back), refused, undecided (no account could try it, or Telegram did not answer).",
    labels: { api_id: API_IDS, outcome: ["served", "refused", "undecided"] },
    in: ["worker"],
    look: "Whether an API ID that is out of service is tried at all, and comes back.",
  }),
  apiIdAccountsLost: define.gauge({
    name: "api_id_accounts_lost",
    help: "Accounts that Telegram has frozen or banned within a day, by the API ID that they had.",
    labels: { api_id: API_IDS, how: ["frozen", "banned"] },
    in: ["scheduler"],
    look: "An API ID in danger: accounts that go by it are lost one after another.",
    unit: "accounts of the last 24 hours",
  }),
  apiIdSessions: define.gauge({
    name: "api_id_sessions",
    help: "Sessions that are AUTHORIZED, by API ID, usable or held.",
    labels: { api_id: API_IDS, usable: ["yes", "no"] },
    in: ["scheduler"],
    look: "How users are spread over API IDs, and how many an outage of one touches.",
  }),
});
