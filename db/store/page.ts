import type { ChannelMessage } from "../message.ts";
import type { IdRange } from "../ranges.ts";

/** What a page changed. */
export interface PageResult {
  /** Rows that were not there before. */
  readonly added: number;
  /** Bytes of those rows, as they went to PostgreSQL. */
  readonly bytes: number;
  /** Rows whose text, entities, media or edit date changed. Views, reactions and pins alone do not count. */
  readonly edited: number;
  /** Marks newly set, those of messages that were never stored included. */
  readonly deleted: number;
  /** The channel's revision after the page: raised by a page that changes anything but statistics. */
  readonly revision: bigint;
}

/**
 * The channel's pts is not the one that the page was read under: somebody else stored meanwhile. Nothing was written;
 * the page is read again.
 */
export class PageStale extends Error {
  override name = "PageStale";
}

/** Counters of one message as an update tells them; null where it does not say. */
export interface CounterUpdate {
  readonly id: number;
  readonly views: number | null;
  readonly forwards: number | null;
}

/** A page of `getChannelDifference`: in pts order, wins ties. */
export interface DifferencePage {
  readonly channelId: bigint;
  /**
   * Compare-and-set: stored only where the channel's pts is `from`; it is `to` afterwards. Both the same: it stays, for
   * another account to tell what this one could not see.
   */
  readonly pts: { readonly from: number; readonly to: number };
  /** In the order in which Telegram gives them: of two with one id the later one counts, the earlier one is its older text. */
  readonly messages: readonly ChannelMessage[];
  readonly deletedIds: readonly number[];
  readonly pins: readonly { readonly ids: readonly number[]; readonly pinned: boolean }[];
  /** Statistics: they make no version and raise no revision. */
  readonly counters?: readonly CounterUpdate[];
  /** Accounted for by this page: new ids up to its newest, null where it brought none. */
  readonly covers: IdRange | null;
  /** Ids of whose edits the page could not tell: what of them is covered becomes unverified. */
  readonly unverifies?: IdRange | null;
  readonly topMessageId: number;
  readonly readAt: Date;
}

/**
 * A page of history or of messages by id: has no pts, wins by a later edit date, or by the same one where it was read
 * later than the row; never over a deletion.
 */
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
  /** Ids in `covers` that exist but could not be read: no mark is set on them. */
  readonly skippedIds?: readonly number[];
  readonly topMessageId?: number;
  readonly readAt: Date;
}
