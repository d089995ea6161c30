import type { Job, Queue } from "bullmq";

/** Of whom, by the numbers that jobs name them by. */
export interface WhoseJobs {
  readonly userId: bigint;
  readonly sessionIds: readonly bigint[];
}

const STATES = ["prioritized", "waiting", "delayed", "active", "completed", "failed"] as const;
const PAGE = 500;

/**
 * Removes somebody's jobs from a queue, in whatever state, with their results, logs, and what makes two of them the same.
 *
 * @returns how many were removed, and how many are under way: those remove themselves with the next look
 */
export async function eraseJobs(queue: Queue, whose: WhoseJobs): Promise<{ removed: number; active: number }> {
  const userId = whose.userId.toString();
  const sessionIds = new Set(whose.sessionIds.map(String));
  const isTheirs = ({ data }: Job) => data?.userId === userId || sessionIds.has(data?.sessionId);
  let removed = 0;
  let active = 0;
  for (const state of STATES) {
    for (let left = 0; ; ) {
      const jobs = (await queue.getJobs([state], left, left + PAGE - 1)).filter((job) => job !== undefined);
      if (jobs.length === 0) break;
      const theirs = jobs.filter(isTheirs);
      const gone = await Promise.all(theirs.map(removeIfIdle));
      removed += gone.filter(Boolean).length;
      active += gone.filter((each) => !each).length;
      left += jobs.length - gone.filter(Boolean).length;
    }
  }
  const same = [`parse:${userId}`, ...[...sessionIds].flatMap((id) => [`verify:${id}`, `revoke:${id}`])];
  if (active === 0) await Promise.all(same.map((id) => queue.removeDeduplicationKey(id)));
  return { removed, active };
}

async function removeIfIdle(job: Job): Promise<boolean> {
  try {
    await job.remove();
    return true;
  } catch (error) {
    if (await job.isActive()) return false;
    throw error;
  }
}
