import type { Database } from "../../db/database.ts";
import { channelsToTrim, deleteLetGo, trimChannel } from "../../db/kept-messages.ts";
import { channelsToForget, forgetChannel, noteUnfollowed } from "../../db/unfollowed-channels.ts";
import type { RetentionTask } from "./task.ts";

/** Lets go of messages that no subscriber's tenant keeps any longer: written down first, so that none is read again. */
export const oldMessagesTask: RetentionTask = {
  name: "old messages",
  everyMs: (limits) => limits.retentionEveryMs,
  async batch({ database, limits, now, metrics }) {
    const due = await database.once((tx) =>
      channelsToTrim(tx, { everyMs: limits.trimEveryMs, limit: CHANNELS_PER_BATCH }),
    );
    for (const keeping of due) {
      await database.asWorker((tx) => trimChannel(tx, keeping, now()));
      const gone = await deleteAll(database, limits.retentionBatch, keeping.channelId);
      metrics.retentionDeleted.inc({ kind: "messages" }, gone);
    }
    return due.length === CHANNELS_PER_BATCH ? "again" : "done";
  },
};

const CHANNELS_PER_BATCH = 100;

async function deleteAll(database: Database, limit: number, channelId: bigint): Promise<number> {
  for (let all = 0; ; ) {
    const gone = await database.asWorker((tx) => deleteLetGo(tx, channelId, limit));
    all += gone;
    if (gone < limit) return all;
  }
}

/** Forgets channels that nobody follows any more. */
export const unfollowedChannelsTask: RetentionTask = {
  name: "unfollowed channels",
  everyMs: (limits) => limits.retentionEveryMs,
  async batch({ database, retention, limits, now, metrics, log }) {
    await database.once(noteUnfollowed);
    const forgotten = await database.once((tx) =>
      channelsToForget(tx, {
        now: now(),
        publicAfterMs: retention.unfollowedKeptMs,
        limit: CHANNELS_PER_BATCH,
      }),
    );
    for (const channelId of forgotten) {
      for (let more = true; more; ) {
        const gone = await database.asWorker((tx) => forgetChannel(tx, channelId, limits.retentionBatch));
        more = gone !== "followed" && !gone.done;
        if (gone === "followed") continue;
        metrics.retentionDeleted.inc({ kind: "messages" }, gone.messages);
        if (!gone.done) continue;
        metrics.retentionDeleted.inc({ kind: "channels" });
        log.info({ channel: channelId.toString() }, "channel forgotten: nobody follows it");
      }
    }
    return forgotten.length === CHANNELS_PER_BATCH ? "again" : "done";
  },
};
