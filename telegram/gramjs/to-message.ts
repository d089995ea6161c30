import type { Api } from "telegram/tl/api.js";
import type {
  ChannelMessage,
  MessageEntity,
  MessageForward,
  MessageReply,
  MessageStats,
  PeerRef,
  PollResults,
  Reaction,
} from "../../db/message.ts";
import { fromLong, snakeCased, toPeerRef } from "./ids.ts";
import { toMedia } from "./to-media.ts";
import { toServiceAction } from "./to-service.ts";

export interface MappedPage {
  readonly messages: readonly ChannelMessage[];
  /** Ids that Telegram answers as empty: deleted, or never there. */
  readonly empty: readonly number[];
  readonly skipped: readonly { readonly id: number; readonly reason: string }[];
}

/** Maps a page's messages, in their order. One that cannot be mapped is skipped with its reason, and stops nothing. */
export function toMessages(channelId: bigint, page: readonly Api.TypeMessage[]): MappedPage {
  const messages: ChannelMessage[] = [];
  const empty: number[] = [];
  const skipped: { id: number; reason: string }[] = [];
  for (const message of page) {
    if (message.className === "MessageEmpty") {
      empty.push(message.id);
      continue;
    }
    try {
      messages.push(toMessage(channelId, message));
    } catch (error) {
      skipped.push({ id: message.id, reason: error instanceof Error ? error.message : "unreadable" });
    }
  }
  return { messages, empty, skipped };
}

/** @throws where the message is not this channel's, or a part of it is not what the TL schema says */
export function toMessage(channelId: bigint, message: Api.Message | Api.MessageService): ChannelMessage {
  const peer = message.peerId ? toPeerRef(message.peerId) : null;
  if (peer && (peer.type !== "channel" || peer.id !== channelId.toString())) {
    throw new Error(`it belongs to ${peer.type} ${peer.id}`);
  }
  const plain = message.className === "Message";
  const media = plain && message.media ? message.media : null;
  return {
    channelId,
    id: message.id,
    kind: plain ? "message" : "service",
    date: fromSeconds(message.date),
    editDate: message.editDate ? fromSeconds(message.editDate) : null,
    editHidden: Boolean(message.editHide),
    text: plain ? (message.message ?? "") : "",
    entities: plain ? (message.entities ?? []).map(toEntity) : [],
    media: media ? toMedia(media) : null,
    groupedId: message.groupedId ? fromLong(message.groupedId) : null,
    forward: message.fwdFrom ? toForward(message.fwdFrom) : null,
    reply: message.replyTo ? toReply(message.replyTo) : null,
    from: message.fromId ? fromOf(channelId, message.fromId) : null,
    author: message.postAuthor ?? null,
    viaBotId: message.viaBotId ? fromLong(message.viaBotId) : null,
    pinned: Boolean(message.pinned),
    silent: Boolean(message.silent),
    noForwards: Boolean(message.noforwards),
    service: !plain && message.action ? toServiceAction(message.action, message.replyTo ?? null) : null,
    stats: toStats(message, media),
  };
}

function toStats(message: Api.Message | Api.MessageService, media: Api.TypeMessageMedia | null): MessageStats {
  return {
    views: message.views ?? null,
    forwards: message.forwards ?? null,
    replies: message.replies?.replies ?? null,
    reactions: message.reactions ? message.reactions.results.flatMap(toReaction) : null,
    pollResults: media?.className === "MessageMediaPoll" ? toPollResults(media) : null,
  };
}

function toReaction({ reaction, count }: Api.ReactionCount): Reaction[] {
  switch (reaction.className) {
    case "ReactionEmoji":
      return [{ kind: "emoji", value: reaction.emoticon, count }];
    case "ReactionCustomEmoji":
      return [{ kind: "custom_emoji", value: reaction.documentId.toString(), count }];
    case "ReactionPaid":
      return [{ kind: "paid", value: "paid", count }];
    default:
      return [];
  }
}

/** Voters are told by their answers' option bytes; answers that nobody counts for us are null. */
function toPollResults({ poll, results }: Api.MessageMediaPoll): PollResults {
  const byOption = new Map(results.results?.map((one) => [one.option.toString("hex"), one.voters]));
  return {
    totalVoters: results.totalVoters ?? null,
    voters: poll.answers.map((answer) => byOption.get(answer.option.toString("hex")) ?? null),
  };
}

function toEntity(entity: Api.TypeMessageEntity): MessageEntity {
  return {
    type: snakeCased(entity.className, "MessageEntity"),
    offset: entity.offset,
    length: entity.length,
    ...extrasOf(entity),
  };
}

function extrasOf(entity: Api.TypeMessageEntity): Partial<MessageEntity> {
  switch (entity.className) {
    case "MessageEntityTextUrl":
      return { url: entity.url };
    case "MessageEntityPre":
      return { language: entity.language };
    case "MessageEntityMentionName":
      return { userId: entity.userId.toString() };
    case "MessageEntityCustomEmoji":
      return { documentId: entity.documentId.toString() };
    case "MessageEntityBlockquote":
      return entity.collapsed ? { collapsed: true } : {};
    default:
      return {};
  }
}

function toForward(header: Api.TypeMessageFwdHeader): MessageForward {
  return {
    date: fromSeconds(header.date).toISOString(),
    from: header.fromId ? toPeerRef(header.fromId) : null,
    fromName: header.fromName ?? null,
    channelPost: header.channelPost ?? null,
    author: header.postAuthor ?? null,
  };
}

function toReply(header: Api.TypeMessageReplyHeader): MessageReply {
  if (header.className === "MessageReplyStoryHeader") {
    return { messageId: null, peer: toPeerRef(header.peer), topId: null, quote: null, quoteOffset: null };
  }
  return {
    messageId: header.replyToMsgId ?? null,
    peer: header.replyToPeerId ? toPeerRef(header.replyToPeerId) : null,
    topId: header.replyToTopId ?? null,
    quote: header.quoteText ?? null,
    quoteOffset: header.quoteOffset ?? null,
  };
}

function fromOf(channelId: bigint, from: Api.TypePeer): PeerRef | null {
  const peer = toPeerRef(from);
  return peer.type === "channel" && peer.id === channelId.toString() ? null : peer;
}

function fromSeconds(seconds: number): Date {
  return new Date(seconds * 1000);
}
