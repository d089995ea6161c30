import { IDLE_WARNING_DAYS, idleSessions, warnOfIdle } from "../../db/idle-sessions.ts";
import { askRevocation } from "../../db/revocations.ts";
import type { RetentionTask } from "./task.ts";

const WARNED_BEFORE_MS = IDLE_WARNING_DAYS * 86_400_000;

/** Asks for the log-out of sessions that nobody uses, a few a turn; their jobs are `revocations`' to enqueue. */
export const idleSessionsTask: RetentionTask = {
  name: "idle sessions",
  everyMs: (limits) => limits.retentionEveryMs,
  async batch({ database, retention, limits, now, metrics, log }) {
    const ms = retention.sessionIdleMs;
    if (ms === null) return "done";
    const idle = { now: now(), limit: limits.idleBatch };
    const asked = await database.asWorker(async (tx) => {
      if (ms > WARNED_BEFORE_MS) await warnOfIdle(tx, { ...idle, ms: ms - WARNED_BEFORE_MS });
      const ids = await idleSessions(tx, { ...idle, ms });
      for (const id of ids) await askRevocation(tx, id, "idle");
      return ids;
    });
    for (const id of asked) log.info({ session_id: id.toString() }, "log-out of an idle session asked for");
    metrics.retentionDeleted.inc({ kind: "sessions" }, asked.length);
    return "done";
  },
};
