import { dashboard } from "../dashboard.ts";
import { stat, timeseries } from "../panels.ts";

const SMALL = [8, 7] as const;

export const sessions = dashboard({
  name: "sessions",
  title: "Sessions and logins",
  says: "Which accounts can be read, why some cannot, and whether people get in.",
  rows: {
    Now: [
      stat({
        title: "Sessions in use",
        says: "AUTHORIZED: they can be read unless they are held.",
        unit: "none",
        queries: [{ expr: 'max(session_states_gauge{state="AUTHORIZED"})' }],
      }),
      stat({
        title: "Ended in a day",
        says: "From AUTHORIZED to STALE: their owners have to log in again. Normal: a few, of people who ended them themselves.",
        unit: "none",
        queries: [
          { expr: 'sum(increase(session_state_transitions_total{from="AUTHORIZED", to="STALE"}[1d])) or vector(0)' },
        ],
        limits: [
          [5, "yellow"],
          [20, "red"],
        ],
        alerts: ["SessionsDying"],
      }),
      stat({
        title: "Held",
        says: "AUTHORIZED, and not used: `gramfleet sessions list` says why.",
        unit: "none",
        queries: [{ expr: "sum(max by (hold) (sessions_held))" }],
        limits: [[1, "yellow"]],
      }),
      stat({
        title: "Of somebody else",
        says: "Held as owner_mismatch: the key opens another account than its user's. A security alarm. Normal: 0.",
        unit: "none",
        queries: [{ expr: 'max(sessions_held{hold="owner_mismatch"})' }],
        limits: [[1, "red"]],
        alerts: ["OwnerMismatch"],
      }),
      stat({
        title: "Clients connected",
        says: "In all processes, now.",
        unit: "none",
        queries: [{ expr: "sum(active_telegram_sessions)" }],
      }),
      stat({
        title: "Newest backup",
        says: "How old the newest backup of sessions is.",
        unit: "dtdurations",
        queries: [{ expr: "(time() - max(session_backup_last_success_timestamp_seconds)) or vector(-1)" }],
        words: { "-1": "none" },
        limits: [
          [86_400, "yellow"],
          [93_600, "red"],
        ],
        alerts: ["BackupTooOld"],
      }),
    ],
    Sessions: [
      timeseries({
        title: "By state",
        says: "PENDING ones are logins under way.",
        unit: "none",
        queries: [{ expr: "max by (state) (session_states_gauge)", legend: "{{state}}" }],
        size: SMALL,
      }),
      timeseries({
        title: "Ended, by why",
        says: "`duplicated` must never be: two processes used one key. `revoked_elsewhere` is people's own doing.",
        unit: "none",
        queries: [
          { expr: "sum by (reason) (increase(session_endings_total[$__rate_interval]))", legend: "{{reason}}" },
        ],
        size: SMALL,
        alerts: ["SessionsDying", "SessionDuplicated"],
      }),
      timeseries({
        title: "Held, by why",
        says: "`frozen` is Telegram's; `api_id_out` goes with its API ID; `parked` is a job that brought processes down.",
        unit: "none",
        queries: [{ expr: "max by (hold) (sessions_held)", legend: "{{hold}}" }],
        size: SMALL,
      }),
      timeseries({
        title: "Changes of state",
        says: "What happened to sessions.",
        unit: "none",
        queries: [
          {
            expr: `sum by (from, to) (increase(session_state_transitions_total[$__rate_interval])) or on () vector(0)`,
            legend: "{{from}} → {{to}}",
          },
        ],
        size: [12, 7],
      }),
      timeseries({
        title: "Backups",
        says: "Of sessions, by outcome. At 0 as long as backups are not switched on.",
        unit: "none",
        queries: [
          { expr: "sum by (outcome) (increase(session_backup_total[$__rate_interval]))", legend: "{{outcome}}" },
        ],
        size: [12, 7],
        alerts: ["BackupTooOld"],
      }),
    ],
    "Leases and keys": [
      timeseries({
        title: "Leases taken",
        says: "One for each job that opens an account.",
        unit: "ops",
        queries: [
          { expr: "sum by (process) (rate(session_lock_acquired_total[$__rate_interval]))", legend: "{{process}}" },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "Leases not taken, and lost",
        says: "Held by another for a while is normal after a process died. Lost ones are a process that stood still, or was cut off.",
        unit: "ops",
        queries: [
          { expr: "sum by (reason) (rate(session_lock_failed_total[$__rate_interval]))", legend: "{{reason}}" },
          { expr: "sum(rate(session_lock_lost_total[$__rate_interval]))", legend: "lost" },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "Keys read and written",
        says: "Session strings, by format. `telethon` ones come from an earlier system.",
        unit: "ops",
        queries: [
          {
            expr: "sum by (format, direction) (rate(session_conversion_total[$__rate_interval]))",
            legend: "{{format}} {{direction}}",
          },
          {
            expr: "sum(rate(fingerprint_computation_duration_seconds_count[$__rate_interval]))",
            legend: "fingerprints",
          },
        ],
        size: SMALL,
      }),
    ],
    Logins: [
      timeseries({
        title: "Logins, by how they ended",
        says: "By QR code and by phone. Expired ones are people who went away.",
        unit: "none",
        queries: [
          {
            expr: "sum by (end) (increase(qr_login_duration_seconds_count[$__rate_interval])) or on () vector(0)",
            legend: "QR code: {{end}}",
          },
          {
            expr: "sum by (end) (increase(code_login_duration_seconds_count[$__rate_interval])) or on () vector(0)",
            legend: "phone: {{end}}",
          },
          { expr: "sum(increase(qr_auth_start_total[$__rate_interval]))", legend: "QR codes begun" },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "How long logins take",
        says: "Those that succeed: half of them are faster.",
        unit: "s",
        queries: [
          {
            expr: `histogram_quantile(0.5,
              sum by (le) (increase(qr_login_duration_seconds_bucket{end="AUTHORIZED"}[1h]))) or on () vector(0)`,
            legend: "QR code",
          },
          {
            expr: `histogram_quantile(0.5,
              sum by (le) (increase(code_login_duration_seconds_bucket{end="AUTHORIZED"}[1h]))) or on () vector(0)`,
            legend: "phone",
          },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "Login codes sent",
        says: "By API ID; SMS_CODES_PER_DAY is the limit of each.",
        unit: "none",
        queries: [
          {
            expr: "sum by (api_id) (increase(login_codes_sent_total[$__rate_interval])) or on () vector(0)",
            legend: "{{api_id}}",
          },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "Mini App",
        says: "Signed requests, and reports of scans. Refused ones in numbers: a wrong secret.",
        unit: "none",
        queries: [
          { expr: "sum by (result) (increase(miniapp_webhook_total[$__rate_interval]))", legend: "request {{result}}" },
          { expr: "sum by (result) (increase(qr_auth_callback_total[$__rate_interval]))", legend: "scan {{result}}" },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "Bot",
        says: "What people wrote and tapped, and what they were told unasked.",
        unit: "none",
        queries: [
          { expr: "sum by (outcome) (increase(bot_updates_total[$__rate_interval]))", legend: "updates {{outcome}}" },
          { expr: "sum by (outcome) (increase(bot_notices_total[$__rate_interval]))", legend: "notices {{outcome}}" },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "HTTP",
        says: "Answers of the api by class; 5xx are ours.",
        unit: "reqps",
        queries: [
          {
            expr: "sum by (status) (rate(http_requests_total[$__rate_interval])) or on () vector(0)",
            legend: "{{status}}",
          },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "HTTP: how long answers take",
        says: "19 answers in 20 are faster.",
        unit: "s",
        queries: [
          {
            expr: `histogram_quantile(0.95,
              sum by (le) (rate(http_request_duration_seconds_bucket[$__rate_interval]))) or vector(0)`,
            legend: "p95",
          },
        ],
        size: SMALL,
      }),
    ],
  },
});
