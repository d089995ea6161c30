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
