import { dashboard } from "../dashboard.ts";
import { heatmap, runbookOf, stat, table, timeseries } from "../panels.ts";

const lagQuantile = (quantile: number, window: string) =>
  `histogram_quantile(${quantile}, sum by (le, plan) (rate(schedule_lag_seconds_bucket{plan=~"$plan"}[${window}])))`;

export const overview = dashboard({
  name: "overview",
  title: "Overview",
  says: "Is everyone parsed on time? If not: where to look.",
  choices: ["plan"],
  rows: {
    "Is everyone parsed on time?": [
      stat({
        title: "Parsed within a minute",
        says: "Of the last hour's parses: committed at most a minute after they were due. Normal: nearly all.",
        unit: "percentunit",
        queries: [
          {
            expr: `sum(rate(schedule_lag_seconds_bucket{plan=~"$plan", le="60"}[1h]))
              / sum(rate(schedule_lag_seconds_count{plan=~"$plan"}[1h]))`,
          },
        ],
        below: "red",
        limits: [
          [0.9, "yellow"],
          [0.99, "green"],
        ],
        alerts: ["ParsesLate"],
      }),
      stat({
        title: "Users overdue",
        says: "Users whose parse has been due for half a minute or longer. Normal: none, or a few whom Telegram keeps waiting.",
        unit: "none",
        queries: [{ expr: "max(users_overdue)" }],
        limits: [
          [1, "yellow"],
          [10, "red"],
        ],
        alerts: ["UsersOverdue"],
      }),
      stat({
        title: "Users who are parsed",
        says: "Users with a usable session who are not paused.",
        unit: "none",
        queries: [{ expr: "max(users_scheduled)" }],
      }),
      stat({
        title: "Parses a second",
        says: "Parses committed. Over a day it is users over the interval of their plan.",
        unit: "ops",
        queries: [{ expr: 'sum(rate(schedule_lag_seconds_count{plan=~"$plan"}[$__rate_interval])) or vector(0)' }],
      }),
      stat({
        title: "Since the last due scan",
        says: "The scheduler looks for due users twice a second. Normal: below 20 s, which is how old a scrape may be.",
        unit: "s",
        queries: [{ expr: "time() - max(scheduler_last_scan_timestamp_seconds)" }],
        limits: [
          [30, "yellow"],
          [120, "red"],
        ],
        alerts: ["SchedulerGone"],
      }),
      stat({
        title: "Alerts that fire",
        says: "Below is which.",
        unit: "none",
        queries: [{ expr: 'count(ALERTS{alertstate="firing"}) or vector(0)' }],
        limits: [[1, "red"]],
      }),
    ],
    "How late": [
      timeseries({
        title: "Lag of 19 parses in 20",
        says: "From the time a parse was due to its commit, by plan. Normal: seconds.",
        unit: "s",
        queries: [{ expr: lagQuantile(0.95, "$__rate_interval"), legend: "{{plan}}" }],
        limits: [[300, "red"]],
        alerts: ["ParsesLate"],
      }),
      heatmap({
        title: "Lag of every parse",
        says: "How many parses were how late. A second band far above the first is one group of users that is held up.",
        unit: "s",
        queries: [
          {
            expr: 'sum by (le) (increase(schedule_lag_seconds_bucket{plan=~"$plan"}[$__rate_interval]))',
            legend: "{{le}}",
          },
        ],
      }),
      timeseries({
        title: "Where the users are",
        says: "Due ones wait for the scheduler, those in flight for a worker or for Telegram. Overdue ones are late.",
        unit: "none",
        queries: [
          { expr: "max(users_due)", legend: "due" },
          { expr: "max(users_in_flight)", legend: "in flight" },
          { expr: "max(users_overdue)", legend: "overdue" },
        ],
        alerts: ["UsersOverdue"],
      }),
      timeseries({
        title: "Enqueued and parsed",
        says: "The two lines lie upon each other as long as workers keep up.",
        unit: "ops",
        queries: [
          { expr: "sum(rate(users_enqueued_total[$__rate_interval]))", legend: "enqueued" },
          { expr: "sum(rate(schedule_lag_seconds_count[$__rate_interval])) or vector(0)", legend: "parsed" },
        ],
      }),
    ],
    "What holds it up": [
      timeseries({
        title: "Accounts that Telegram keeps waiting",
        says: "A wait is waited. Many at once, and of one API ID, are a flood storm: see API IDs and waits.",
        unit: "none",
        queries: [
          { expr: 'max(accounts_waiting{length="any"})', legend: "any" },
          { expr: 'max(accounts_waiting{length="long"})', legend: "long" },
        ],
        size: [8, 7],
        alerts: ["FloodStorm"],
      }),
      timeseries({
        title: "Jobs that wait for a worker",
        says: "Normal: a few seconds' worth. See Queues and workers.",
        unit: "none",
        queries: [{ expr: 'max by (queue) (queue_depth{state="waiting"})', legend: "{{queue}}" }],
        size: [8, 7],
        alerts: ["QueueGrows"],
      }),
      timeseries({
        title: "Sessions that cannot be used",
        says: "STALE ones need a new login by their owner; held ones say why under `gramfleet sessions list`.",
        unit: "none",
        queries: [
          { expr: 'max(session_states_gauge{state="STALE"})', legend: "stale" },
          { expr: "sum(max by (hold) (sessions_held))", legend: "held" },
        ],
        size: [8, 7],
        alerts: ["SessionsDying", "ApiIdOutOfService"],
      }),
    ],
    "What comes of it": [
      timeseries({
        title: "Messages stored",
        says: "New ones, edits and deletions.",
        unit: "ops",
        queries: [{ expr: "sum by (change) (rate(messages_stored_total[$__rate_interval]))", legend: "{{change}}" }],
      }),
      table({
        title: "Alerts",
        says: "What fires, with its runbook.",
        unit: "none",
        query: 'max by (alertname, severity) (ALERTS{alertstate="firing"})',
        columns: { alertname: "Alert", severity: "Severity" },
        leads: { column: "alertname", to: runbookOf(`\${__value.raw}`) },
      }),
    ],
  },
});
