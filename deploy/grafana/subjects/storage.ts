import { dashboard } from "../dashboard.ts";
import { stat, timeseries } from "../panels.ts";

const SMALL = [8, 7] as const;
const NARROW = [6, 7] as const;

export const storage = dashboard({
  name: "storage",
  title: "Storage",
  says: "PostgreSQL and Redis: whether they answer, how full they are, and how fast they fill.",
  rows: {
    Now: [
      stat({
        title: "PostgreSQL",
        says: "1 where it answered the scheduler's last look.",
        unit: "none",
        queries: [{ expr: "min(database_up)" }],
        words: { "0": "away", "1": "up" },
        below: "red",
        limits: [[1, "green"]],
        graph: false,
        alerts: ["DatabaseAway"],
      }),
      stat({
        title: "Redis",
        says: "1 where every node answered the scheduler's last look.",
        unit: "none",
        queries: [{ expr: "min(redis_up)" }],
        words: { "0": "away", "1": "up" },
        below: "red",
        limits: [[1, "green"]],
        graph: false,
        alerts: ["RedisAway"],
      }),
      stat({
        title: "Redis memory",
        says: "Of maxmemory; 0 where Redis has no limit of its own. At 100 % it takes no more jobs.",
        unit: "percentunit",
        queries: [
          {
            expr: "max(max by (node) (redis_memory_used_bytes) / (max by (node) (redis_memory_max_bytes) > 0)) or vector(0)",
          },
        ],
        limits: [
          [0.7, "yellow"],
          [0.85, "red"],
        ],
        alerts: ["RedisMemoryHigh"],
      }),
      stat({
        title: "Waiting for a connection",
        says: "Transactions that wait for a connection to PostgreSQL, in all processes. Normal: 0.",
        unit: "none",
        queries: [{ expr: 'sum(database_pool_connections{state="waiting"})' }],
        limits: [
          [1, "yellow"],
          [10, "red"],
        ],
        alerts: ["DatabasePoolExhausted"],
      }),
      stat({
        title: "Database",
        says: "Its size on disk.",
        unit: "bytes",
        queries: [{ expr: "max(database_size_bytes)" }],
      }),
      stat({
        title: "Growth in 30 days",
        says: "At the pace of the last day.",
        unit: "bytes",
        queries: [{ expr: "deriv((max(database_size_bytes))[1d:5m]) * 86400 * 30 or vector(0)" }],
      }),
    ],
    PostgreSQL: [
      timeseries({
        title: "Size, by table",
        says: "With its indexes.",
        unit: "bytes",
        stacked: true,
        queries: [{ expr: "max by (table) (database_table_size_bytes)", legend: "{{table}}" }],
        size: SMALL,
      }),
      timeseries({
        title: "Stored",
        says: "Bytes of new messages a second, as they went to PostgreSQL.",
        unit: "bytes",
        queries: [{ expr: "sum(rate(messages_stored_bytes_total[$__rate_interval]))", legend: "bytes a second" }],
        size: SMALL,
      }),
      timeseries({
        title: "A message",
        says: "Bytes of a new message, on average over an hour.",
        unit: "bytes",
        queries: [
          {
            expr: `sum(rate(messages_stored_bytes_total[1h]))
              / (sum(rate(messages_stored_total{change="new"}[1h])) > 0) or vector(0)`,
            legend: "bytes",
          },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "Connections in use",
        says: "Of each pool's most, in the process that uses the most. At 100 % others wait.",
        unit: "percentunit",
        queries: [
          {
            expr: `max by (process, pool) (
              database_pool_connections{state="in_use"} / ignoring (state) (database_pool_max_connections > 0))`,
            legend: "{{process}} {{pool}}",
          },
        ],
        size: NARROW,
        alerts: ["DatabasePoolExhausted"],
      }),
      timeseries({
        title: "Waiting for a connection",
        says: "Transactions, by process and pool. Normal: 0; for moments it does no harm.",
        unit: "none",
        queries: [
          {
            expr: 'sum by (process, pool) (database_pool_connections{state="waiting"})',
            legend: "{{process}} {{pool}}",
          },
        ],
        size: NARROW,
        alerts: ["DatabasePoolExhausted"],
      }),
      timeseries({
        title: "How long PostgreSQL takes to answer",
        says: "The scheduler's look at it: the way there and back, and next to nothing to do.",
        unit: "s",
        queries: [{ expr: "max(database_round_trip_seconds)", legend: "round trip" }],
        limits: [[0.1, "yellow"]],
        size: NARROW,
      }),
      timeseries({
        title: "Refused for want of a right",
        says: "Statements that row security stopped, or a missing grant. Should be none: one is a mistake of ours.",
        unit: "none",
        queries: [{ expr: "sum by (process) (increase(rls_denied_total[$__rate_interval]))", legend: "{{process}}" }],
        size: NARROW,
      }),
    ],
    Redis: [
      timeseries({
        title: "Memory",
        says: "Used, and what it may use.",
        unit: "bytes",
        queries: [
          { expr: "max by (node) (redis_memory_used_bytes)", legend: "{{node}} used" },
          { expr: "max by (node) (redis_memory_max_bytes) > 0 or on () vector(0)", legend: "{{node}} at most" },
        ],
        alerts: ["RedisMemoryHigh"],
      }),
      timeseries({
        title: "Round trip",
        says: "How long Redis took to answer. Above 10 ms everything that is enqueued feels it.",
        unit: "s",
        queries: [{ expr: "max by (node) (redis_round_trip_seconds)", legend: "{{node}}" }],
        limits: [[0.1, "yellow"]],
      }),
    ],
  },
});
