import type { Definer } from "./define.ts";
import { API_IDS } from "./labels.ts";

const LOGIN_ENDS = "AUTHORIZED, expired, cancelled, wrong_account, failed";
const LOGIN_SECONDS = [5, 10, 20, 30, 60, 120, 300, 600];

/** Logins, and the talk with people that goes with them: bot, Mini App, HTTP. */
export const loginMetrics = (define: Definer) => ({
  qrAuthStarts: define.counter({
    name: "qr_auth_start_total",
    help: "Logins by QR code that were begun for people who are elsewhere.",
    in: ["api", "bot"],
    look: "Whether people come to log in.",
  }),
  qrLoginSeconds: define.histogram({
    name: "qr_login_duration_seconds",
    help: "From a ticket's start to its end, by how it ended (AUTHORIZED, expired, cancelled, wrong_account, failed).",
    labels: { end: LOGIN_ENDS },
    buckets: LOGIN_SECONDS,
    in: ["api", "bot"],
    look: "Whether logins succeed, and how long people take.",
  }),
  qrAuthCallbacks: define.counter({
    name: "qr_auth_callback_total",
    help: "Reports of who has scanned a ticket's code, by what they were: awaited, wrong_user, ended, unknown.",
    labels: { result: ["awaited", "wrong_user", "ended", "unknown"] },
    in: ["api"],
    look: "Whether the Mini App's reports meet a login.",
  }),
  codeLoginSeconds: define.histogram({
    name: "code_login_duration_seconds",
    help: "The same of logins by phone and code.",
    labels: { end: LOGIN_ENDS },
    buckets: LOGIN_SECONDS,
    in: ["api", "bot"],
    look: "Whether logins by phone succeed.",
  }),
  loginCodesSent: define.counter({
    name: "login_codes_sent_total",
    help: "Login codes that Telegram was asked to send, by API ID (own ones as own).",
    labels: { api_id: API_IDS },
    in: ["api", "bot"],
    look: "How near an API ID is to SMS_CODES_PER_DAY.",
  }),
  miniappWebhooks: define.counter({
    name: "miniapp_webhook_total",
    help: "Signed requests of the Mini App's bot, by result (accepted, refused, replayed).",
    labels: { result: ["accepted", "refused", "replayed"] },
    in: ["api"],
    look: "A wrong secret (refused), or somebody who sends old ones again (replayed).",
  }),
  botUpdates: define.counter({
    name: "bot_updates_total",
    help: "Updates that the bot has handled, by kind (command, button, other) and outcome (answered, failed).",
    labels: { kind: ["command", "button", "other"], outcome: ["answered", "failed"] },
    in: ["bot"],
    look: "Whether the bot answers people.",
  }),
  botNotices: define.counter({
    name: "bot_notices_total",
    help: "What the bot has told people unasked, by kind (logged_in, wrong_account, expired, ended, idle_soon, idle) and outcome (told, not_reached).",
    labels: {
      kind: ["logged_in", "wrong_account", "expired", "ended", "idle_soon", "idle"],
      outcome: ["told", "not_reached"],
    },
    in: ["bot"],
    look: "Whether people hear that their session has ended.",
  }),
  httpRequests: define.counter({
    name: "http_requests_total",
    help: "Requests that the API has answered, by the route as declared (none: no such route), method and class of status.",
    labels: {
      route: "each declared route, and `none`",
      method: "GET, POST, PUT, PATCH, DELETE; `other`",
      status: "2xx, 3xx, 4xx, 5xx",
    },
    in: ["api"],
    look: "5xx: what fails for callers.",
  }),
  httpSeconds: define.histogram({
    name: "http_request_duration_seconds",
    help: "From a request's arrival to the end of its answer.",
    buckets: [0.01, 0.05, 0.25, 1, 5],
    in: ["api"],
    look: "Whether callers wait.",
  }),
});
