/** What is known of a channel as a whole, as far as one tenant's users have seen it. */
export interface ChannelLifeFacts {
  readonly channelId: bigint;
  readonly title: string;
  readonly username: string | null;
  readonly formerTitle: string | null;
  readonly titleSince: Date;
  /** Since when it is seen with its username; null where it has none, or has had it from the beginning. */
  readonly usernameSince: Date | null;
  /** The username that was taken from it last. */
  readonly formerUsername: { readonly name: string; readonly until: Date } | null;
  /** The basic group that it was, and when it became this, or when that was noticed. */
  readonly migratedFrom: { readonly id: bigint; readonly at: Date } | null;
  /** Accounts that follow it and have reached it once. */
  readonly accounts: number;
  /** Of those, how many reach it no more; since the first of them, since the last of them. */
  readonly lost: number;
  readonly lostSince: Date | null;
  readonly allLostSince: Date | null;
  /** How many are told that there is no such channel, though they have addressed it before. */
  readonly unknown: number;
  /** Messages that could not be read, and have no row. */
  readonly skipped: number;
}

/** Whether anybody here reaches a channel. */
export type ChannelState = "active" | "partly_lost" | "out_of_reach" | "deleted";

/** What happened to a channel or to a subscription, and since when it is so. */
export type LifeEvent =
  | { readonly kind: "renamed"; readonly since: Date; readonly from: string }
  | { readonly kind: "username_changed"; readonly since: Date; readonly from: string | null; readonly to: string }
  | { readonly kind: "made_private"; readonly since: Date; readonly from: string }
  | { readonly kind: "migrated"; readonly since: Date; readonly fromGroup: bigint }
  | { readonly kind: "partly_lost"; readonly since: Date; readonly lost: number; readonly accounts: number }
  | { readonly kind: "out_of_reach" | "deleted"; readonly since: Date }
  /** What this one account has lost, and others here have not. */
  | {
      readonly kind: "access_lost";
      readonly since: Date;
      readonly reason: string;
      readonly lookAgainAt: Date | null;
      readonly othersRead: boolean;
    }
  /** The name that it was added with is not its name any more; it is followed all the same. */
  | {
      readonly kind: "name_lost";
      readonly since: Date;
      readonly name: string;
      readonly holder: { readonly id: bigint; readonly title: string } | null;
    }
  /** No channel was found for the name, and why. */
  | { readonly kind: "not_resolved"; readonly since: Date; readonly reason: string; readonly lookAgainAt: Date | null };

/**
 * Deleted is what Telegram says of a channel that it gave us itself before and knows no more. To those who were in it,
 * it says the same of a deleted channel as of one that they were removed from: that is out of reach.
 */
export function channelState({ accounts, lost, unknown }: ChannelLifeFacts): ChannelState {
  if (lost === 0) return "active";
  if (lost < accounts) return "partly_lost";
  return unknown > 0 ? "deleted" : "out_of_reach";
}

/** What has happened to the channel as a whole, the gravest first. */
export function channelLife(facts: ChannelLifeFacts): LifeEvent[] {
  const { username, formerUsername, lostSince, allLostSince, migratedFrom } = facts;
  const events: LifeEvent[] = [];
  const state = channelState(facts);
  if (state === "partly_lost" && lostSince)
    events.push({ kind: "partly_lost", since: lostSince, lost: facts.lost, accounts: facts.accounts });
  if ((state === "out_of_reach" || state === "deleted") && allLostSince)
    events.push({ kind: state, since: allLostSince });
  if (username === null && formerUsername)
    events.push({ kind: "made_private", since: formerUsername.until, from: formerUsername.name });
  if (username !== null && facts.usernameSince)
    events.push({
      kind: "username_changed",
      since: facts.usernameSince,
      from: formerUsername?.name ?? null,
      to: username,
    });
  if (facts.formerTitle !== null) events.push({ kind: "renamed", since: facts.titleSince, from: facts.formerTitle });
  if (migratedFrom) events.push({ kind: "migrated", since: migratedFrom.at, fromGroup: migratedFrom.id });
  return events;
}

/** What a subscription is, beside what its channel is. */
export interface SubscriptionLifeFacts {
  readonly state: string;
  readonly stateSince: Date;
  readonly lookAt: Date | null;
  readonly channelId: bigint | null;
  readonly access: { readonly state: string; readonly since: Date; readonly recheckAt: Date | null } | null;
  readonly lostName: { readonly name: string; readonly since: Date; readonly holder: NameHolder } | null;
}

type NameHolder = { readonly id: bigint; readonly title: string } | null;

/** What one user is to be told of a subscription; `channel` is null where none was found. */
export function subscriptionLife(facts: SubscriptionLifeFacts, channel: ChannelLifeFacts | null): LifeEvent[] {
  if (!channel) {
    const { state: reason, stateSince: since, lookAt: lookAgainAt } = facts;
    return [{ kind: "not_resolved", since, reason, lookAgainAt }];
  }
  const events: LifeEvent[] = [];
  const { access, lostName } = facts;
  if (access && access.state !== "ok") {
    const { state: reason, since, recheckAt: lookAgainAt } = access;
    events.push({ kind: "access_lost", since, reason, lookAgainAt, othersRead: channel.lost < channel.accounts });
  }
  if (lostName) events.push({ kind: "name_lost", ...lostName });
  // Of others' access no more than that they have it.
  return [...events, ...channelLife(channel).filter(({ kind }) => kind !== "partly_lost")];
}
