import { holdChannels, type Subscription, saveMigration, settleSubscription } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import { type ResolvedName, saveResolved } from "../../db/resolved.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import type { ChannelInfo } from "../../telegram/api.ts";
import { PeerGone, RpcRefused } from "../../telegram/errors.ts";
import { isWait } from "../outcome-of.ts";
import { LONGEST_NAME_REST_MS, lookAgainAt } from "./look-again.ts";
import { saveFacts } from "./save-facts.ts";

/** `messages.getDialogs` gives 100 at most. */
const DIALOGS = 100;

type Who = { readonly tenantId: string; readonly userId: bigint };

export interface ResolveDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly limits: { readonly peerRecheckMs: number };
}

/**
 * Finds the channels of subscriptions that have none yet, as this account addresses them: those it has joined with one
 * call, the others by username, one call each, or as the basic group that they were. Telegram's patience with names is
 * short (about 30 a minute, then hours): at the first wait the rest is left for the next parse, and a name that nobody
 * has is looked up again ever more rarely. Each result is committed as it comes.
 */
export async function resolvePending(
  deps: ResolveDependencies,
  account: OpenAccount,
  who: Who,
  pending: readonly Subscription[],
): Promise<void> {
  if (pending.length === 0) return;
  try {
    const unknown = await resolveJoined(deps, account, who, pending);
    for (const subscription of unknown) await resolveOne(deps, account, who, subscription);
  } catch (error) {
    if (!isWait(error)) throw error;
  }
}

/** Gives those that are still to be found by their names. */
async function resolveJoined(
  deps: ResolveDependencies,
  account: OpenAccount,
  who: Who,
  pending: readonly Subscription[],
): Promise<Subscription[]> {
  const byName = await joinedByName(account);
  // An id alone addresses no channel: only one that the account has joined can be found by it.
  if (byName === null) return pending.filter((subscription) => !isId(subscription.name));
  const unknown: Subscription[] = [];
  const found: FoundName[] = [];
  try {
    for (const subscription of pending) {
      const info = byName.get(subscription.name);
      if (!info) {
        unknown.push(subscription);
        continue;
      }
      try {
        found.push(await foundAs(account, subscription, info));
      } catch (error) {
        if (!concernsOneName(error)) throw error;
        await refuse(deps, account, who, subscription, stateOf(error));
      }
    }
  } finally {
    // Whatever stopped it: what was found would be asked for again, and stopped again, for ever.
    await save(deps, account, who, found);
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

async function resolveOne(
  deps: ResolveDependencies,
  account: OpenAccount,
  who: Who,
  subscription: Subscription,
): Promise<void> {
  try {
    const { name } = subscription;
    const info = isId(name) ? await becomeOf(account, BigInt(name)) : await account.api.resolveUsername(name);
    if (info) await save(deps, account, who, [await foundAs(account, subscription, info)]);
    else await refuse(deps, account, who, subscription, "basic_group");
  } catch (error) {
    if (!concernsOneName(error)) throw error;
    const state = stateOf(error);
    // An id that is no group's that the account was ever in.
    await refuse(
      deps,
      account,
      who,
      subscription,
      isId(subscription.name) && state === "invalid" ? "not_found" : state,
    );
  }
}

/** The supergroup that a basic group has become; null where it is one still. @throws PeerGone where it is none */
async function becomeOf(account: OpenAccount, groupId: bigint): Promise<ChannelInfo | null> {
  const { migratedTo } = await account.api.basicGroup(groupId);
  return migratedTo && (await account.api.fullChannel(migratedTo)).info;
}

const isId = (name: string) => /^\d+$/.test(name);

/** No retry helps, and the user's other channels are none the worse for it. */
const concernsOneName = (error: unknown): error is PeerGone | RpcRefused =>
  error instanceof PeerGone || error instanceof RpcRefused;

const stateOf = (error: PeerGone | RpcRefused) => (error instanceof PeerGone ? error.reason : "invalid");

/** There is no channel of this name for now; an id costs nothing dear, and is looked up without ever longer rests. */
async function refuse(
  deps: ResolveDependencies,
  account: OpenAccount,
  who: Who,
  { id, name, state: before, stateSince }: Subscription,
  state: string,
): Promise<void> {
  const now = deps.clock.now();
  const restMs = deps.limits.peerRecheckMs;
  const since = state === before ? stateSince : new Date(now);
  const lookAt = lookAgainAt(since, now, { restMs, longestMs: isId(name) ? restMs : LONGEST_NAME_REST_MS });
  await account.commit((tx) => settleSubscription(tx, { id, userId: who.userId, channelId: null, state, lookAt }));
}

interface FoundName {
  readonly resolved: ResolvedName;
  readonly info: ChannelInfo;
  readonly migratedFrom: bigint | null;
}

/** Only groups hide what was before somebody joined, or were something else before: they are asked. */
async function foundAs(account: OpenAccount, subscription: Subscription, info: ChannelInfo): Promise<FoundName> {
  const { id: channelId, accessHash, joined } = info;
  const group = info.kind === "megagroup" ? await account.api.fullChannel({ id: channelId, accessHash }) : null;
  const availableMinId = group?.availableMinId ?? 0;
  const resolved = { subscriptionId: subscription.id, channelId, accessHash, joined, availableMinId };
  return { resolved, info, migratedFrom: group?.migratedFrom ?? null };
}

async function save(
  { database }: ResolveDependencies,
  account: OpenAccount,
  who: Who,
  found: readonly FoundName[],
): Promise<void> {
  if (found.length === 0) return;
  await saveFacts(
    database,
    found.map(({ info }) => info),
  );
  await account.commit(async (tx) => {
    // Nobody may follow them yet: one that is private is forgotten at once.
    await holdChannels(
      tx,
      found.map(({ info }) => info),
    );
    for (const { info, migratedFrom } of found)
      if (migratedFrom !== null) await saveMigration(tx, info.id, migratedFrom);
    await saveResolved(
      tx,
      who,
      found.map(({ resolved }) => resolved),
    );
  });
}
