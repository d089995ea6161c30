import type { WorkerTx } from "../../db/database.ts";
import { rollUpRuns, rollUpSessionEvents } from "../../db/old-rows.ts";
import type { RetentionTask } from "./task.ts";

type RollUp = (tx: WorkerTx, old: { now: Date; ms: number; limit: number }) => Promise<number>;

const rollingUp = (name: RetentionTask["name"], kind: "runs" | "session_events", rollUp: RollUp): RetentionTask => ({
  name,
  everyMs: (limits) => limits.rollUpEveryMs,
  async batch({ database, retention, limits, now, metrics }) {
    const old = { now: now(), ms: retention.runsKeptMs, limit: limits.retentionBatch };
    const gone = await database.asWorker((tx) => rollUp(tx, old));
    metrics.retentionDeleted.inc({ kind }, gone);
    return gone === limits.retentionBatch ? "again" : "done";
  },
});

export const oldRunsTask = rollingUp("old runs", "runs", rollUpRuns);
export const oldSessionEventsTask = rollingUp("old session events", "session_events", rollUpSessionEvents);
