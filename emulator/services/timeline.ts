import type { WorldChannel, WorldMessage } from "../world/model.ts";

interface Timeline {
  ids: number[];
  topId: number;
  living: number;
  deleted: number;
}

const timelines = new WeakMap<WorldChannel, Timeline>();

/** The ids of a channel's living messages, ascending. Kept between calls; the caller must not change it. */
export function livingIds(channel: WorldChannel): readonly number[] {
  const known = timelines.get(channel);
  const { topId, messages, deleted } = channel;
  if (known && known.topId === topId && known.living === messages.size && known.deleted === deleted.size) {
    return known.ids;
  }
  const ids = (known && grown(channel, known)) ?? [...messages.keys()].sort((a, b) => a - b);
  timelines.set(channel, { ids, topId, living: messages.size, deleted: deleted.size });
  return ids;
}

/** How far a look at every id since the last time is cheaper than sorting all. */
const STEP_MAX = 4_096;

/** The ids as they were and the new ones above them, or undefined where more than that has changed. */
function grown(channel: WorldChannel, known: Timeline): number[] | undefined {
  if (channel.deleted.size !== known.deleted || channel.topId - known.topId > STEP_MAX) return undefined;
  const ids = known.ids;
  for (let id = known.topId + 1; id <= channel.topId; id++) if (channel.messages.has(id)) ids.push(id);
  return ids.length === channel.messages.size ? ids : undefined;
}

/** The newest living message from `minId` on; undefined where there is none. */
export function topMessage(channel: WorldChannel, minId: number): WorldMessage | undefined {
  const id = livingIds(channel).at(-1);
  return id === undefined || id < minId ? undefined : channel.messages.get(id);
}

/** How many of the ascending `ids` are below `bound`. */
export function countBelow(ids: readonly number[], bound: number): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
