import type { Channel } from "../../db/channels.ts";
import { storeDifference } from "../../db/messages.ts";
import type { ChannelDifference } from "../../telegram/api.ts";
import { type ChannelReading, commitPage, isBlind } from "./channel-reading.ts";
import { idsOf, range, stepsTold } from "./coverage.ts";

/** A page of a difference that tells what happened, if anything did. */
export type News = Extract<ChannelDifference, { kind: "difference" | "empty" }>;

/** Where a page of news stands. */
export interface NewsAt {
  /** The channel as it was when following it began. */
  readonly start: Channel;
  /** The pts that was asked with. */
  readonly since: number;
  /** The pts that the channel's row has, and the one that it gets. */
  readonly from: number;
  readonly to: number;
  /** The highest id known before. */
  readonly known: number;
  /** When it was asked for. */
  readonly readAt: Date;
}

/**
 * Stores one page of a difference, with what it accounts for: every id from the highest one known to the highest one that
 * it tells of, but none that may be hidden from this account.
 *
 * @returns the highest id known afterwards, or null where the claim has gone to somebody else
 * @throws PageStale where the channel's pts is not `from` any more, and what the calls throw
 */
export async function storeNews(reading: ChannelReading, news: News, at: NewsAt): Promise<number | null> {
  const { channel, seen, sight } = reading;
  const full = news.kind === "difference";
  const skipped = full ? news.skipped : [];
  const ids = full ? idsOf({ messages: news.newMessages, skipped }) : [];
  const told = new Set(full ? [...ids, ...news.deletedIds] : []);
  // A final page tells of everything up to now, so also of what was the top before it was asked for.
  const reached = Math.max(at.known, ...ids, news.final && news.pts >= seen.pts ? seen.topMessageId : 0);
  const from = Math.max(at.known + 1, sight.floor);
  // Ids follow each other. One between that was neither told of nor deleted may be hidden from this account by now,
  // and so may the last ones, where the pts went on by more than was told.
  const steps = full ? stepsTold(news, at.known) : 0;
  if (news.pts - at.since > steps || !everyId(from, reached, told)) await sight.askAgain();
  // What is hidden exists: whoever reads on from this pts must not take it for ids that were never given.
  const top = Math.max(reached, sight.floor - 1);
  const held = await commitPage(reading, skipped, (tx) =>
    storeDifference(tx, {
      channelId: channel.id,
      pts: { from: at.from, to: at.to },
      messages: full ? [...news.newMessages, ...news.editedMessages] : [],
      deletedIds: full ? news.deletedIds : [],
      pins: full ? news.pins : [],
      counters: full ? (news.counters ?? []) : [],
      covers: range(Math.max(from, sight.floor), top),
      unverifies: isBlind(reading, at.start) && at.to > at.from ? range(1, sight.floor - 1) : null,
      topMessageId: top,
      readAt: at.readAt,
    }),
  );
  return held ? top : null;
}

function everyId(from: number, to: number, among: ReadonlySet<number>): boolean {
  for (let id = from; id <= to; id += 1) if (!among.has(id)) return false;
  return true;
}
