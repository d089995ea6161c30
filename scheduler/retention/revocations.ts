import { claimOpenRevocations, hopelessRevocations, unlogged } from "../../db/revocations.ts";
import { transition } from "../../db/sessions.ts";
import { revokeJob } from "../../queue/revoke-job.ts";
import type { RetentionTask } from "./task.ts";

/**
 * Enqueues the jobs of log-outs that were asked for and have not come about: nobody enqueued one, it got lost, or Telegram
 * could not be asked. After a week the key goes without: who may not be logged out is not to be kept for it.
 */
export const revocationsTask: RetentionTask = {
  name: "revocations",
  everyMs: (limits) => limits.retentionEveryMs,
  async batch({ database, producer, limits, now, log }) {
    const limit = limits.retentionBatch;
    await database.asWorker(async (tx) => {
      const open = await claimOpenRevocations(tx, { againMs: limits.revokeAgainMs, limit });
      const jobs = open.map(({ sessionId, ...session }) => revokeJob({ id: sessionId, ...session }, now()));
      if (jobs.length > 0) await producer.addBulk(jobs);
    });
    const hopeless = await database.asWorker((tx) =>
      hopelessRevocations(tx, { now: now(), afterMs: limits.revokeGiveUpMs, limit }),
    );
    for (const { sessionId, reason } of hopeless) {
      await database.asWorker((tx) =>
        transition(tx, sessionId, { from: ["AUTHORIZED", "STALE"], to: "REVOKED", reason: unlogged(reason) }),
      );
      log.warn({ session_id: sessionId.toString() }, "key deleted without a log-out: Telegram could not be asked");
    }
    return "done";
  },
};
