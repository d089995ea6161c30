import type Bottleneck from "bottleneck";

/** What Bottleneck's limiter has beyond its types, as far as it is mended here (bottleneck 2.19). */
interface Internals {
  _run(index: string, job: Job, wait: number): unknown;
}

interface Job {
  readonly options: { readonly id: string };
  doExpire(...args: unknown[]): unknown;
}

const AGAIN_MS = 100;

/**
 * A job's expiration also counts the time before it begins, and may come first where the process stood still. Bottleneck
 * means to allow for that, compares the wrong thing, and throws in a timer, which would end the process. Here whatever has not
 * begun does not expire.
 */
export function expireOnlyWhatBegan(limiter: Bottleneck): void {
  const internals = limiter as unknown as Internals;
  const run = internals._run.bind(limiter);
  internals._run = (index, job, wait) => {
    const expire = job.doExpire.bind(job);
    job.doExpire = (...args) => {
      const status = limiter.jobStatus(job.options.id);
      if (status === "RUNNING") setTimeout(() => job.doExpire(...args), AGAIN_MS).unref();
      return status === "EXECUTING" ? expire(...args) : undefined;
    };
    return run(index, job, wait);
  };
}
