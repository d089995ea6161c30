import type { ChannelEvent, WorldChannel } from "../world/model.ts";

/** One page of a channel's difference, as Telegram tells it. */
export type DifferencePage =
  | { readonly kind: "empty" }
  | { readonly kind: "too_long" }
  | {
      readonly kind: "page";
      readonly pts: number;
      readonly final: boolean;
      /** Created within the page and still living. */
      readonly newIds: readonly number[];
      readonly updates: readonly ChannelEvent[];
    };

/**
 * The events of a channel since `since`, at most `limit` of them (core.telegram.org/api/updates#recovering-gaps).
 * Events on one message collapse: a message created within the page is told once, as it is now; of several edits the last;
 * a message that is no more is neither new nor edited, but its deletion is told.
 *
 * @param tooLongAfter more events behind than this is too long, as is a `since` from before the kept events
 */
export function differencePage(
  channel: WorldChannel,
  since: number,
  limit: number,
  tooLongAfter: number,
): DifferencePage {
  if (since >= channel.pts) return { kind: "empty" };
  const { events } = channel;
  const oldest = events[0];
  const first = firstAfter(events, since);
  const behind = events.length - first;
  if (!oldest || oldest.pts - oldest.ptsCount > since || behind > tooLongAfter) return { kind: "too_long" };

  const page = events.slice(first, first + limit);
  const newIds = new Set<number>();
  const lastEdit = new Map<number, ChannelEvent>();
  for (const event of page) {
    if (event.kind === "new" && channel.messages.has(event.messageId)) newIds.add(event.messageId);
    if (event.kind === "edit") lastEdit.set(event.messageId, event);
  }
  const updates = page.filter((event) => {
    if (event.kind === "new") return false;
    if (event.kind !== "edit") return true;
    const { messageId } = event;
    return lastEdit.get(messageId) === event && !newIds.has(messageId) && channel.messages.has(messageId);
  });
  const last = page.at(-1)!;
  return { kind: "page", pts: last.pts, final: behind <= limit, newIds: [...newIds], updates };
}

/** The place of the first event with a pts above `since`. */
function firstAfter(events: readonly ChannelEvent[], since: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (events[middle]!.pts <= since) low = middle + 1;
    else high = middle;
  }
  return low;
}
