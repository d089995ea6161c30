import type { Database } from "../../db/database.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import type { RetentionTask } from "../../scheduler/retention/task.ts";
import { retain } from "../../scheduler/retention.ts";

const DAY_MS = 86_400_000;

/** Retention's work as a scheduler does it, whenever a test says so, however lately it was done. */
export function retaining(database: Database, tasks: readonly RetentionTask[]) {
  const enqueued: NewJob[] = [];
  const metrics = createMetrics({ process: "scheduler" });
  return {
    enqueued,
    metrics,
    async turn(given: { now?: Date; batch?: number; idleBatch?: number } = {}): Promise<void> {
      await retain(
        {
          database,
          producer: {
            addBulk: async (jobs) => {
              enqueued.push(...jobs);
              return jobs.map(({ queue }, index) => ({ queue, id: String(index) }));
            },
            erase: async () => ({ removed: 0, active: 0 }),
          },
          retention: { sessionIdleMs: 30 * DAY_MS, runsKeptMs: 30 * DAY_MS, unfollowedKeptMs: 30 * DAY_MS },
          limits: {
            retentionEveryMs: 0,
            rollUpEveryMs: 0,
            trimEveryMs: 0,
            retentionBatch: given.batch ?? 1_000,
            retentionBatchesPerTurn: 50,
            idleBatch: given.idleBatch ?? 10,
            revokeAgainMs: 900_000,
            revokeGiveUpMs: 7 * DAY_MS,
          },
          now: () => given.now ?? new Date(),
          metrics,
          log: silentLog,
        },
        tasks,
      );
    },
  };
}
