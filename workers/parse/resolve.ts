import { type Subscription, saveAccess, settleSubscription } from "../../db/channels.ts";
import type { Database, WorkerTx } from "../../db/database.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import type { ChannelInfo } from "../../telegram/api.ts";
import { PeerGone } from "../../telegram/errors.ts";
import { isWait } from "../outcome-of.ts";
import { saveFacts } from "./save-facts.ts";

/** `messages.getDialogs` gives 100 at most. */
const DIALOGS = 100;

interface Resolved {
  readonly subscription: Subscription;
  readonly info: ChannelInfo;
  readonly availableMinId: number;
}

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
  const found: Resolved[] = [];
  for (const subscription of pending) {
    const info = byName.get(subscription.name);
    if (info) found.push({ subscription, info, availableMinId: await lowestVisible(account, info) });
    else unknown.push(subscription);
  }
  if (found.length === 0) return unknown;
  await saveFacts(
    database,
    found.map((each) => each.info),
  );
  await account.commit(async (tx) => {
    for (const each of found) await settle(tx, who, each);
  });
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
    const availableMinId = await lowestVisible(account, info);
    await saveFacts(database, [info]);
    await account.commit((tx) => settle(tx, who, { subscription, info, availableMinId }));
  } catch (error) {
    if (!(error instanceof PeerGone)) throw error;
    await refuse(error.reason);
  }
}

/** Only groups hide what was before somebody joined. */
async function lowestVisible(account: OpenAccount, info: ChannelInfo): Promise<number> {
  if (info.kind !== "megagroup") return 0;
  return (await account.api.fullChannel({ id: info.id, accessHash: info.accessHash })).availableMinId;
}

async function settle(
  tx: WorkerTx,
  who: { readonly tenantId: string; readonly userId: bigint },
  { subscription, info, availableMinId }: Resolved,
): Promise<void> {
  await saveAccess(tx, {
    tenantId: who.tenantId,
    userId: who.userId,
    channelId: info.id,
    accessHash: info.accessHash,
    joined: info.joined,
    availableMinId,
  });
  await settleSubscription(tx, { id: subscription.id, userId: who.userId, channelId: info.id, state: "active" });
}
