import type { IdRange } from "./channels.ts";
import type { Tx, WorkerTx } from "./database.ts";
import type { ChannelMessage } from "./message.ts";
import { unwritten } from "./unwritten.ts";

/** What a page changed. */
export interface PageResult {
  readonly added: number;
  readonly edited: number;
  readonly deleted: number;
  /** The channel's revision after the page. */
  readonly revision: bigint;
}

/**
 * The channel's pts is not the one that the page was read under: somebody else stored meanwhile. Nothing was written;
 * the page is read again.
 */
export class PageStale extends Error {
  override name = "PageStale";
}

/** A page of `getChannelDifference`: in pts order, wins ties. */
export interface DifferencePage {
  readonly channelId: bigint;
  /** Compare-and-set: stored only where the channel's pts is `from`; it is `to` afterwards. */
  readonly pts: { readonly from: number; readonly to: number };
  readonly messages: readonly ChannelMessage[];
  readonly deletedIds: readonly number[];
  readonly pins: readonly { readonly ids: readonly number[]; readonly pinned: boolean }[];
  /** Accounted for by this page: new ids up to its newest, null where it brought none. */
  readonly covers: IdRange | null;
  readonly topMessageId: number;
  readonly readAt: Date;
}
/** Commits rows, versions, marks, coverage, revision and pts in the caller's transaction, under the channel row's lock. @throws PageStale */
export async function storeDifference(_tx: WorkerTx, _page: DifferencePage): Promise<PageResult> {
  return unwritten();
}

/** A page of history or of messages by id: has no pts, wins only by a later edit date, never over a deletion. */
export interface HistoryRows {
  readonly channelId: bigint;
  /** The channel's stored pts when the call was made (null: none yet). @throws PageStale where it has moved since. */
  readonly ptsAtCall: number | null;
  /** Set by the first read of a channel and after TooLong: the pts read *before* this history was. */
  readonly newPts?: number;
  /** After TooLong: what was covered becomes unverified first. */
  readonly unverifyCovered?: boolean;
  readonly messages: readonly ChannelMessage[];
  /** Ids accounted for: those in here without a message do not exist (any more); rows we have for them are marked deleted. */
  readonly covers: IdRange | null;
  readonly topMessageId?: number;
  readonly readAt: Date;
}
export async function storeHistory(_tx: WorkerTx, _page: HistoryRows): Promise<PageResult> {
  return unwritten();
}

export async function recordSkipped(
  _tx: WorkerTx,
  _channelId: bigint,
  _skipped: readonly { id: number; reason: string }[],
): Promise<void> {
  return unwritten();
}

/** A stored message. */
export interface StoredMessage extends ChannelMessage {
  readonly deletedAt: Date | null;
  readonly statsAt: Date;
  readonly revision: bigint;
}
/** A channel's messages in id order, a batch at a time; deleted ones only with `deleted`. */
export function streamMessages(
  _tx: Tx,
  _channelId: bigint,
  _options?: { deleted?: boolean; batch?: number },
): AsyncIterable<StoredMessage[]> {
  return unwritten();
}
export async function countMessages(
  _tx: Tx,
  _channelId?: bigint,
): Promise<{ messages: number; deleted: number; versions: number }> {
  return unwritten();
}
/** How many messages of a channel are stored from `fromId` up; for a plan's depth. */
export async function countFrom(_tx: Tx, _channelId: bigint, _fromId: number): Promise<number> {
  return unwritten();
}
/** Every stored id of a channel with whether it is deleted and how many older versions it has; for audits. */
export async function auditRows(
  _tx: Tx,
  _channelId: bigint,
): Promise<{ id: number; deleted: boolean; versions: number; text: string; editDate: Date | null }[]> {
  return unwritten();
}
