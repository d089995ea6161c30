import { sql } from "kysely";
import type { WorkerTx } from "../database.ts";
import type { ChannelMessage } from "../message.ts";
import { lockChannel } from "./channel-row.ts";
import { stillKept } from "./let-go.ts";
import { markDeleted } from "./marks.ts";
import { mergeMessages } from "./merge.ts";
import type { PageResult } from "./page.ts";
import { reportRepaired } from "./skipped.ts";

/** Messages asked for by their ids. Has no pts: wins as history does, never over a deletion. */
export interface ReconciledRows {
  readonly channelId: bigint;
  /** The channel's stored pts when the call was made. @throws PageStale where it has moved since. */
  readonly ptsAtCall: number | null;
  readonly messages: readonly ChannelMessage[];
  /** Ids that do not exist any more. */
  readonly deletedIds: readonly number[];
  /** The lowest id asked for: the round goes on below it. */
  readonly lowest: number;
  readonly readAt: Date;
}

/**
 * Commits what a look at stored messages found, and how far the round is, under the channel row's lock. Coverage is left
 * as it is: ids without a row were not asked for.
 *
 * @throws PageStale where the channel's pts has moved since the call: nothing was written
 */
export async function storeReconciled(tx: WorkerTx, page: ReconciledRows): Promise<PageResult> {
  const { channelId, readAt } = page;
  const { revision: before, kept } = await lockChannel(tx, page, page.ptsAtCall);
  const messages = stillKept(kept, page.messages);
  const merged = await mergeMessages(tx, { channelId, winsTies: false, pts: null, readAt }, messages, before);
  await reportRepaired(tx, channelId, merged.repaired);
  const next = merged.revision === before ? before + 1n : merged.revision;
  const deleted = await markDeleted(
    tx,
    { channelId, revision: next, readAt },
    page.deletedIds.filter((id) => id >= kept.from),
  );
  const revision = deleted.rows > 0 ? next : merged.revision;
  await sql`
    update channels set revision = ${revision}, reconcile_below = ${page.lowest} where id = ${channelId}`.execute(tx);
  const { added, bytes, edited } = merged;
  return { added, bytes, edited, deleted: deleted.marks, revision };
}
