import type { Definer } from "./define.ts";
import { JOB_NAMES, QUEUES } from "./labels.ts";

const OUTCOMES = ["done", "snoozed", "discarded", "failed"] as const;

/** Jobs, the queues in which they wait, and the workers that take them. */
export const queueMetrics = (define: Definer) => ({
  jobsFinished: define.counter({
    name: "jobs_finished_total",
    help: "Jobs that ended, by name and outcome (done, snoozed, discarded, failed).",
    labels: { name: JOB_NAMES, outcome: OUTCOMES },
    in: ["worker"],
    look: "Whether workers do anything, and what of it fails.",
  }),
  jobSeconds: define.histogram({
    name: "job_duration_seconds",
    help: "From a job's start in a worker to its end, by name and outcome.",
    labels: { name: JOB_NAMES, outcome: OUTCOMES },
    buckets: [0.1, 0.5, 2, 10, 60, 300],
    in: ["worker"],
    look: "How many workers the users need: users over interval, times this, over WORKER_CONCURRENCY.",
  }),
  jobsStalled: define.counter({
    name: "jobs_stalled_total",
    help: "Jobs whose worker has not renewed its lock on them, as the worker that puts them back counts them.",
    labels: { queue: QUEUES },
    in: ["worker"],
    look: "Workers that die, or stand still.",
  }),
  jobsActive: define.gauge({
    name: "worker_jobs_active",
    help: "Jobs that this worker has under way.",
    in: ["worker"],
    look: "Whether a worker is at its limit: compare with worker_job_slots.",
  }),
  jobSlots: define.gauge({
    name: "worker_job_slots",
    help: "Jobs that this worker takes at once: WORKER_CONCURRENCY for each queue; 0 while it takes none, since PostgreSQL does not answer or it is to end.",
    in: ["worker"],
    look: "How many workers there are, and whether each takes jobs.",
  }),
  queueDepth: define.gauge({
    name: "queue_depth",
    help: "Jobs in a queue, by queue and state; parked ones are delayed ones too.",
    labels: { queue: QUEUES, state: ["waiting", "delayed", "parked", "active", "failed"] },
    in: ["scheduler"],
    look: "Queues that grow, and what failed for good.",
  }),
  queuePaused: define.gauge({
    name: "queue_paused",
    help: "1 while a queue serves nobody, by why: operator (gramfleet queue pause), telegram (its API ID has to wait).",
    labels: { queue: QUEUES, by: ["operator", "telegram"] },
    in: ["scheduler"],
    look: "Why a queue grows although workers are idle.",
    unit: "0 or 1",
  }),
});
