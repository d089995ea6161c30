import { type Channel, type IdRange, missingRanges } from "../../db/channels.ts";
import type { ChannelDifference, HistoryPage } from "../../telegram/api.ts";

/** What is known of a channel's ids. */
export type Ledger = Pick<Channel, "covered" | "unverified" | "topMessageId">;

/** Where to read next: history below `offsetId`, down to `lowest`. */
export interface Hole {
  readonly offsetId: number;
  readonly lowest: number;
}

/** The newest range of ids between `floor` and the top that is missing or unverified; null where there is none. */
export function nextHole(ledger: Ledger, floor: number): Hole | null {
  const hole = missingRanges(ledger, ledger.topMessageId, floor).at(-1);
  return hole ? { offsetId: hole.to + 1, lowest: hole.from } : null;
}

/** The highest id that is accounted for or known to exist: news begin above it. */
export function highestKnown(ledger: Ledger): number {
  return Math.max(ledger.topMessageId, ...ledger.covered.map((range) => range.to), 0);
}

/** The range, or null where it is empty. */
export function range(from: number, to: number): IdRange | null {
  return from <= to ? { from, to } : null;
}

/** Ids that a page names, with a message or without a readable one. */
export function idsOf(page: Pick<HistoryPage, "messages" | "skipped">): number[] {
  return [...page.messages.map((message) => message.id), ...page.skipped.map((message) => message.id)];
}

/**
 * Steps of the pts that a page of a difference accounts for. A post that was deleted again is told as deleted alone, so
 * that an id above `known` stands for both. Less than the pts went on by: something is not told, as what is hidden from
 * this account by now, or edits that came to one.
 */
export function stepsTold(news: Extract<ChannelDifference, { kind: "difference" }>, known: number): number {
  const removed = news.deletedIds.reduce((steps, id) => steps + (id > known ? 2 : 1), 0);
  const pinned = news.pins.reduce((steps, { ids }) => steps + ids.length, 0);
  return news.newMessages.length + news.skipped.length + news.editedMessages.length + removed + pinned;
}

/**
 * Whether a page seems to reach the channel's beginning: it is empty, or it is the page from the top and has as many
 * messages as the whole channel.
 */
export function seemsWhole(page: Pick<HistoryPage, "messages" | "skipped" | "count">, offsetId: number): boolean {
  const ids = idsOf(page);
  return ids.length === 0 || (offsetId === 0 && page.count <= ids.length);
}

/**
 * What a page of history accounts for: everything from its lowest id up to `upper` (the id below its offset, or the
 * top), since what is in between and not on the page does not exist. An empty page accounts for all down to `floor`,
 * the lowest id that this account may see. So does the page from the top where it has as many messages as the whole
 * channel. A page that is merely short proves nothing: Telegram may give fewer than it was asked for.
 */
export function historyCovers(
  page: Pick<HistoryPage, "messages" | "skipped" | "count">,
  at: { readonly offsetId: number; readonly upper: number; readonly floor: number },
): IdRange | null {
  const ids = idsOf(page);
  const lowest = seemsWhole(page, at.offsetId) ? at.floor : Math.max(at.floor, Math.min(...ids));
  return range(lowest, Math.max(at.upper, ...ids));
}
