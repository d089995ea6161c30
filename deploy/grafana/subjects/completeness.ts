import { dashboard } from "../dashboard.ts";
import { stat, timeseries } from "../panels.ts";

export const completeness = dashboard({
  name: "completeness",
  title: "Completeness",
  says: "What is on Telegram and not stored yet, and whether it becomes less.",
  rows: {
    Now: [
      stat({
        title: "Oldest gap",
        says: "For how long the channel has been incomplete that has been so longest. Normal: as long as a long history takes.",
        unit: "dtdurations",
        queries: [{ expr: "max(oldest_gap_seconds)" }],
        limits: [
          [3_600, "yellow"],
          [21_600, "red"],
        ],
        alerts: ["GapsStayOpen"],
        size: [6, 4],
      }),
      stat({
        title: "Incomplete channels",
        says: "Subscribed channels in which something is missing or unverified. `gramfleet channels list --gaps` shows them.",
        unit: "none",
        queries: [{ expr: "max(channels_incomplete)" }],
        limits: [[1, "yellow"]],
        alerts: ["GapsStayOpen"],
        size: [6, 4],
      }),
      stat({
        title: "Messages missing",
        says: "Ids within plan and access that are not accounted for.",
        unit: "short",
        queries: [{ expr: "max(messages_missing)" }],
        size: [6, 4],
      }),
      stat({
        title: "Missing ones are read in",
        says: "At the pace of the last half hour. 0: nothing is missing, or nothing is read; see below which.",
        unit: "dtdurations",
        queries: [{ expr: "max(messages_missing) / (sum(rate(backfill_messages_total[30m])) > 0) or vector(0)" }],
        size: [6, 4],
      }),
    ],
    Gaps: [
      timeseries({
        title: "Missing and unverified messages",
        says: "Missing ones fall while history is read. Unverified ones were stored before a gap in the updates, and are read again.",
        unit: "short",
        queries: [
          { expr: "max(messages_missing)", legend: "missing" },
          { expr: "max(messages_unverified)", legend: "unverified" },
        ],
        alerts: ["GapsStayOpen"],
      }),
      timeseries({
        title: "Incomplete channels",
        says: "Steps up are new channels, or gaps after an outage; both go down by themselves.",
        unit: "none",
        queries: [{ expr: "max(channels_incomplete)", legend: "channels" }],
      }),
      timeseries({
        title: "Oldest gap",
        says: "A straight line upwards is a gap that does not close.",
        unit: "s",
        queries: [{ expr: "max(oldest_gap_seconds)", legend: "age" }],
        limits: [[21_600, "red"]],
        alerts: ["GapsStayOpen"],
      }),
      timeseries({
        title: "Reading that closes gaps",
        says: "Messages that backfill brought, and its jobs and those of reconciling.",
        unit: "ops",
        queries: [
          { expr: "sum(rate(backfill_messages_total[$__rate_interval]))", legend: "messages of history" },
          {
            expr: 'sum by (name) (rate(jobs_finished_total{name=~"backfill-channel|reconcile-channel"}[$__rate_interval]))',
            legend: "{{name}}",
          },
        ],
      }),
    ],
    "What comes in": [
      timeseries({
        title: "Messages stored",
        says: "New ones, edits and deletions. Deletions that come at once in large numbers are a channel that was emptied.",
        unit: "ops",
        queries: [{ expr: "sum by (change) (rate(messages_stored_total[$__rate_interval]))", legend: "{{change}}" }],
        size: [24, 8],
      }),
    ],
  },
});
