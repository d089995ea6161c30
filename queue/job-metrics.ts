import { jobLabel } from "../runtime/metrics/labels.ts";
import type { Metrics } from "../runtime/metrics.ts";

export type JobMetrics = Pick<
  Metrics,
  "jobsFinished" | "jobSeconds" | "jobsStalled" | "jobsActive" | "jobSlots" | "whenScraped"
>;

export type JobOutcome = "done" | "snoozed" | "discarded" | "failed";

/** A job begins now. Gives what counts its end. */
export function countJob(metrics: Pick<JobMetrics, "jobsFinished" | "jobSeconds">, name: string) {
  const startedAt = performance.now();
  return (outcome: JobOutcome): void => {
    const labels = { name: jobLabel(name), outcome };
    metrics.jobsFinished.inc(labels);
    metrics.jobSeconds.observe(labels, (performance.now() - startedAt) / 1_000);
  };
}
