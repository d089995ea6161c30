import { dashboard } from "../dashboard.ts";
import { heatmap, stat, table, timeseries } from "../panels.ts";

const CHOSEN = 'api_id=~"$api_id"';

export const apiIds = dashboard({
  name: "api-ids",
  title: "API IDs and waits",
  says: "What is asked of Telegram, what Telegram refuses, and which API ID it concerns.",
  choices: ["api_id"],
  rows: {
    Now: [
      stat({
        title: "API IDs out of service",
        says: "Telegram has refused them: they take no logins, and their sessions are held. Normal: none.",
        unit: "none",
        queries: [{ expr: `sum(max by (api_id) (api_id_out_of_service{${CHOSEN}}))` }],
        limits: [[1, "red"]],
        alerts: ["ApiIdOutOfService"],
      }),
      stat({
        title: "Calls that met a wait",
        says: "Of the calls of the last five minutes. Normal: below 1 %.",
        unit: "percentunit",
        queries: [
          {
            expr: `sum(rate(telegram_api_calls_total{${CHOSEN}, outcome="flood"}[5m]))
              / sum(rate(telegram_api_calls_total{${CHOSEN}}[5m])) or vector(0)`,
          },
        ],
        limits: [
          [0.01, "yellow"],
          [0.05, "red"],
        ],
        alerts: ["FloodStorm"],
      }),
      stat({
        title: "Accounts waiting",
        says: "Accounts that Telegram has asked to wait.",
        unit: "none",
        queries: [{ expr: 'max(accounts_waiting{length="any"})' }],
      }),
      stat({
        title: "Waiting long",
        says: "Those among them that were asked to wait longer than FLOOD_SLEEP_THRESHOLD (2 minutes).",
        unit: "none",
        queries: [{ expr: 'max(accounts_waiting{length="long"})' }],
        limits: [[1, "yellow"]],
      }),
      stat({
        title: "Calls a second",
        says: "API_CALLS_PER_SECOND is the limit of each API ID, over all processes.",
        unit: "cps",
        queries: [{ expr: `sum(rate(telegram_api_calls_total{${CHOSEN}}[$__rate_interval])) or vector(0)` }],
      }),
      stat({
        title: "Login codes in a day",
        says: "Of one API ID, the one with the most. SMS_CODES_PER_DAY is the limit.",
        unit: "none",
        queries: [{ expr: `max(sum by (api_id) (increase(login_codes_sent_total{${CHOSEN}}[1d]))) or vector(0)` }],
        limits: [
          [80, "yellow"],
          [100, "red"],
        ],
      }),
    ],
    Calls: [
      timeseries({
        title: "Calls, by API ID",
        says: "How the work is spread. A line at API_CALLS_PER_SECOND is an API ID at its limit.",
        unit: "cps",
        queries: [
          {
            expr: `sum by (api_id) (rate(telegram_api_calls_total{${CHOSEN}}[$__rate_interval]))`,
            legend: "{{api_id}}",
          },
        ],
      }),
      timeseries({
        title: "Calls, by method",
        says: "A parse with nothing new is users.getUsers and messages.getPeerDialogs; the rest is reading.",
        unit: "cps",
        stacked: true,
        queries: [
          {
            expr: `sum by (method) (rate(telegram_api_calls_total{${CHOSEN}}[$__rate_interval])) > 0`,
            legend: "{{method}}",
          },
        ],
      }),
      timeseries({
        title: "Calls that came to nothing",
        says: "Waits, errors and calls without an answer in 30 s. Timeouts alone are the network, or Telegram's.",
        unit: "cps",
        queries: [
          {
            expr: `sum by (outcome) (rate(telegram_api_calls_total{${CHOSEN}, outcome!="ok"}[$__rate_interval]))`,
            legend: "{{outcome}}",
          },
        ],
      }),
      timeseries({
        title: "Connections opened",
        says: "Refused: Telegram has ended the session. Failed: it did not answer.",
        unit: "cps",
        queries: [
          { expr: "sum by (outcome) (rate(telegram_connects_total[$__rate_interval]))", legend: "{{outcome}}" },
        ],
      }),
      heatmap({
        title: "How long calls take",
        says: "Of all methods, without the wait for the limiter. Normal: tens to hundreds of milliseconds.",
        unit: "s",
        queries: [
          {
            expr: "sum by (le) (increase(telegram_api_call_duration_seconds_bucket[$__rate_interval]))",
            legend: "{{le}}",
          },
        ],
      }),
      timeseries({
        title: "How long calls take, by method",
        says: "19 calls in 20 are faster.",
        unit: "s",
        queries: [
          {
            expr: `histogram_quantile(0.95,
              sum by (le, method) (rate(telegram_api_call_duration_seconds_bucket[$__rate_interval])))`,
            legend: "{{method}}",
          },
        ],
      }),
    ],
    Waits: [
      timeseries({
        title: "Waits handed out, by API ID",
        says: "One API ID alone: its share of users is too large, or a method of it is paused. All: look at the methods.",
        unit: "cps",
        queries: [
          {
            expr: `sum by (api_id) (rate(telegram_flood_waits_total{${CHOSEN}}[$__rate_interval])) or on () vector(0)`,
            legend: "{{api_id}}",
          },
        ],
        alerts: ["FloodStorm"],
      }),
      timeseries({
        title: "Waits handed out, by method",
        says: "Which method is asked for too often.",
        unit: "cps",
        queries: [
          {
            expr: `sum by (method) (rate(telegram_flood_waits_total{${CHOSEN}}[$__rate_interval])) or on () vector(0)`,
            legend: "{{method}}",
          },
        ],
        alerts: ["FloodStorm"],
      }),
      timeseries({
        title: "Seconds asked for, each",
        says: "The mean wait, by method. Seconds pass by themselves; hours are a punishment.",
        unit: "s",
        queries: [
          {
            expr: `sum by (method) (rate(telegram_flood_wait_seconds_total{${CHOSEN}}[$__rate_interval]))
              / (sum by (method) (rate(telegram_flood_waits_total{${CHOSEN}}[$__rate_interval])) > 0) or on () vector(0)`,
            legend: "{{method}}",
          },
        ],
      }),
      timeseries({
        title: "Accounts waiting",
        says: "How many stand still because Telegram said so.",
        unit: "none",
        queries: [{ expr: "max by (length) (accounts_waiting)", legend: "{{length}}" }],
      }),
    ],
    "Our own limit": [
      timeseries({
        title: "Calls that wait for the limiter",
        says: "In all processes. More than a few seconds' worth: API_CALLS_PER_SECOND is what holds parses up.",
        unit: "none",
        queries: [
          { expr: `sum by (api_id) (telegram_limiter_queue{${CHOSEN}}) or on () vector(0)`, legend: "{{api_id}}" },
        ],
      }),
      timeseries({
        title: "Calls left in this second",
        says: "Of API_CALLS_PER_SECOND, as the process saw it that has the least. 0 while the API ID is paused.",
        unit: "none",
        queries: [
          { expr: `min by (api_id) (telegram_limiter_reservoir{${CHOSEN}}) or on () vector(0)`, legend: "{{api_id}}" },
        ],
      }),
    ],
    "API IDs": [
      timeseries({
        title: "Sessions, by API ID",
        says: "AUTHORIZED ones. New logins are spread evenly over the masters in service.",
        unit: "none",
        stacked: true,
        queries: [
          { expr: `sum by (api_id) (max by (api_id, usable) (api_id_sessions{${CHOSEN}}))`, legend: "{{api_id}}" },
        ],
      }),
      timeseries({
        title: "Accounts lost in a day, by API ID",
        says: "Accounts that Telegram froze or banned within 24 hours. Normal: none. Several of one API ID: it is in danger.",
        unit: "none",
        queries: [
          {
            expr: `sum by (api_id, how) (max by (api_id, how) (api_id_accounts_lost{${CHOSEN}}))`,
            legend: "{{api_id}} {{how}}",
          },
        ],
        alerts: ["ApiIdInDanger"],
      }),
      timeseries({
        title: "Tries of refused API IDs",
        says: "One account each, ever more rarely: served (it is back), refused, undecided. None while all are in service.",
        unit: "none",
        queries: [
          {
            expr: `sum by (api_id, outcome) (increase(api_id_probes_total{${CHOSEN}}[$__rate_interval])) or on () vector(0)`,
            legend: "{{api_id}} {{outcome}}",
          },
        ],
        alerts: ["ApiIdOutOfService"],
      }),
      table({
        title: "API IDs",
        says: "Sessions that can be used, and those that are held. `gramfleet api-ids list` says why.",
        unit: "none",
        query: `max by (api_id, usable) (api_id_sessions{${CHOSEN}})`,
        columns: { api_id: "API ID", usable: "Usable", Value: "Sessions" },
        alerts: ["ApiIdOutOfService"],
      }),
    ],
  },
});
