import { randomUUID } from "node:crypto";
import {
  type Channel,
  type ChannelAccess,
  claimChannel,
  leastHiddenFromOthers,
  loadChannels,
  releaseChannel,
} from "../../db/channels.ts";
import { PageStale } from "../../db/messages.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import type { ChannelReading, ReadEnd, ReaderDependencies } from "./channel-reading.ts";
import { decide, type Seen } from "./decide.ts";
import { follow } from "./follow.ts";
import { readHead } from "./read-head.ts";
import { Sight } from "./sight.ts";
import type { Tally } from "./tally.ts";

/** A page may turn out stale as often as somebody else reads the same channel; more than this is left for next time. */
const ROUNDS = 3;

export interface ReadTarget {
  readonly access: ChannelAccess;
  readonly seen: Seen;
}

/**
 * Brings one channel up to date under its claim, which is given up on every way out. Each page commits its rows, its
 * coverage and its pts in one fenced transaction.
 *
 * @throws WaitRunning, PeerGone and what else the calls throw
 */
export async function readChannel(
  deps: ReaderDependencies,
  account: OpenAccount,
  { access, seen }: ReadTarget,
  tally: Tally,
): Promise<ReadEnd> {
  const { channelId, accessHash } = access;
  const claim = { channelId, token: randomUUID(), ms: deps.limits.channelClaimMs };
  const first = await deps.database.asWorker(async (tx) => {
    if (!(await claimChannel(tx, claim))) return "claimed";
    const [channel] = await loadChannels(tx, [channelId]);
    if (!channel) return "behind";
    const shared = channel.kind === "megagroup";
    const { userId } = account.session;
    return { channel, hidden: shared ? await leastHiddenFromOthers(tx, { userId, channelId }) : null };
  });
  if (first === "claimed") return "claimed";
  try {
    if (first === "behind") return "behind";
    const reading: ChannelReading = {
      ...{ deps, account, access, seen, tally, claim },
      channel: { id: channelId, accessHash },
      sight: new Sight(account, access, first.channel),
      hiddenFromOthers: first.hidden,
    };
    let channel: Channel | undefined = first.channel;
    for (let round = 0; channel && round < ROUNDS; round += 1) {
      try {
        return await bringUpToDate(reading, channel);
      } catch (error) {
        if (!(error instanceof PageStale)) throw error;
        [channel] = await deps.database.once((tx) => loadChannels(tx, [channelId]));
      }
    }
    return "behind";
  } finally {
    await deps.database.once((tx) => releaseChannel(tx, claim));
  }
}

async function bringUpToDate(reading: ChannelReading, channel: Channel): Promise<ReadEnd> {
  switch (decide(channel, reading.seen)) {
    case "unchanged":
      return "read";
    case "first-read":
      return readHead(reading, channel, reading.seen, false);
    case "difference":
      return follow(reading, channel);
  }
}
