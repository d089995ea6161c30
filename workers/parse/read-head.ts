import type { Channel } from "../../db/channels.ts";
import { storeHistory } from "../../db/messages.ts";
import { type ChannelReading, commitPage, leavesPts, type ReadEnd } from "./channel-reading.ts";
import { historyCovers, idsOf, seemsWhole } from "./coverage.ts";
import { isBehind, type Seen } from "./decide.ts";

/**
 * Reads the newest page of a channel's history, where there is nothing to follow from: it was never read, or differences
 * do not reach back to its pts. The page is stored with a pts from before it was asked for, so what happens in between is
 * told again. What lies below the page is backfill's.
 *
 * @param asOf the pts and the top as they were before this call
 * @param unverifyCovered whether what is covered may have changed without our being told
 * @throws PageStale where the channel's pts moved between call and commit, and what the calls throw
 */
export async function readHead(
  reading: ChannelReading,
  channel: Channel,
  asOf: Seen,
  unverifyCovered: boolean,
): Promise<ReadEnd> {
  const { deps, account, channel: ref, sight } = reading;
  const readAt = new Date(deps.clock.now());
  const page = await account.api.history(ref, { offsetId: 0, limit: deps.limits.pageSize });
  if (isBehind(page, channel.pts)) return "behind";
  // An answer from before what was seen: what it lacks may be newer than it, and is told by the difference since.
  const pts = Math.min(asOf.pts, page.pts ?? asOf.pts);
  const upper = pts === asOf.pts ? asOf.topMessageId : 0;
  if (seemsWhole(page, 0)) await sight.askAgain();
  const covers = historyCovers(page, { offsetId: 0, upper, floor: sight.floor });
  const passes = leavesPts(reading, channel) ? {} : { newPts: pts, unverifyCovered };
  const held = await commitPage(reading, page.skipped, (tx) =>
    storeHistory(tx, {
      channelId: ref.id,
      ptsAtCall: channel.pts,
      ...passes,
      messages: page.messages,
      covers,
      skippedIds: page.skipped.map((each) => each.id),
      topMessageId: Math.max(upper, ...idsOf(page), sight.floor - 1),
      readAt,
    }),
  );
  return held ? "read" : "claimed";
}
