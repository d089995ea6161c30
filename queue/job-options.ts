import type { JobsOptions } from "bullmq";
import { JOBS, type NewJob } from "./jobs.ts";
import { priorityOf } from "./priority.ts";

/** Ended jobs are kept for whoever waits for their end, and for a look at what failed. */
const KEEP_DONE = { count: 500, age: 3_600 };
const KEEP_FAILED = { count: 1_000, age: 7 * 86_400 };
/** Between the attempts of what is retried at all: 1 s, 2 s, 4 s, … */
const BACKOFF = { type: "exponential", delay: 1_000 };

/** BullMQ's options of a job: what its line of the job table says, and how urgent it is. */
export function optionsOf(job: NewJob): JobsOptions & { priority: number; deduplication: { id: string } } {
  const { attempts, afterActive } = JOBS[job.name];
  return {
    attempts,
    backoff: BACKOFF,
    priority: priorityOf(job.urgency, job.dueAt),
    removeOnComplete: KEEP_DONE,
    removeOnFail: KEEP_FAILED,
    deduplication: { id: dedupOf(job), ...(afterActive ? { keepLastIfActive: true } : {}) },
  };
}

function dedupOf(job: NewJob): string {
  switch (job.name) {
    case "parse-user":
      return JOBS[job.name].dedup(job.data);
    case "backfill-channel":
      return JOBS[job.name].dedup(job.data);
    case "reconcile-channel":
      return JOBS[job.name].dedup(job.data);
    case "verify-session":
    case "revoke-session":
      return JOBS[job.name].dedup(job.data);
  }
}
