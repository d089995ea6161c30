import type { ChannelMessage } from "../message.ts";

/** How far back a channel's messages are kept, as its row says. */
export interface Kept {
  /** What lies below this id has been let go; 1: nothing has. */
  readonly from: number;
  /** What was published before is not kept; null: everything is. */
  readonly since: Date | null;
}

/** Of messages, those that are kept: an edit of what has been let go does not bring it back. */
export function stillKept(kept: Kept, messages: readonly ChannelMessage[]): readonly ChannelMessage[] {
  const { since } = kept;
  if (kept.from <= 1 && since === null) return messages;
  return messages.filter(({ id, date }) => id >= kept.from && (since === null || date >= since));
}

/**
 * From which id on a channel's messages are kept, where these of its history are what was read: what lies below one that
 * is too old is older still. One that seems old among newer ones proves nothing.
 */
export function keptFrom(kept: Kept, messages: readonly Pick<ChannelMessage, "id" | "date">[]): number {
  const { since } = kept;
  if (since === null) return kept.from;
  const lowest = messages.reduce((low, { id, date }) => (date >= since ? Math.min(low, id) : low), Infinity);
  const tooOld = messages.flatMap(({ id }) => (id < lowest ? id : []));
  if (tooOld.length === 0) return kept.from;
  return Math.max(kept.from, lowest === Infinity ? Math.max(...tooOld) + 1 : lowest);
}
