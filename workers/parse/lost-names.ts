import { claimLostName, keepName, type LostName, lostNames } from "../../db/channel-names.ts";
import type { Database } from "../../db/database.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import { PeerGone, RpcRefused } from "../../telegram/errors.ts";
import { isWait } from "../outcome-of.ts";
import type { Looked } from "./look.ts";
import { LONGEST_NAME_REST_MS, lookAgainAt } from "./look-again.ts";
import { saveFacts } from "./save-facts.ts";

/**
 * Looks who has the names now that subscriptions were added with and their channels have no more. What is followed stays
 * as it is: this is only to say so. One account looks for all, sparsely, and nobody once another channel is known to have
 * the name. A wait leaves the rest for another time.
 */
export async function lookForLostNames(
  deps: {
    readonly database: Database;
    readonly clock: Clock;
    readonly log: Log;
    readonly limits: { readonly peerRecheckMs: number };
  },
  account: OpenAccount,
  userId: bigint,
  looked: readonly Looked[],
): Promise<void> {
  const otherwiseNamed = looked.some(
    ({ name, seen: { info } }) => !/^\d+$/.test(name) && name !== info.username?.toLowerCase(),
  );
  if (!otherwiseNamed) return;
  const now = deps.clock.now();
  const lost = await deps.database.once((tx) => lostNames(tx, userId));
  const due = lost.filter(({ holder, lookAt }) => holder === null && lookAt !== null && lookAt.getTime() <= now);
  try {
    for (const lost of due) {
      const { channelId, name, since } = lost;
      const again = lookAgainAt(since, now, { restMs: deps.limits.peerRecheckMs, longestMs: LONGEST_NAME_REST_MS });
      const claim = { channelId, name, now: new Date(now), lookAgainAt: again };
      if (!(await deps.database.once((tx) => claimLostName(tx, claim)))) continue;
      await look(deps, account, lost);
    }
  } catch (error) {
    if (!isWait(error)) throw error;
  }
}

async function look(
  { database, log }: { readonly database: Database; readonly log: Log },
  account: OpenAccount,
  { channelId, name }: LostName,
): Promise<void> {
  try {
    const info = await account.api.resolveUsername(name);
    await saveFacts(database, [info]);
    // A channel may have several names, of which it shows one.
    if (info.id === channelId) await database.once((tx) => keepName(tx, channelId, name));
    else log.info({ name, channel: info.id.toString() }, "username moved to another channel");
  } catch (error) {
    if (!(error instanceof PeerGone || error instanceof RpcRefused)) throw error;
  }
}
