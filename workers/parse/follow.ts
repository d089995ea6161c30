import { type Channel, raiseTop } from "../../db/channels.ts";
import type { ChannelDifference } from "../../telegram/api.ts";
import { PeerGone, PtsUnusable } from "../../telegram/errors.ts";
import { type ChannelReading, leavesPts, type ReadEnd } from "./channel-reading.ts";
import { highestKnown } from "./coverage.ts";
import { readHead } from "./read-head.ts";
import { storeNews } from "./store-news.ts";

/**
 * Follows a channel by its differences, from the stored pts to the end of what is new: a page is on its way while the one
 * before it is being stored. Where they do not reach back so far, or are not served, the channel's head is read instead.
 *
 * @throws PageStale where somebody else stored something meanwhile, and what the calls throw
 */
export async function follow(reading: ChannelReading, start: Channel): Promise<ReadEnd> {
  const { account, access, channel, seen, sight, hiddenFromOthers } = reading;
  /** Up to where the answers have told, and up to where the channel's row says so. */
  let pts = start.pts ?? 0;
  let stored = start.pts;
  let known = highestKnown(start);
  let asked = askSince(reading, pts);
  for (let page = 1; ; page += 1) {
    const { readAt } = asked;
    let news: ChannelDifference;
    try {
      news = await asked.news;
    } catch (error) {
      if (error instanceof PtsUnusable && error.reason === "outdated") return "behind";
      const unusable = error instanceof PtsUnusable;
      // Differences may not be served to an account that has not joined; what it sees is then read anew.
      const unserved = error instanceof PeerGone && !access.joined;
      if (unusable || unserved)
        return readHead(reading, { ...start, pts: stored }, { ...seen, pts: Math.max(seen.pts, pts) }, true);
      throw error;
    }
    if (page === 1 && hiddenFromOthers !== null) await sight.askAgain();
    if (news.kind === "too_long") {
      const now = {
        pts: Math.max(news.pts ?? seen.pts, pts),
        topMessageId: Math.max(news.topMessageId, seen.topMessageId),
      };
      return readHead(reading, { ...start, pts: stored }, now, true);
    }
    const still = news.pts === pts;
    if (still && news.kind === "empty") {
      // Nothing new since our pts, yet a newer message: it is missing here, and backfill fetches it.
      if (seen.topMessageId > known) await account.commit((tx) => raiseTop(tx, channel.id, seen.topMessageId));
      return "read";
    }
    const last = news.final || still;
    // On its way while this one is being stored.
    if (!last) asked = askSince(reading, news.pts);
    const leaves = leavesPts(reading, start);
    const top = await storeNews(reading, news, {
      start,
      since: pts,
      from: stored ?? 0,
      to: leaves ? (stored ?? 0) : news.pts,
      known,
      readAt,
    });
    if (top === null) return "claimed";
    if (last) return "read";
    pts = news.pts;
    if (!leaves) stored = pts;
    known = top;
  }
}

function askSince(
  { deps, account, channel }: ChannelReading,
  pts: number,
): { readonly news: Promise<ChannelDifference>; readonly readAt: Date } {
  const readAt = new Date(deps.clock.now());
  const news = account.api.channelDifference(channel, { pts, limit: deps.limits.pageSize });
  // Whoever takes it gets its error; where storing the page before it failed, nobody does.
  news.catch(() => {});
  return { news, readAt };
}
