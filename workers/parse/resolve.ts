import { type Subscription, settleSubscription } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import { type ResolvedName, saveResolved } from "../../db/resolved.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import type { ChannelInfo } from "../../telegram/api.ts";
import { PeerGone } from "../../telegram/errors.ts";
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

/** Gives those that are not among the account's dialogs. */
async function resolveJoined(
  database: Database,
  account: OpenAccount,
  who: { readonly tenantId: string; readonly userId: bigint },
  pending: readonly Subscription[],
): Promise<Subscription[]> {
  const dialogs = await account.api.channelDialogs(DIALOGS);
  const byName = new Map<string, ChannelInfo>();
  for (const { info } of dialogs) {
    byName.set(info.id.toString(), info);
    if (info.username) byName.set(info.username.toLowerCase(), info);
  }
  const unknown: Subscription[] = [];
  const found: ResolvedName[] = [];
  const infos: ChannelInfo[] = [];
  for (const subscription of pending) {
    const info = byName.get(subscription.name);
    if (info) {
      found.push(await resolvedAs(account, subscription, info));
      infos.push(info);
    } else unknown.push(subscription);
  }
  if (found.length === 0) return unknown;
  await saveFacts(database, infos);
  await account.commit((tx) => saveResolved(tx, who, found));
  return unknown;
}

async function resolveByName(
  database: Database,
  account: OpenAccount,
  who: { readonly tenantId: string; readonly userId: bigint },
  subscription: Subscription,
): Promise<void> {
  const refuse = (state: string) =>
    account.commit((tx) => settleSubscription(tx, { id: subscription.id, userId: who.userId, channelId: null, state }));
  const { name } = subscription;
  // An id alone addresses nothing: only a channel that the account has joined can be found by it.
  if (/^\d+$/.test(name)) return refuse("not_found");
  try {
    const info = await account.api.resolveUsername(name);
    const found = await resolvedAs(account, subscription, info);
    await saveFacts(database, [info]);
    await account.commit((tx) => saveResolved(tx, who, [found]));
  } catch (error) {
    if (!(error instanceof PeerGone)) throw error;
    await refuse(error.reason);
  }
}

/** Only groups hide what was before somebody joined: they are asked how much. */
async function resolvedAs(account: OpenAccount, subscription: Subscription, info: ChannelInfo): Promise<ResolvedName> {
  const ref = { id: info.id, accessHash: info.accessHash };
  const availableMinId = info.kind === "megagroup" ? (await account.api.fullChannel(ref)).availableMinId : 0;
  const { accessHash, joined } = info;
  return { subscriptionId: subscription.id, channelId: info.id, accessHash, joined, availableMinId };
}
