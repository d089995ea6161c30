/**
 * A post as gramfleet stores it: what Telegram's `message` and `messageService` say, in plain values.
 * In the parts kept as JSON, 64-bit numbers are decimal strings; offsets and lengths count UTF-16 units, as Telegram's do.
 */
export interface ChannelMessage {
  readonly channelId: bigint;
  readonly id: number;
  readonly kind: "message" | "service";
  readonly date: Date;
  /** Null where never edited. One second of resolution. */
  readonly editDate: Date | null;
  /** Telegram asks clients not to show this edit (reactions, markup). */
  readonly editHidden: boolean;
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  readonly media: MessageMedia | null;
  /** The album it belongs to. */
  readonly groupedId: bigint | null;
  readonly forward: MessageForward | null;
  readonly reply: MessageReply | null;
  /** Who it is from, where that is not the channel itself. */
  readonly from: PeerRef | null;
  /** The signature (`post_author`). */
  readonly author: string | null;
  readonly viaBotId: bigint | null;
  readonly pinned: boolean;
  readonly silent: boolean;
  readonly noForwards: boolean;
  readonly service: ServiceAction | null;
  /** As of the moment of reading; they change without a pts. */
  readonly stats: MessageStats;
}

export interface MessageStats {
  readonly views: number | null;
  readonly forwards: number | null;
  readonly replies: number | null;
  readonly reactions: readonly Reaction[] | null;
  /** Votes of a poll; the question itself is media. */
  readonly pollResults: PollResults | null;
}

export interface PeerRef {
  readonly type: "user" | "chat" | "channel";
  readonly id: string;
}

/** `type` is Telegram's constructor without `messageEntity`, in snake case: bold, text_url, custom_emoji, … */
export interface MessageEntity {
  readonly type: string;
  readonly offset: number;
  readonly length: number;
  readonly url?: string;
  readonly language?: string;
  readonly userId?: string;
  readonly documentId?: string;
  readonly collapsed?: boolean;
}

export interface MessageForward {
  readonly date: string;
  readonly from: PeerRef | null;
  readonly fromName: string | null;
  /** The post's id in the channel it was forwarded from. */
  readonly channelPost: number | null;
  readonly author: string | null;
}

export interface MessageReply {
  readonly messageId: number | null;
  /** Set where the post replied to is in another chat. */
  readonly peer: PeerRef | null;
  readonly topId: number | null;
  readonly quote: string | null;
  readonly quoteOffset: number | null;
}

export interface Reaction {
  /** An emoji, the decimal document id of a custom one, or "paid". */
  readonly kind: "emoji" | "custom_emoji" | "paid";
  readonly value: string;
  readonly count: number;
}

export interface PollResults {
  readonly totalVoters: number | null;
  /** In the order of the poll's answers; chosen by the reading account is not kept: it is not the same for all. */
  readonly voters: readonly (number | null)[];
}

/** Enough to show, to search and to fetch the file later; a file reference is only good with its own account. */
export type MessageMedia =
  | {
      readonly kind: "photo";
      readonly id: string;
      readonly dcId: number;
      readonly size: number;
      readonly width: number;
      readonly height: number;
      readonly spoiler: boolean;
    }
  | {
      readonly kind: "document";
      /** What Telegram's attributes make of it. */
      readonly as: "file" | "video" | "round_video" | "animation" | "audio" | "voice" | "sticker";
      readonly id: string;
      readonly dcId: number;
      readonly size: number;
      readonly mime: string;
      readonly fileName: string | null;
      readonly width: number | null;
      readonly height: number | null;
      readonly durationSeconds: number | null;
      readonly title: string | null;
      readonly performer: string | null;
      readonly stickerEmoji: string | null;
      /** Bytes of the largest thumbnail, null where there is none. */
      readonly thumbnailSize: number | null;
      readonly spoiler: boolean;
    }
  | {
      readonly kind: "poll";
      readonly id: string;
      readonly question: string;
      readonly answers: readonly string[];
      readonly closed: boolean;
      readonly multiple: boolean;
      readonly quiz: boolean;
      readonly publicVoters: boolean;
    }
  | {
      readonly kind: "web_page";
      readonly url: string | null;
      readonly title: string | null;
      readonly description: string | null;
      readonly siteName: string | null;
    }
  | {
      readonly kind: "geo";
      readonly latitude: number;
      readonly longitude: number;
      readonly title: string | null;
      readonly address: string | null;
    }
  | { readonly kind: "contact"; readonly phone: string; readonly firstName: string; readonly lastName: string }
  | { readonly kind: "dice"; readonly emoji: string; readonly value: number }
  /** Known to Telegram, not to us: its constructor's name is kept, and reported. */
  | { readonly kind: "other"; readonly constructorName: string };

/** A service message's action: `type` in the words of Telegram's constructor, snake case, without `messageAction`. */
export interface ServiceAction {
  readonly type: string;
  readonly title?: string;
  /** The message that was pinned. */
  readonly messageId?: number;
  readonly photo?: { readonly id: string; readonly size: number; readonly width: number; readonly height: number };
  readonly channelId?: string;
  readonly text?: string;
}
