import type { WorkerTx } from "../database.ts";
import { advanceChannel, lockChannel } from "./channel-row.ts";
import { raiseCounters } from "./counters.ts";
import { stillKept } from "./let-go.ts";
import { markDeleted, setPinned } from "./marks.ts";
import { mergeMessages } from "./merge.ts";
import type { DifferencePage, PageResult } from "./page.ts";
import { reportRepaired } from "./skipped.ts";

/**
 * Commits rows, versions, marks, coverage, revision and pts in the caller's transaction, under the channel row's lock.
 *
 * @throws PageStale where the channel's pts is not `pts.from`: nothing was written
 */
export async function storeDifference(tx: WorkerTx, page: DifferencePage): Promise<PageResult> {
  const { channelId, readAt } = page;
  const { revision: before, kept } = await lockChannel(tx, page, page.pts.from);
  const pts = Math.max(page.pts.from, page.pts.to);
  const merged = await mergeMessages(
    tx,
    { channelId, winsTies: true, pts, readAt },
    stillKept(kept, page.messages),
    before,
  );
  await reportRepaired(tx, channelId, merged.repaired);
  const next = merged.revision === before ? before + 1n : merged.revision;
  const marking = { channelId, revision: next, readAt };
  const deletedIds = page.deletedIds.filter((id) => id >= kept.from);
  const deleted = await markDeleted(tx, marking, deletedIds);
  let pinned = 0;
  for (const pin of page.pins) pinned += await setPinned(tx, marking, pin.ids, pin.pinned);
  await raiseCounters(tx, { channelId, readAt }, page.counters ?? []);
  const revision = deleted.rows > 0 || pinned > 0 ? next : merged.revision;
  await advanceChannel(tx, channelId, {
    revision,
    pts,
    covers: page.covers,
    unverifies: page.unverifies ?? null,
    topMessageId: page.topMessageId,
    readAt,
  });
  const { added, bytes, edited } = merged;
  return { added, bytes, edited, deleted: deleted.marks, revision };
}
