import { z } from "zod";
import type { MessageEntity, PeerRef, Reaction } from "../../db/message.ts";
import { date, dictionary, flag, int, long, longText, oneOf, optional, peerId, snakeCased } from "./bare.ts";
import { media, photo } from "./media.ts";

/*
 * A message of Telegram's TL schema as a dictionary: `_` names the dictionary, the fields are TL's own. What gramfleet
 * keeps of it is checked and put into its words; everything else is let pass, since every layer adds some.
 */

/** Message ids have 31 bits and begin at 1 (core.telegram.org/api/offsets). */
const messageId = int.min(1, "must be 1 or more");
const text = z.string();

const peerSchema = z.discriminatedUnion(
  "_",
  [
    dictionary("PeerUser", { user_id: peerId }),
    dictionary("PeerChat", { chat_id: peerId }),
    dictionary("PeerChannel", { channel_id: peerId }),
  ],
  { error: "must be a PeerUser, PeerChat or PeerChannel" },
);
const peer = peerSchema.transform((value): PeerRef => {
  if (value._ === "PeerUser") return { type: "user", id: String(value.user_id) };
  if (value._ === "PeerChat") return { type: "chat", id: String(value.chat_id) };
  return { type: "channel", id: String(value.channel_id) };
});

const entity = z
  .looseObject({
    _: z.string(),
    offset: int,
    length: int,
    url: optional(text),
    language: optional(text),
    user_id: optional(longText),
    document_id: optional(longText),
    collapsed: flag,
  })
  .transform(({ _, offset, length, ...given }): MessageEntity => {
    const place = { type: snakeCased(_, "MessageEntity"), offset, length };
    switch (place.type) {
      case "text_url":
        return { ...place, url: given.url ?? "" };
      case "pre":
        return { ...place, language: given.language ?? "" };
      case "mention_name":
        return { ...place, userId: given.user_id ?? "0" };
      case "custom_emoji":
        return { ...place, documentId: given.document_id ?? "0" };
      case "blockquote":
        return given.collapsed ? { ...place, collapsed: true } : place;
      default:
        return place;
    }
  });

const forward = z.looseObject({
  date,
  from_id: optional(peer),
  from_name: optional(text),
  channel_post: optional(int),
  post_author: optional(text),
});

const reply = oneOf(
  dictionary("MessageReplyHeader", {
    reply_to_msg_id: optional(int),
    reply_to_peer_id: optional(peer),
    reply_to_top_id: optional(int),
    quote_text: optional(text),
    quote_offset: optional(int),
  }),
  dictionary("MessageReplyStoryHeader", { peer: optional(peer) }),
);

const reactionKind = oneOf(
  dictionary("ReactionEmoji", { emoticon: text }),
  dictionary("ReactionCustomEmoji", { document_id: longText }),
  dictionary("ReactionPaid", {}),
);
const reactions = z.looseObject({
  results: z.array(
    // Before layer 145 a reaction was the emoji itself.
    z.looseObject({ count: int, reaction: z.union([text, reactionKind], { error: "must be a reaction" }) }),
  ),
});

const action = oneOf(
  dictionary("MessageActionChannelCreate", { title: text }),
  dictionary("MessageActionChatCreate", { title: text }),
  dictionary("MessageActionChatEditTitle", { title: text }),
  dictionary("MessageActionTopicCreate", { title: text }),
  dictionary("MessageActionTopicEdit", { title: optional(text) }),
  dictionary("MessageActionChannelMigrateFrom", { title: text }),
  dictionary("MessageActionChatMigrateTo", { channel_id: longText }),
  dictionary("MessageActionChatEditPhoto", { photo }),
  dictionary("MessageActionSuggestProfilePhoto", { photo }),
  dictionary("MessageActionCustomAction", { message: text }),
);

const head = {
  id: messageId,
  peer_id: peer.refine((value) => value.type === "channel", "must be a PeerChannel: only channels are read"),
  date,
  post: flag,
  silent: flag,
  from_id: optional(peer),
  reply_to: optional(reply),
  reactions: optional(reactions),
};

export const message = dictionary("Message", {
  ...head,
  message: text.nullish().transform((value) => value ?? ""),
  entities: optional(z.array(entity)),
  media: optional(media),
  edit_date: optional(date),
  edit_hide: flag,
  grouped_id: optional(long),
  fwd_from: optional(forward),
  post_author: optional(text),
  via_bot_id: optional(long),
  pinned: flag,
  noforwards: flag,
  views: optional(int),
  forwards: optional(int),
  replies: optional(z.looseObject({ replies: int })),
});

export const messageService = dictionary("MessageService", { ...head, action });

export type TlMessage = z.output<typeof message>;
export type TlMessageService = z.output<typeof messageService>;
export type TlAction = z.output<typeof action>;
export type TlReply = z.output<typeof reply>;
export type TlReaction = z.output<typeof reactions>["results"][number];

/** A reaction as gramfleet keeps it; null where it is of a kind that it does not know. */
export function toReaction({ count, reaction }: TlReaction): Reaction | null {
  if (typeof reaction === "string") return { kind: "emoji", value: reaction, count };
  switch (reaction._) {
    case "ReactionEmoji":
      return { kind: "emoji", value: reaction.emoticon, count };
    case "ReactionCustomEmoji":
      return { kind: "custom_emoji", value: reaction.document_id, count };
    case "ReactionPaid":
      return { kind: "paid", value: "paid", count };
    default:
      return null;
  }
}
