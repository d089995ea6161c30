import { loseAccess, type Subscription, saveAccess } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import { PeerGone, type RpcRefused } from "../../telegram/errors.ts";
import { type ScanHints, type SeenChannel, scanChanges } from "./change-scan.ts";
import { LONGEST_PEER_REST_MS, lookAgainAt } from "./look-again.ts";
import { saveFacts } from "./save-facts.ts";

/** A subscription whose channel this account can or could address. */
export type Reachable = Subscription & {
  readonly channel: NonNullable<Subscription["channel"]>;
  readonly access: NonNullable<Subscription["access"]>;
};

/** Those with a channel, and with access now or a re-check due. */
export function reachable(subscriptions: readonly Subscription[], now: number): Reachable[] {
  return subscriptions.filter(
    (each): each is Reachable =>
      each.channel !== null &&
      each.access !== null &&
      (each.access.state === "ok" || (each.access.recheckAt !== null && each.access.recheckAt.getTime() <= now)),
  );
}

/** A subscription and what its channel looks like now. */
export interface Looked extends Reachable {
  readonly seen: SeenChannel;
}

/**
 * The change scan of one account, with what it tells about names and access recorded. What this account has lost is left
 * out until its re-check, and concerns no other account.
 */
export async function lookAtChannels(
  deps: {
    readonly database: Database;
    readonly clock: Clock;
    readonly log: Log;
    readonly limits: { readonly peerDialogsBatch: number; readonly peerRecheckMs: number };
    readonly hints: ScanHints;
  },
  account: OpenAccount,
  who: { readonly tenantId: string; readonly userId: bigint },
  subscriptions: readonly Reachable[],
): Promise<Looked[]> {
  const options = { batch: deps.limits.peerDialogsBatch, hints: deps.hints };
  const seen: SeenChannel[] = [];
  // What was lost is looked at apart: one of those would fail the call for all others.
  for (const lost of [false, true]) {
    const targets = subscriptions.map((each) => each.access).filter(({ state }) => (state !== "ok") === lost);
    const scan = await scanChanges(account.api, targets, options);
    seen.push(...scan.seen);
    for (const { channelId, error } of scan.gone) {
      const access = targets.find((target) => target.channelId === channelId);
      await recordGone(deps, account, who, channelId, error, access);
    }
  }
  const byId = new Map(seen.map((each) => [each.channelId, each]));
  const looked = subscriptions.flatMap((each) => {
    const now = byId.get(each.channel.id);
    return now ? [{ ...each, seen: now }] : [];
  });
  const renamed = looked.filter(
    ({ channel, seen: { info } }) => channel.title !== info.title || channel.username !== info.username,
  );
  if (renamed.length > 0)
    await saveFacts(
      deps.database,
      renamed.map(({ seen }) => seen.info),
    );
  const regained = looked.filter(accessChanged);
  if (regained.length > 0)
    await account.commit(async (tx) => {
      for (const { channel, seen } of regained) {
        const { accessHash, joined } = seen.info;
        await saveAccess(tx, { ...who, channelId: channel.id, accessHash, joined });
      }
    });
  return looked.map((each) => {
    const { accessHash, joined } = each.seen.info;
    return { ...each, access: { ...each.access, accessHash, joined } };
  });
}

/**
 * This account's access to one channel is gone: recorded, with the time of the re-check, which comes the later the longer
 * the `access` has been lost.
 */
export async function recordGone(
  deps: { readonly clock: Clock; readonly log: Log; readonly limits: { readonly peerRecheckMs: number } },
  account: OpenAccount,
  who: { readonly userId: bigint },
  channelId: bigint,
  error: PeerGone | RpcRefused,
  access?: Reachable["access"],
): Promise<void> {
  const state = error instanceof PeerGone ? error.reason : "invalid";
  const now = deps.clock.now();
  const since = access?.state === state ? access.since : new Date(now);
  const recheckAt = lookAgainAt(since, now, { restMs: deps.limits.peerRecheckMs, longestMs: LONGEST_PEER_REST_MS });
  deps.log.info({ channel: channelId.toString(), state, error: error.errorName }, "channel out of reach");
  await account.commit((tx) => loseAccess(tx, { userId: who.userId, channelId, state, recheckAt }));
}

function accessChanged({ access, seen: { info } }: Looked): boolean {
  return access.state !== "ok" || access.joined !== info.joined || access.accessHash !== info.accessHash;
}
