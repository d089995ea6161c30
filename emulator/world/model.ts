/**
 * What is on the emulated Telegram, in Telegram's own words (layer 198 of the TL schema). Offsets count UTF-16 units,
 * dates are Unix seconds, 64-bit numbers are bigint.
 */
export interface WorldUser {
  readonly id: bigint;
  readonly phone: string;
  readonly firstName: string;
  readonly username: string | null;
  readonly dcId: number;
  readonly premium: boolean;
  /** Two-step password in clear, null where there is none (emulated people only). */
  readonly password: string | null;
  /** Channels that this user has joined. */
  readonly joined: Set<bigint>;
}

export interface WorldChannel {
  readonly id: bigint;
  title: string;
  username: string | null;
  readonly megagroup: boolean;
  readonly date: number;
  /** A channel without a public username: only members reach it. */
  isPrivate: boolean;
  /** Deleted by its owner: out of everybody's reach, and its username is free again. What was in it stays here. */
  isDeleted: boolean;
  /** Users who were removed from it, and reach it no more, public or not. */
  readonly banned: Set<bigint>;
  /** The basic group that it was before. */
  migratedFrom: bigint | null;
  /** Loaded from an export, to stay as exported: traffic leaves it alone. */
  readonly exported: boolean;
  participants: number;
  /** Starts at 1 and counts every event of the channel. */
  pts: number;
  /** Ids ever given out; the next message has this + 1. */
  topId: number;
  /** Living messages by id, in id order of insertion. */
  readonly messages: Map<number, WorldMessage>;
  /** Ids that once had a message and have none now. */
  readonly deleted: Set<number>;
  /** What `updates.getChannelDifference` is made from: one entry a pts step, oldest first; trimmed at the front makes TooLong. */
  readonly events: ChannelEvent[];
  /** How many times each message was edited, for audits. */
  readonly edits: Map<number, number>;
  /** Users who cannot see below this id (`available_min_id`). */
  readonly availableMinId: Map<bigint, number>;
}

/** A basic group. Nothing is written in it here: it is there to become a supergroup. */
export interface WorldGroup {
  readonly id: bigint;
  readonly title: string;
  readonly date: number;
  readonly members: Set<bigint>;
  /** Users who were members once. */
  readonly removed: Set<bigint>;
  /** The supergroup that it has become. */
  migratedTo: bigint | null;
}

export type ChannelEvent =
  | { readonly kind: "new"; readonly pts: number; readonly ptsCount: number; readonly messageId: number }
  | { readonly kind: "edit"; readonly pts: number; readonly ptsCount: number; readonly messageId: number }
  | { readonly kind: "delete"; readonly pts: number; readonly ptsCount: number; readonly messageIds: readonly number[] }
  | {
      readonly kind: "pin";
      readonly pts: number;
      readonly ptsCount: number;
      readonly messageIds: readonly number[];
      readonly pinned: boolean;
    };

export interface WorldPeer {
  readonly type: "user" | "chat" | "channel";
  readonly id: bigint;
}

export interface WorldMessage {
  readonly id: number;
  readonly date: number;
  readonly editDate: number | null;
  readonly editHide: boolean;
  readonly message: string;
  readonly entities: readonly WorldEntity[];
  readonly media: WorldMedia | null;
  readonly groupedId: bigint | null;
  readonly fwdFrom: {
    readonly date: number;
    readonly fromId: WorldPeer | null;
    readonly fromName: string | null;
    readonly channelPost: number | null;
    readonly postAuthor: string | null;
  } | null;
  readonly replyTo: {
    /** Null for a reply to what has no id for others: a story. */
    readonly msgId: number | null;
    readonly peer: WorldPeer | null;
    readonly topId: number | null;
    readonly quoteText: string | null;
    readonly quoteOffset: number | null;
  } | null;
  readonly fromId: WorldPeer | null;
  readonly postAuthor: string | null;
  readonly viaBotId: bigint | null;
  readonly pinned: boolean;
  readonly silent: boolean;
  readonly noforwards: boolean;
  readonly views: number | null;
  readonly forwards: number | null;
  readonly replies: number | null;
  readonly reactions:
    | readonly { readonly kind: "emoji" | "custom_emoji" | "paid"; readonly value: string; readonly count: number }[]
    | null;
  /** Set for a service message: `message`, `entities` and `media` are then empty. */
  readonly action: WorldAction | null;
}

/** `type` is the TL constructor, `messageEntityBold` for example. */
export interface WorldEntity {
  readonly type: string;
  readonly offset: number;
  readonly length: number;
  readonly url?: string;
  readonly language?: string;
  readonly userId?: bigint;
  readonly documentId?: bigint;
  readonly collapsed?: boolean;
}

