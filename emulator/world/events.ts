import type { ChannelEvent, WorldChannel } from "./model.ts";

/** Enough for any test that is not about TooLong; a busy emulated channel makes some hundreds in an hour. */
export const DEFAULT_MAX_EVENTS = 5_000;

type NewEvent = ChannelEvent extends infer Event
  ? Event extends ChannelEvent
    ? Omit<Event, "pts" | "ptsCount">
    : never
  : never;

/** Counts an event of `ptsCount` steps, and forgets the oldest above `maxEvents`. */
export function addEvent(channel: WorldChannel, event: NewEvent, ptsCount: number, maxEvents: number): void {
  channel.pts += ptsCount;
  channel.events.push({ ...event, pts: channel.pts, ptsCount });
  while (channel.events.length > maxEvents) channel.events.shift();
}

/**
 * The events after `pts`, oldest first; null where they are not all there any more (TooLong), or where the channel has
 * never been at `pts`. An event of several steps that `pts` lies within is given whole.
 */
export function eventsSince(channel: WorldChannel, pts: number): ChannelEvent[] | null {
  if (pts > channel.pts || pts < 1) return null;
  const oldest = channel.events[0];
  const reachesBackTo = oldest ? oldest.pts - oldest.ptsCount : channel.pts;
  if (pts < reachesBackTo) return null;
  // Events are in pts order: binary search for the first one after `pts`.
  let low = 0;
  let high = channel.events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (channel.events[middle]!.pts <= pts) low = middle + 1;
    else high = middle;
  }
  return channel.events.slice(low);
}
