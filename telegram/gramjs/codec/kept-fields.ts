/*
 * What is made of an answer: the fields that the mappings beside this folder read (to-message, to-media, to-service,
 * to-difference, to-channel, dialogs, api). Everything else is passed over: users and chats of a page of posts, buttons
 * under posts, previews' bytes, pages in instant view. test/unit/gramjs-kept-fields watches the mappings read, and knows
 * of each field that is missing here, and of each that is here for nothing.
 */

type Fields = Readonly<Record<string, readonly string[]>>;

/** Answers that are read by the decoder; all others are GramJS's to read. A vector goes by its first item. */
const ANSWERS: Fields = {
  "messages.Messages": ["messages"],
  "messages.MessagesSlice": ["inexact", "count", "messages"],
  "messages.ChannelMessages": ["inexact", "pts", "count", "messages"],
  "messages.MessagesNotModified": [],
  "messages.Dialogs": ["dialogs", "chats"],
  "messages.DialogsSlice": ["dialogs", "messages", "chats", "users"],
  "messages.DialogsNotModified": [],
  "messages.PeerDialogs": ["dialogs", "chats"],
  "messages.ChatFull": ["fullChat", "chats"],
  "messages.Chats": ["chats"],
  "messages.ChatsSlice": ["chats"],
  "contacts.ResolvedPeer": ["peer", "chats"],
  "updates.ChannelDifference": ["final", "pts", "newMessages", "otherUpdates"],
  "updates.ChannelDifferenceEmpty": ["final", "pts"],
  "updates.ChannelDifferenceTooLong": ["dialog", "messages"],
  User: ["id", "accessHash", "firstName", "username", "usernames", "phone", "bot"],
  UserEmpty: [],
};

const PARTS: Fields = {
  Message: [
    ...[
      "id",
      "peerId",
      "fromId",
      "date",
      "message",
      "entities",
      "media",
      "fwdFrom",
      "replyTo",
      "viaBotId",
      "postAuthor",
    ],
    ...["editDate", "editHide", "groupedId", "pinned", "silent", "noforwards"],
    ...["views", "forwards", "replies", "reactions"],
  ],
  MessageService: ["id", "peerId", "fromId", "date", "action", "replyTo", "silent", "reactions"],
  MessageEmpty: ["id", "peerId"],
  MessageEntityTextUrl: ["url"],
  MessageEntityPre: ["language"],
  MessageEntityMentionName: ["userId"],
  MessageEntityCustomEmoji: ["documentId"],
  MessageEntityBlockquote: ["collapsed"],
  MessageFwdHeader: ["date", "fromId", "fromName", "channelPost", "postAuthor"],
  MessageReplyHeader: ["replyToMsgId", "replyToPeerId", "replyToTopId", "quoteText", "quoteOffset"],
  MessageReplyStoryHeader: ["peer"],
  MessageReplies: ["replies"],
  MessageReactions: ["results"],
  ReactionCount: ["reaction", "count"],
  ReactionEmoji: ["emoticon"],
  ReactionCustomEmoji: ["documentId"],
  PeerUser: ["userId"],
  PeerChat: ["chatId"],
  PeerChannel: ["channelId"],

  MessageMediaPhoto: ["photo", "spoiler"],
  MessageMediaDocument: ["document", "spoiler"],
  MessageMediaPoll: ["poll", "results"],
  MessageMediaWebPage: ["webpage"],
  MessageMediaGeo: ["geo"],
  MessageMediaGeoLive: ["geo"],
  MessageMediaVenue: ["geo", "title", "address"],
  MessageMediaContact: ["phoneNumber", "firstName", "lastName"],
  MessageMediaDice: ["emoticon", "value"],
  Photo: ["id", "dcId", "sizes"],
  PhotoSize: ["w", "h", "size"],
  PhotoSizeProgressive: ["w", "h", "sizes"],
  PhotoCachedSize: ["w", "h", "bytes"],
  Document: ["id", "dcId", "size", "mimeType", "attributes", "thumbs"],
  DocumentAttributeVideo: ["duration", "w", "h", "roundMessage"],
  DocumentAttributeAudio: ["duration", "title", "performer", "voice"],
  DocumentAttributeSticker: ["alt"],
  DocumentAttributeCustomEmoji: ["alt"],
  DocumentAttributeImageSize: ["w", "h"],
  DocumentAttributeFilename: ["fileName"],
  Poll: ["id", "question", "answers", "closed", "multipleChoice", "quiz", "publicVoters"],
  PollAnswer: ["text", "option"],
  PollResults: ["results", "totalVoters"],
  PollAnswerVoters: ["option", "voters"],
  TextWithEntities: ["text"],
  WebPage: ["url", "title", "description", "siteName"],
  WebPageEmpty: ["url"],
  WebPagePending: ["url"],
  GeoPoint: ["lat", "long"],

  MessageActionChannelCreate: ["title"],
  MessageActionChannelMigrateFrom: ["title"],
  MessageActionChatCreate: ["title"],
  MessageActionChatEditPhoto: ["photo"],
  MessageActionChatEditTitle: ["title"],
  MessageActionChatMigrateTo: ["channelId"],
  MessageActionCustomAction: ["message"],
  MessageActionSuggestProfilePhoto: ["photo"],
  MessageActionTopicCreate: ["title"],
  MessageActionTopicEdit: ["title"],

  UpdateNewChannelMessage: ["message"],
  UpdateEditChannelMessage: ["message"],
  UpdateDeleteChannelMessages: ["channelId", "messages"],
  UpdatePinnedChannelMessages: ["channelId", "messages", "pinned"],
  UpdateChannelMessageViews: ["channelId", "id", "views"],
  UpdateChannelMessageForwards: ["channelId", "id", "forwards"],

  Dialog: ["peer", "pts", "topMessage"],
  DialogFolder: ["peer", "topMessage"],
  Chat: ["id", "title", "migratedTo"],
  ChatEmpty: ["id"],
  ChatForbidden: ["id"],
  Channel: ["id", "accessHash", "title", "username", "usernames", "megagroup", "gigagroup", "left", "min"],
  ChannelForbidden: ["id"],
  ChannelFull: ["pts", "participantsCount", "availableMinId", "migratedFromChatId"],
  InputChannel: ["channelId", "accessHash"],
  Username: ["active", "username"],
};

/** What every constructor of a type keeps. */
export const KEPT_OF_TYPES: Fields = { MessageEntity: ["offset", "length"] };

export const KEPT_OF_CLASSES: Fields = { ...ANSWERS, ...PARTS };

/** Which fields of a constructor are kept; none of one that is not listed, of which only the name is. */
export function keptFields({ className, type }: { readonly className: string; readonly type: string }): Set<string> {
  return new Set([...(KEPT_OF_TYPES[type] ?? []), ...(KEPT_OF_CLASSES[className] ?? [])]);
}

export const isDecodedAnswer = (className: string): boolean => Object.hasOwn(ANSWERS, className);
export const DECODED_ANSWERS: readonly string[] = Object.keys(ANSWERS);
