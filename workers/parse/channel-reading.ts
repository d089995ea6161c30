import { type Channel, type ChannelAccess, claimChannel } from "../../db/channels.ts";
import type { Database, WorkerTx } from "../../db/database.ts";
import { type PageResult, recordSkipped } from "../../db/messages.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import type { ChannelRef } from "../../telegram/api.ts";
import { announce, type Changed } from "./announce.ts";
import type { Seen } from "./decide.ts";
import type { Sight } from "./sight.ts";
import { countPage, type StoreMetrics, type Tally } from "./tally.ts";
import { tracePage } from "./trace-page.ts";

export interface ReaderDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly metrics: StoreMetrics;
  readonly changed: Changed;
  readonly limits: { readonly channelClaimMs: number; readonly pageSize: number };
}

/** `claimed`: somebody else is reading it now. `behind`: not to be read now; the next parse tries again. */
export type ReadEnd = "read" | "claimed" | "behind";

/** One channel, for as long as this account's job has it claimed: what both ways of reading it have in common. */
export interface ChannelReading {
  readonly deps: Omit<ReaderDependencies, "database">;
  readonly account: OpenAccount;
  readonly access: ChannelAccess;
  readonly seen: Seen;
  readonly tally: Tally;
  readonly claim: { readonly channelId: bigint; readonly token: string; readonly ms: number };
  readonly channel: ChannelRef;
  readonly sight: Sight;
  /** The least that is hidden from any other account that parses this group; null where there is none, or no group. */
  readonly hiddenFromOthers: number | null;
}

/** Whether something is covered that this account cannot see: no difference tells it of edits there. */
export function isBlind({ sight }: ChannelReading, { covered }: Pick<Channel, "covered">): boolean {
  return covered.some(({ from }) => from < sight.floor);
}

/**
 * Whether the channel's pts is left as it is, for another account to pass by that sees more. What this one reads is
 * stored all the same, and told again then.
 */
export function leavesPts(reading: ChannelReading, channel: Pick<Channel, "covered">): boolean {
  const { hiddenFromOthers, sight } = reading;
  return hiddenFromOthers !== null && hiddenFromOthers < sight.floor && isBlind(reading, channel);
}

/** Commits one page and renews the claim with it. False where the claim had run out and is somebody else's now. */
export async function commitPage(
  { deps, account, tally, claim, channel }: ChannelReading,
  skipped: readonly { readonly id: number; readonly reason: string }[],
  store: (tx: WorkerTx) => Promise<PageResult>,
): Promise<boolean> {
  const { held, result } = await account.commit(async (tx) => {
    const result = await store(tx);
    tracePage(channel.id, result);
    if (skipped.length > 0) await recordSkipped(tx, channel.id, skipped);
    return { result, held: await claimChannel(tx, claim) };
  });
  countPage(tally, result, deps.metrics);
  announce(deps.changed, channel.id, result);
  return held;
}
