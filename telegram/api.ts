import type { ChannelMessage } from "../db/message.ts";

/** A channel as one account may address it. The hash belongs to that account and no other (core.telegram.org/api/access-hash). */
export interface ChannelRef {
  readonly id: bigint;
  readonly accessHash: bigint;
}

export interface Me {
  readonly id: bigint;
  readonly firstName: string | null;
  readonly username: string | null;
  readonly phone: string | null;
  readonly isBot: boolean;
}

export interface ChannelInfo extends ChannelRef {
  readonly title: string;
  readonly username: string | null;
  readonly kind: "broadcast" | "megagroup";
  /** Whether this account has joined. */
  readonly joined: boolean;
}

/** One channel's line in `messages.getPeerDialogs`. `pts` is null where the dialog carries none. */
export interface DialogState {
  readonly channelId: bigint;
  readonly pts: number | null;
  readonly topMessageId: number;
  /** As this dialog's `chats` name it now. */
  readonly info: ChannelInfo;
}

export interface FullChannel {
  readonly info: ChannelInfo;
  readonly pts: number;
  readonly participants: number | null;
  /** The lowest message id this account may see (`available_min_id`), 0 where it may see all. */
  readonly availableMinId: number;
  /** The basic group that it was before (`migrated_from_chat_id`). */
  readonly migratedFrom: bigint | null;
}

/** A basic group, which is no channel, and may have become one. */
export interface BasicGroup {
  readonly id: bigint;
  readonly title: string;
  /** The supergroup that it has become (core.telegram.org/api/channel#migration). */
  readonly migratedTo: ChannelRef | null;
}

export interface HistoryPage {
  /** Newest first, as Telegram gives them; empty ones (deleted) are left out. */
  readonly messages: readonly ChannelMessage[];
  /** What could not be read: unknown constructors and the like. One bad message never stops a channel. */
  readonly skipped: readonly { readonly id: number; readonly reason: string }[];
  /** The channel's pts as the answer says, null where it does not. */
  readonly pts: number | null;
  /** How many messages the channel has in all, as Telegram counts. */
  readonly count: number;
}

export type ChannelDifference =
  | { readonly kind: "empty"; readonly pts: number; readonly final: boolean }
  | {
      readonly kind: "difference";
      readonly pts: number;
      readonly final: boolean;
      readonly newMessages: readonly ChannelMessage[];
      readonly editedMessages: readonly ChannelMessage[];
      readonly deletedIds: readonly number[];
      /** `updatePinnedChannelMessages`. */
      readonly pins: readonly { readonly ids: readonly number[]; readonly pinned: boolean }[];
      /** `updateChannelMessageViews` and `…Forwards`: they carry no pts, and come where Telegram feels like it. */
      readonly counters?: readonly {
        readonly id: number;
        readonly views: number | null;
        readonly forwards: number | null;
      }[];
      readonly skipped: readonly { readonly id: number; readonly reason: string }[];
    }
  | {
      /** Too far behind: take the dialog's pts, and fill the hole by history. */
      readonly kind: "too_long";
      readonly pts: number | null;
      readonly topMessageId: number;
      readonly messages: readonly ChannelMessage[];
    };

/**
 * The few calls that gramfleet makes on an authorised account, in its own types.
 * Every call passes the limiter, the account's wait ledger and the lease's gate, has a deadline, and throws only the
 * errors of `telegram/errors`.
 */
export interface TelegramApi {
  /** `users.getUsers(self)`. */
  getMe(): Promise<Me>;
  /** `contacts.resolveUsername`. Throws PeerGone where there is no such channel. */
  resolveUsername(username: string): Promise<ChannelInfo>;
  /** `messages.getPeerDialogs`, up to 100 channels. One bad peer fails the whole call: the caller bisects. */
  peerDialogs(channels: readonly ChannelRef[]): Promise<readonly DialogState[]>;
  /** `messages.getDialogs`, the channels among the account's first `limit` dialogs. */
  channelDialogs(limit: number): Promise<readonly DialogState[]>;
  /** `channels.getFullChannel`. */
  fullChannel(channel: ChannelRef): Promise<FullChannel>;
  /** `messages.getChats` of one basic group: it needs no hash. Throws PeerGone where the account is not in it. */
  basicGroup(groupId: bigint): Promise<BasicGroup>;
  /** `messages.getHistory`: up to `limit` (100) messages with ids below `offsetId` (0: from the top). */
  history(channel: ChannelRef, page: { readonly offsetId: number; readonly limit: number }): Promise<HistoryPage>;
  /** `updates.getChannelDifference` since `pts`, up to `limit` (10 to 100). One page: the caller goes on until final. */
  channelDifference(
    channel: ChannelRef,
    since: { readonly pts: number; readonly limit: number },
  ): Promise<ChannelDifference>;
  /** `channels.getMessages`, up to 100 ids; `missing` are those that Telegram answers as empty (deleted or never there). */
  messagesById(
    channel: ChannelRef,
    ids: readonly number[],
  ): Promise<HistoryPage & { readonly missing: readonly number[] }>;
  /** `auth.logOut`. */
  logOut(): Promise<void>;
}
