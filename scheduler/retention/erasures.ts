import { askErasuresAgain, eraseUser, readyToErase } from "../../db/erase-user.ts";
import type { RetentionTask } from "./task.ts";

/**
 * Erases those who asked for it, once their sessions are logged out. As the owner: no other role may delete somebody with
 * everything of theirs.
 */
export const erasuresTask: RetentionTask = {
  name: "erasures",
  everyMs: (limits) => limits.retentionEveryMs,
  async batch({ database, producer, limits, metrics, log }) {
    await database.asWorker((tx) => askErasuresAgain(tx, limits.idleBatch));
    for (const whom of await database.once((tx) => readyToErase(tx, limits.idleBatch))) {
      // Then nothing of theirs is enqueued any more: who is not there has no schedule. What is under way ends, and goes next.
      const { active } = await producer.erase(whom);
      if (active > 0) continue;
      await database.asOwner((tx) => eraseUser(tx, whom));
      await producer.erase(whom);
      metrics.retentionDeleted.inc({ kind: "users" });
      log.info({ user: whom.userId.toString() }, "user erased");
    }
    return "done";
  },
};
