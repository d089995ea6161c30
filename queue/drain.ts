import type { Job, Queue } from "bullmq";
import type { JobName } from "./jobs.ts";

/** Whose removal would leave undone what somebody was promised: nothing asks for them again. */
export const KEPT: readonly string[] = ["revoke-session", "verify-session"] satisfies JobName[];

const PAGE = 500;

export interface Drained {
  /** Removed jobs by name. */
  readonly removed: Readonly<Record<string, number>>;
  /** Those that are never removed: sessions to be logged out, or to be looked at. */
  readonly kept: number;
  /** Whose parses are among those removed. */
  readonly users: readonly bigint[];
}

/**
 * Removes what waits in a queue, also while it is paused; with `delayed` what is snoozed, too. What is under way goes on.
 * Unlike BullMQ's own drain it leaves those in that nothing asks for again.
 *
 * @param progress called now and then with the number of those removed so far
 */
export async function drainQueue(
  queue: Queue,
  options: { readonly delayed?: boolean; readonly progress?: (removed: number) => void } = {},
): Promise<Drained> {
  const removed: Record<string, number> = {};
  const users: bigint[] = [];
  let kept = 0;
  let count = 0;
  for (const state of ["prioritized", "waiting", ...(options.delayed ? (["delayed"] as const) : [])] as const) {
    for (let left = 0; ; ) {
      const jobs = (await queue.getJobs([state], left, left + PAGE - 1)).filter((job) => job !== undefined);
      if (jobs.length === 0) break;
      const gone = await Promise.all(jobs.map((job) => removeUnlessKept(job)));
      for (const job of jobs.filter((_, index) => gone[index])) {
        removed[job.name] = (removed[job.name] ?? 0) + 1;
        count += 1;
        if (job.name === "parse-user") users.push(BigInt(job.data.userId));
      }
      kept += jobs.filter((job) => KEPT.includes(job.name)).length;
      left += gone.filter((each) => !each).length;
      options.progress?.(count);
    }
  }
  return { removed, kept, users };
}

/** False where it stays: for good, or since a worker has taken it by now. */
async function removeUnlessKept(job: Job): Promise<boolean> {
  if (KEPT.includes(job.name)) return false;
  try {
    await job.remove();
    return true;
  } catch (error) {
    if (await job.isActive()) return false;
    throw error;
  }
}
