import type { TenantTx, Tx, WorkerTx } from "./database.ts";
import { unwritten } from "./unwritten.ts";

/** Message ids from `from` to `to`, both included. */
export interface IdRange {
  readonly from: number;
  readonly to: number;
}

export interface Channel {
  readonly id: bigint;
  readonly username: string | null;
  readonly title: string;
  readonly kind: "broadcast" | "megagroup";
  readonly state: string;
  readonly pts: number | null;
  readonly topMessageId: number;
  readonly covered: readonly IdRange[];
  readonly unverified: readonly IdRange[];
  readonly revision: bigint;
}

export interface ChannelFacts {
  readonly id: bigint;
  readonly username: string | null;
  readonly title: string;
  readonly kind: "broadcast" | "megagroup";
}

/** Adds the channel or brings its name up to date; never touches pts or coverage. */
export async function saveChannel(_tx: Tx, _facts: ChannelFacts): Promise<void> {
  return unwritten();
}
export async function loadChannels(_tx: Tx, _ids: readonly bigint[]): Promise<Channel[]> {
  return unwritten();
}
/** By @username, username, t.me link, or id (also as -100…); null where none is stored. */
export async function findChannel(_tx: Tx, _name: string): Promise<Channel | null> {
  return unwritten();
}
/** Raises the known top; never lowers it. */
export async function raiseTop(_tx: Tx, _id: bigint, _topMessageId: number): Promise<void> {
  return unwritten();
}

/** A channel as one account may address it. */
export interface ChannelAccess {
  readonly channelId: bigint;
  readonly accessHash: bigint;
  readonly state: "ok" | "private" | "invalid" | "not_found" | "banned" | "not_a_channel";
  readonly availableMinId: number;
  readonly joined: boolean;
  readonly recheckAt: Date | null;
}
export async function saveAccess(
  _tx: Tx,
  _access: {
    tenantId: string;
    userId: bigint;
    channelId: bigint;
    accessHash: bigint;
    joined: boolean;
    availableMinId?: number;
  },
): Promise<void> {
  return unwritten();
}
/** This account cannot reach the channel: its state, and when to look again. Other accounts are not touched. */
export async function loseAccess(
  _tx: Tx,
  _lost: { userId: bigint; channelId: bigint; state: ChannelAccess["state"]; recheckAt: Date },
): Promise<void> {
  return unwritten();
}

/** A line of a user's subscriptions, with the channel and the account's access where they are known. */
export interface Subscription {
  readonly id: bigint;
  readonly name: string;
  readonly state: string;
  readonly channelId: bigint | null;
  readonly channel: Channel | null;
  readonly access: ChannelAccess | null;
}
/** Normalises the name; adds the subscription in state pending, or gives back the one that is there. */
export async function subscribe(
  _tx: TenantTx,
  _who: { tenantId: string; userId: bigint; name: string },
): Promise<{ added: boolean; name: string }> {
  return unwritten();
}
export async function unsubscribe(_tx: TenantTx, _who: { userId: bigint; name: string }): Promise<boolean> {
  return unwritten();
}
export async function subscriptionsOf(_tx: Tx, _userId: bigint): Promise<Subscription[]> {
  return unwritten();
}
/** The name is resolved: to a channel (active), or to a state that says why not. Two names of one channel become one. */
export async function settleSubscription(
  _tx: Tx,
  _settled: { id: bigint; userId: bigint; channelId: bigint | null; state: string },
): Promise<void> {
  return unwritten();
}

/** One line of `channels list`. */
export interface ChannelSummary extends Channel {
  readonly subscribers: number;
  readonly messages: number;
  readonly deleted: number;
  readonly missing: number;
}
export async function listChannels(_tx: TenantTx): Promise<ChannelSummary[]> {
  return unwritten();
}

/** Claims the reading of a channel for `ms`; renewed by its own token. False where another reader has it. */
export async function claimChannel(
  _tx: WorkerTx,
  _claim: { channelId: bigint; token: string; ms: number },
): Promise<boolean> {
  return unwritten();
}
export async function releaseChannel(_tx: WorkerTx, _claim: { channelId: bigint; token: string }): Promise<void> {
  return unwritten();
}
