import { dashboard } from "../dashboard.ts";
import { heatmap, stat, table, timeseries } from "../panels.ts";

const SMALL = [8, 7] as const;

export const queues = dashboard({
  name: "queues",
  title: "Queues and workers",
  says: "Whether jobs are taken as they come, what becomes of them, and how the processes are.",
  choices: ["queue"],
  rows: {
    Now: [
      stat({
        title: "Processes",
        says: "Those that Prometheus reaches, by kind. One scheduler is enough; two survive the loss of one.",
        unit: "none",
        queries: [{ expr: 'sum by (process) (up{process!=""})', legend: "{{process}}" }],
        graph: false,
        size: [8, 4],
        alerts: ["SchedulerGone", "WorkersGone"],
      }),
      stat({
        title: "Worker slots in use",
        says: "At 100 % more workers, or a larger WORKER_CONCURRENCY, would parse more.",
        unit: "percentunit",
        queries: [{ expr: "sum(worker_jobs_active) / (sum(worker_job_slots) > 0) or vector(0)" }],
        limits: [
          [0.8, "yellow"],
          [0.95, "red"],
        ],
        alerts: ["QueueGrows"],
      }),
      stat({
        title: "Waiting jobs",
        says: "Of the chosen queues.",
        unit: "none",
        queries: [{ expr: 'sum(max by (queue) (queue_depth{queue=~"$queue", state="waiting"}))' }],
        alerts: ["QueueGrows"],
      }),
      stat({
        title: "Failed for good",
        says: "Kept to be looked at: `gramfleet queue status`, and the workers' logs.",
        unit: "none",
        queries: [{ expr: 'sum(max by (queue) (queue_depth{queue=~"$queue", state="failed"}))' }],
        limits: [[1, "yellow"]],
      }),
      stat({
        title: "Paused queues",
        says: "By an operator, or because Telegram asked the API ID to wait.",
        unit: "none",
        queries: [{ expr: 'sum(max by (queue, by) (queue_paused{queue=~"$queue"})) or vector(0)' }],
        limits: [[1, "yellow"]],
      }),
    ],
    Queues: [
      timeseries({
        title: "Jobs, by state",
        says: "Delayed ones wait for Telegram or for a lease. Waiting ones wait for a worker.",
        unit: "none",
        queries: [
          { expr: 'sum by (state) (max by (queue, state) (queue_depth{queue=~"$queue"}))', legend: "{{state}}" },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "Waiting jobs, by queue",
        says: "One queue alone: its API ID is paused or slow. All: too few workers.",
        unit: "none",
        queries: [{ expr: 'max by (queue) (queue_depth{queue=~"$queue", state="waiting"})', legend: "{{queue}}" }],
        size: SMALL,
        alerts: ["QueueGrows"],
      }),
      table({
        title: "Paused",
        says: "1: the queue is paused, by whom. `gramfleet queue resume` for an operator's pause; Telegram's ends by itself.",
        unit: "none",
        query: 'max by (queue, by) (queue_paused{queue=~"$queue"})',
        columns: { queue: "Queue", by: "By", Value: "Paused" },
        size: SMALL,
      }),
    ],
    Jobs: [
      timeseries({
        title: "Jobs ended, by name",
        says: "parse-user is a parse; backfill-channel reads history; reconcile-channel looks for what no update told.",
        unit: "ops",
        queries: [{ expr: "sum by (name) (rate(jobs_finished_total[$__rate_interval]))", legend: "{{name}}" }],
        size: SMALL,
      }),
      timeseries({
        title: "Jobs ended, by outcome",
        says: "Snoozed ones come again later and use up no attempt. Failed ones are errors: see the workers' logs.",
        unit: "ops",
        queries: [{ expr: "sum by (outcome) (rate(jobs_finished_total[$__rate_interval]))", legend: "{{outcome}}" }],
        size: SMALL,
      }),
      timeseries({
        title: "Stalled jobs",
        says: "Their worker died, or stood still for half a minute. Another one takes them. Normal: none.",
        unit: "none",
        queries: [
          {
            expr: 'sum by (queue) (increase(jobs_stalled_total{queue=~"$queue"}[$__rate_interval])) or on () vector(0)',
            legend: "{{queue}}",
          },
        ],
        size: SMALL,
      }),
      timeseries({
        title: "How long jobs take",
        says: "Those that are done, by name: 19 in 20 are faster.",
        unit: "s",
        queries: [
          {
            expr: `histogram_quantile(0.95,
              sum by (le, name) (rate(job_duration_seconds_bucket{outcome="done"}[$__rate_interval])))`,
            legend: "{{name}}",
          },
        ],
      }),
      heatmap({
        title: "How long parses take",
        says: "Users over the interval, times this, over WORKER_CONCURRENCY: the number of workers that is needed.",
        unit: "s",
        queries: [
          {
            expr: 'sum by (le) (increase(job_duration_seconds_bucket{name="parse-user", outcome="done"}[$__rate_interval]))',
            legend: "{{le}}",
          },
        ],
      }),
    ],
    Processes: [
      timeseries({
        title: "Jobs under way, by worker",
        says: "A worker at 0 while others work has stopped taking jobs: PostgreSQL does not answer it, or it ends.",
        unit: "none",
        queries: [{ expr: "worker_jobs_active", legend: "{{instance}}" }],
        size: SMALL,
        alerts: ["WorkersGone"],
      }),
      timeseries({
        title: "Event-loop lag",
        says: "How long a process does not listen, 99 times in 100 less. Above 100 ms it has more to do than one core can.",
        unit: "s",
        queries: [{ expr: "nodejs_eventloop_lag_p99_seconds", legend: "{{instance}}" }],
        limits: [[0.1, "yellow"]],
        size: SMALL,
      }),
      timeseries({
        title: "CPU",
        says: "Cores in use, by process. A process uses little more than one.",
        unit: "none",
        queries: [{ expr: "rate(process_cpu_seconds_total[$__rate_interval])", legend: "{{instance}}" }],
        size: SMALL,
      }),
      timeseries({
        title: "Memory",
        says: "Resident, by process. It grows with the accounts that are open at once, not with time.",
        unit: "bytes",
        queries: [{ expr: 'process_resident_memory_bytes{process!=""}', legend: "{{instance}}" }],
        size: SMALL,
      }),
      timeseries({
        title: "The scheduler's failures",
        says: "Turns of its loops that failed; each is tried again. Its log says why. Normal: none.",
        unit: "none",
        queries: [{ expr: "sum by (loop) (increase(scheduler_failures_total[$__rate_interval]))", legend: "{{loop}}" }],
        size: SMALL,
        alerts: ["SchedulerGone"],
      }),
      timeseries({
        title: "Running since",
        says: "A line that begins again and again is a process that ends again and again.",
        unit: "dtdurations",
        queries: [{ expr: 'time() - process_start_time_seconds{process!=""}', legend: "{{instance}}" }],
        size: SMALL,
      }),
    ],
  },
});
