import type Bottleneck from "bottleneck";

/** What Bottleneck's limiter has beyond its types, as far as it is used here (bottleneck 2.19). */
interface Internals {
  readonly _limiter: unknown;
  _run(index: string, job: Job, wait: number): { readonly timeout: NodeJS.Timeout };
  _clearGlobalState(index: string): unknown;
  _free(index: string, job: Job, ...more: unknown[]): unknown;
}

interface Job {
  readonly options: { readonly id: string };
  doExecute(chained: unknown, clearGlobalState: unknown, run: unknown, free: unknown): unknown;
}

/**
 * Bottleneck begins every job by a timer, which takes a millisecond where there is nothing to wait for: more than Redis
 * takes to give the slot. Here such a job begins in the same turn.
 */
export function beginAtOnce(limiter: Bottleneck): void {
  const internals = limiter as unknown as Internals;
  const run = internals._run.bind(limiter);
  internals._run = (index, job, wait) => {
    const scheduled = run(index, job, wait);
    if (wait > 0) return scheduled;
    setImmediate(() => {
      // Or the timer was first, or the limiter was stopped meanwhile.
      if (limiter.jobStatus(job.options.id) !== "RUNNING") return;
      clearTimeout(scheduled.timeout);
      void job.doExecute(
        internals._limiter,
        () => internals._clearGlobalState(index),
        (...more: [number]) => internals._run(index, job, ...more),
        (...more: unknown[]) => internals._free(index, job, ...more),
      );
    });
    return scheduled;
  };
}
