import type { Channel } from "../../db/channels.ts";

/** How many living messages of a channel are stored from an id up. */
export type CountFrom = (channel: Pick<Channel, "id" | "revision">, fromId: number) => Promise<number>;

/** Some 150 bytes each. */
const REMEMBERED_CHANNELS = 20_000;

/**
 * Counts once for each revision of a channel. Whoever's plan reaches back less far than the channel does asks at each
 * parse, and almost always nothing has changed. What is counted while the channel changes is remembered for a revision
 * that nobody will read again.
 */
export function rememberCounts(count: CountFrom, most = REMEMBERED_CHANNELS): CountFrom {
  const known = new Map<bigint, { readonly revision: bigint; readonly fromId: number; readonly count: number }>();
  return async (channel, fromId) => {
    const before = known.get(channel.id);
    if (before?.revision === channel.revision && before.fromId === fromId) return before.count;
    const now = await count(channel, fromId);
    known.delete(channel.id);
    known.set(channel.id, { revision: channel.revision, fromId, count: now });
    const [oldest] = known.keys();
    if (known.size > most && oldest !== undefined) known.delete(oldest);
    return now;
  };
}