export type WorldMedia =
  | {
      readonly kind: "photo";
      readonly id: bigint;
      readonly width: number;
      readonly height: number;
      readonly size: number;
      readonly spoiler: boolean;
    }
  | {
      readonly kind: "document";
      readonly as: "file" | "video" | "round_video" | "animation" | "audio" | "voice" | "sticker";
      readonly id: bigint;
      readonly size: number;
      readonly mime: string;
      readonly fileName: string | null;
      readonly width: number | null;
      readonly height: number | null;
      readonly duration: number | null;
      readonly title: string | null;
      readonly performer: string | null;
      readonly stickerEmoji: string | null;
      readonly thumbnailSize: number | null;
      readonly spoiler: boolean;
    }
  | {
      readonly kind: "poll";
      readonly id: bigint;
      readonly question: string;
      readonly answers: readonly { readonly text: string; readonly voters: number; readonly chosen: boolean }[];
      readonly closed: boolean;
      readonly multiple: boolean;
      readonly quiz: boolean;
      readonly publicVoters: boolean;
      readonly totalVoters: number;
    }
  | {
      readonly kind: "web_page";
      /** Null: `webPageEmpty`. */
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
  /** What Telegram sends for media that the layer of a connection does not have. */
  | { readonly kind: "unsupported" };

export type WorldAction =
  | { readonly type: "channel_create"; readonly title: string }
  | { readonly type: "chat_edit_title"; readonly title: string }
  | {
      readonly type: "chat_edit_photo";
      readonly photo: { readonly id: bigint; readonly width: number; readonly height: number; readonly size: number };
    }
  | { readonly type: "chat_delete_photo" }
  /** The pinned message stands in `replyTo`. */
  | { readonly type: "pin_message" }
  | { readonly type: "chat_migrate_from"; readonly title: string; readonly chatId: bigint }
  /** An action that the emulator has no words for. */
  | { readonly type: "empty" };

/** The living world. Every change goes through it, gets its pts, and is journalled where there is a journal. */
export interface World {
  readonly users: ReadonlyMap<bigint, WorldUser>;
  readonly channels: ReadonlyMap<bigint, WorldChannel>;
  readonly groups: ReadonlyMap<bigint, WorldGroup>;
  addUser(user: Omit<WorldUser, "joined">): WorldUser;
  addChannel(
    channel: Pick<WorldChannel, "id" | "title" | "username" | "megagroup" | "date" | "isPrivate"> & {
      readonly exported?: boolean;
    },
  ): WorldChannel;
  join(userId: bigint, channelId: bigint): void;
  leave(userId: bigint, channelId: bigint): void;
  /** Posts with the channel's next id (or `id` where content is loaded as exported), and one pts. */
  post(channelId: bigint, message: Omit<WorldMessage, "id"> & { readonly id?: number }): WorldMessage;
  /** Replaces parts of a message; `editDate` is the caller's. */
  edit(channelId: bigint, messageId: number, change: Partial<Omit<WorldMessage, "id">>): WorldMessage;
  /** Deletes; ids without a message are ignored. pts grows by the number deleted. */
  remove(channelId: bigint, messageIds: readonly number[]): void;
  pin(channelId: bigint, messageIds: readonly number[], pinned: boolean): void;
  /** Another username, which nobody has; null takes it away, and makes the channel private. */
  setUsername(channelId: bigint, username: string | null): void;
  /** Removes the user for good, member or not. */
  ban(userId: bigint, channelId: bigint): void;
  /** Lets the user in again, to a private channel as a member. */
  unban(userId: bigint, channelId: bigint): void;
  deleteChannel(channelId: bigint): void;
  addGroup(group: Pick<WorldGroup, "id" | "title" | "date">): WorldGroup;
  joinGroup(userId: bigint, groupId: bigint): void;
  leaveGroup(userId: bigint, groupId: bigint): void;
  /** Points the group at the supergroup that it has become, which exists: `migrateGroup` does the whole. */
  pointGroup(groupId: bigint, channelId: bigint): void;
  userByPhone(phone: string): WorldUser | undefined;
  channelByUsername(username: string): WorldChannel | undefined;
  /** Calls `listener` after every change, synchronously. Gives the function that ends it. */
  onChange(listener: (change: WorldChange) => void): () => void;
}

/** One change that has happened. `pts` is the channel's afterwards. */
export type WorldChange =
  | { readonly kind: "user"; readonly user: Omit<WorldUser, "joined"> }
  | {
      readonly kind: "channel";
      readonly channel: Pick<
        WorldChannel,
        "id" | "title" | "username" | "megagroup" | "date" | "isPrivate" | "exported"
      >;
    }
  | { readonly kind: "join" | "leave" | "ban" | "unban"; readonly userId: bigint; readonly channelId: bigint }
  | { readonly kind: "username"; readonly channelId: bigint; readonly username: string | null }
  | { readonly kind: "delete_channel"; readonly channelId: bigint }
  | { readonly kind: "group"; readonly group: Pick<WorldGroup, "id" | "title" | "date"> }
  | { readonly kind: "join_group" | "leave_group"; readonly userId: bigint; readonly groupId: bigint }
  | { readonly kind: "migrate"; readonly groupId: bigint; readonly channelId: bigint }
  | {
      readonly kind: "post" | "edit";
      readonly channelId: bigint;
      readonly pts: number;
      readonly message: WorldMessage;
    }
  | {
      readonly kind: "delete";
      readonly channelId: bigint;
      readonly pts: number;
      readonly messageIds: readonly number[];
    }
  | {
      readonly kind: "pin";
      readonly channelId: bigint;
      readonly pts: number;
      readonly messageIds: readonly number[];
      readonly pinned: boolean;
    };
