import type { WorkerTx } from "../database.ts";
import { advanceChannel, lockChannel } from "./channel-row.ts";
import { keptFrom, stillKept } from "./let-go.ts";
import { markAbsent } from "./marks.ts";
import { mergeMessages } from "./merge.ts";
import type { HistoryRows, PageResult } from "./page.ts";
import { reportRepaired } from "./skipped.ts";

/** The last one cannot be written as the end of a range that ends before its bound, and is no message's. */
const EVERY_ID = { from: 1, to: 2 ** 31 - 2 };

/**
 * Commits a page that has no pts, in the caller's transaction, under the channel row's lock. Several pages read under
 * one pts may come as one: the larger, the faster.
 *
 * @throws PageStale where the channel's pts has moved since the call: nothing was written
 */
export async function storeHistory(tx: WorkerTx, page: HistoryRows): Promise<PageResult> {
  const { channelId, readAt, covers } = page;
  const { revision: before, kept } = await lockChannel(tx, page, page.ptsAtCall);
  const messages = stillKept(kept, page.messages);
  const merged = await mergeMessages(tx, { channelId, winsTies: false, pts: null, readAt }, messages, before);
  await reportRepaired(tx, channelId, merged.repaired);
  const next = merged.revision === before ? before + 1n : merged.revision;
  const present = [...page.messages.map((message) => message.id), ...(page.skippedIds ?? [])];
  const deleted = covers ? await markAbsent(tx, { channelId, revision: next, readAt }, covers, present) : 0;
  const revision = deleted > 0 ? next : merged.revision;
  await advanceChannel(tx, channelId, {
    revision,
    pts: page.newPts ?? null,
    covers,
    unverifies: page.unverifyCovered ? EVERY_ID : null,
    topMessageId: page.topMessageId ?? 0,
    keptFrom: keptFrom(kept, page.messages),
    readAt,
  });
  const { added, bytes, edited } = merged;
  return { added, bytes, edited, deleted, revision };
}
