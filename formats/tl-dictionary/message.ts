import type { ChannelMessage, MessageForward, MessageReply, PeerRef, ServiceAction } from "../../db/message.ts";
import { snakeCased } from "./bare.ts";
import { type TlAction, type TlMessage, type TlMessageService, type TlReply, toReaction } from "./schema.ts";

/** A checked dictionary as gramfleet stores the message. */
export function toChannelMessage(value: TlMessage | TlMessageService): ChannelMessage {
  const channelId = BigInt(value.peer_id.id);
  const common = {
    channelId,
    id: value.id,
    date: value.date,
    reply: value.reply_to && toReply(value.reply_to),
    // Telegram names no sender where it is the channel itself.
    from: value.from_id && isChannel(value.from_id, channelId) ? null : value.from_id,
    silent: value.silent,
  };
  const reactions = value.reactions?.results.flatMap((one) => toReaction(one) ?? []) ?? null;
  if (value._ === "MessageService") {
    return {
      ...common,
      ...PLAIN,
      kind: "service",
      service: toServiceAction(value.action, value.reply_to),
      stats: { views: null, forwards: null, replies: null, reactions, pollResults: null },
    };
  }
  return {
    ...common,
    kind: "message",
    editDate: value.edit_date,
    editHidden: value.edit_hide,
    text: value.message,
    entities: value.entities ?? [],
    media: value.media?.media ?? null,
    groupedId: value.grouped_id,
    forward: value.fwd_from && toForward(value.fwd_from),
    author: value.post_author,
    viaBotId: value.via_bot_id,
    pinned: value.pinned,
    noForwards: value.noforwards,
    service: null,
    stats: {
      views: value.views,
      forwards: value.forwards,
      replies: value.replies?.replies ?? null,
      reactions,
      pollResults: value.media?.pollResults ?? null,
    },
  };
}

/** What service messages have no fields for. */
const PLAIN = {
  editDate: null,
  editHidden: false,
  text: "",
  entities: [],
  media: null,
  groupedId: null,
  forward: null,
  author: null,
  viaBotId: null,
  pinned: false,
  noForwards: false,
} as const;

const isChannel = (peer: PeerRef, id: bigint) => peer.type === "channel" && peer.id === String(id);

function toForward(header: NonNullable<TlMessage["fwd_from"]>): MessageForward {
  return {
    date: header.date.toISOString(),
    from: header.from_id,
    fromName: header.from_name,
    channelPost: header.channel_post,
    author: header.post_author,
  };
}

function toReply(header: TlReply): MessageReply {
  if (header._ === "MessageReplyHeader")
    return {
      messageId: header.reply_to_msg_id,
      peer: header.reply_to_peer_id,
      topId: header.reply_to_top_id,
      quote: header.quote_text,
      quoteOffset: header.quote_offset,
    };
  const peer = header._ === "MessageReplyStoryHeader" ? header.peer : null;
  return { messageId: null, peer, topId: null, quote: null, quoteOffset: null };
}

function toServiceAction(action: TlAction, reply: TlReply | null): ServiceAction {
  const type = snakeCased(action._ || action.constructorName, "MessageAction");
  switch (action._) {
    case "MessageActionChannelCreate":
    case "MessageActionChatCreate":
    case "MessageActionChatEditTitle":
    case "MessageActionTopicCreate":
    case "MessageActionTopicEdit":
    case "MessageActionChannelMigrateFrom":
      return action.title === null ? { type } : { type, title: action.title };
    case "MessageActionChatMigrateTo":
      return { type, channelId: action.channel_id };
    case "MessageActionChatEditPhoto":
    case "MessageActionSuggestProfilePhoto": {
      if (!action.photo) return { type };
      const { id, size, width, height } = action.photo;
      return { type, photo: { id, size, width, height } };
    }
    case "MessageActionCustomAction":
      return { type, text: action.message };
    default: {
      const pinned = type === "pin_message" && reply?._ === "MessageReplyHeader" ? reply.reply_to_msg_id : null;
      return pinned === null ? { type } : { type, messageId: pinned };
    }
  }
}
