import { type Subscription, settleSubscription } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import { type ResolvedName, saveResolved } from "../../db/resolved.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import type { ChannelInfo } from "../../telegram/api.ts";
import { PeerGone, RpcRefused } from "../../telegram/errors.ts";
import { isWait } from "../outcome-of.ts";
import { saveFacts } from "./save-facts.ts";

/** `messages.getDialogs` gives 100 at most. */
const DIALOGS = 100;

/**
 * Finds the channels of subscriptions that are not resolved yet, as this account addresses them: those it has joined
 * with one call, the others by username, one call each. Telegram's patience with those is short (about 30 a minute, then
 * hours): at the first wait the rest is left for the next parse. Each result is committed as it comes.
 */
export async function resolvePending(
  database: Database,
  account: OpenAccount,
  who: { readonly tenantId: string; readonly userId: bigint },
  pending: readonly Subscription[],
): Promise<void> {
  if (pending.length === 0) return;
  try {
    const unknown = await resolveJoined(database, account, who, pending);
    for (const subscription of unknown) await resolveByName(database, account, who, subscription);
  } catch (error) {
    if (!isWait(error)) throw error;
  }
}

/** Gives those that are still to be found by their names. */
async function resolveJoined(
  database: Database,
  account: OpenAccount,
  who: { readonly tenantId: string; readonly userId: bigint },
  pending: readonly Subscription[],
): Promise<Subscription[]> {
  const byName = await joinedByName(account);
  // An id alone addresses nothing: only a channel that the account has joined can be found by it.
  if (byName === null) return pending.filter((subscription) => !isId(subscription.name));
  const unknown: Subscription[] = [];
  const found: ResolvedName[] = [];
  const infos: ChannelInfo[] = [];
  try {
    for (const subscription of pending) {
      const info = byName.get(subscription.name);
      if (!info) {
        unknown.push(subscription);
        continue;
      }
      try {
        found.push(await resolvedAs(account, subscription, info));
        infos.push(info);
      } catch (error) {
        if (!concernsOneName(error)) throw error;
        await refuse(account, who, subscription, error);
      }
    }
  } finally {
    // Whatever stopped it: what was found would be asked for again, and stopped again, for ever.
    if (found.length > 0) {
      await saveFacts(database, infos);
      await account.commit((tx) => saveResolved(tx, who, found));
    }
  }
  return unknown;
}

/** The channels that the account has joined, by name and id; null where its dialogs cannot be read. */
async function joinedByName(account: OpenAccount): Promise<Map<string, ChannelInfo> | null> {
  const byName = new Map<string, ChannelInfo>();
  try {
    for (const { info } of await account.api.channelDialogs(DIALOGS)) {
      byName.set(info.id.toString(), info);
      if (info.username) byName.set(info.username.toLowerCase(), info);
    }
  } catch (error) {
    if (!concernsOneName(error)) throw error;
    return null;
  }
  return byName;
}

async function resolveByName(
  database: Database,
  account: OpenAccount,
  who: { readonly tenantId: string; readonly userId: bigint },
  subscription: Subscription,
): Promise<void> {
  const { name } = subscription;
  if (isId(name)) return settle(account, who, subscription, "not_found");
  try {
    const info = await account.api.resolveUsername(name);
    const found = await resolvedAs(account, subscription, info);
    await saveFacts(database, [info]);
    await account.commit((tx) => saveResolved(tx, who, [found]));
  } catch (error) {
    if (!concernsOneName(error)) throw error;
    await refuse(account, who, subscription, error);
  }
}

const isId = (name: string) => /^\d+$/.test(name);

/** No retry helps, and the user's other channels are none the worse for it. */
const concernsOneName = (error: unknown): error is PeerGone | RpcRefused =>
  error instanceof PeerGone || error instanceof RpcRefused;

const refuse = (
  account: OpenAccount,
  who: { readonly userId: bigint },
  subscription: Subscription,
  error: PeerGone | RpcRefused,
) => settle(account, who, subscription, error instanceof PeerGone ? error.reason : "invalid");

const settle = (account: OpenAccount, who: { readonly userId: bigint }, { id }: Subscription, state: string) =>
  account.commit((tx) => settleSubscription(tx, { id, userId: who.userId, channelId: null, state }));

/** Only groups hide what was before somebody joined: they are asked how much. */
async function resolvedAs(account: OpenAccount, subscription: Subscription, info: ChannelInfo): Promise<ResolvedName> {
  const ref = { id: info.id, accessHash: info.accessHash };
  const availableMinId = info.kind === "megagroup" ? (await account.api.fullChannel(ref)).availableMinId : 0;
  const { accessHash, joined } = info;
  return { subscriptionId: subscription.id, channelId: info.id, accessHash, joined, availableMinId };
}
