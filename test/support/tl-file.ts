/** A channel id, and a message's dictionary as Telethon's `to_dict` writes it. */
export const TL_CHANNEL = 1_555_000_222;

export type TlDictionary = Record<string, unknown>;

export function tlMessage(id: number, given: TlDictionary = {}): TlDictionary {
  return {
    _: "Message",
    id,
    peer_id: { _: "PeerChannel", channel_id: TL_CHANNEL },
    date: "2024-01-02T00:00:00+00:00",
    message: `post ${id}`,
    out: false,
    silent: false,
    post: true,
    from_id: null,
    fwd_from: null,
    reply_to: null,
    media: null,
    entities: [],
    views: 10,
    forwards: 1,
    edit_date: null,
    grouped_id: null,
    ...given,
  };
}

export function tlService(id: number, action: TlDictionary, given: TlDictionary = {}): TlDictionary {
  const { _, message: __, media: ___, entities: ____, ...head } = tlMessage(id);
  return { _: "MessageService", ...head, action, ...given };
}

const BIG = 6_037_622_221_625_626_773n;
const photo = {
  _: "Photo",
  id: BIG,
  access_hash: -8_037_622_221_625_626_771n,
  file_reference: [2, 0, 255],
  date: "2024-01-02T00:00:00+00:00",
  dc_id: 4,
  sizes: [
    { _: "PhotoStrippedSize", type: "i", bytes: [1, 20, 40] },
    { _: "PhotoCachedSize", type: "s", w: 90, h: 50, bytes: [1, 2, 3] },
    { _: "PhotoSize", type: "m", w: 320, h: 180, size: 9_000 },
    { _: "PhotoSizeProgressive", type: "y", w: 1280, h: 720, sizes: [10_000, 40_000, 160_000] },
    { _: "PhotoPathSize", type: "j", bytes: [9] },
  ],
};
const document = (attributes: TlDictionary[], given: TlDictionary = {}) => ({
  _: "MessageMediaDocument",
  spoiler: true,
  document: {
    _: "Document",
    id: BIG + 1n,
    access_hash: 5,
    date: "2024-01-02T00:00:00+00:00",
    mime_type: "video/mp4",
    size: 5_000_000_000,
    dc_id: 4,
    thumbs: [{ _: "PhotoSize", type: "m", w: 320, h: 180, size: 1_500 }],
    attributes,
    ...given,
  },
});
const video = { _: "DocumentAttributeVideo", duration: 12.5, w: 640, h: 360 };
const span = (_: string, offset: number, length: number, given: TlDictionary = {}) => ({ _, offset, length, ...given });

/** Messages of every kind, newest first and by no means all in order, as such files have them. */
export const SMALL_TL: readonly TlDictionary[] = [
  tlMessage(40, {
    message: "👨‍👩‍👧‍👦 New: here 🙂",
    entities: [
      span("MessageEntityBold", 0, 15),
      span("MessageEntityTextUrl", 17, 4, { url: "https://example.org/?a=1" }),
      span("MessageEntityBold", 17, 4),
      span("MessageEntityItalic", 10, 9),
      span("MessageEntityCustomEmoji", 22, 2, { document_id: 5_368_324_170_671_202_286n }),
      span("MessageEntityMentionName", 0, 2, { user_id: 777 }),
      span("MessageEntityPre", 0, 2, { language: "ts" }),
      span("MessageEntityBlockquote", 0, 24, { collapsed: true }),
    ],
    edit_date: "2024-01-03 00:00:00",
    edit_hide: true,
    grouped_id: 13_282_338_104_466_909n,
    post_author: "Ada",
    via_bot_id: 7_000_000_000,
    pinned: true,
    silent: true,
    noforwards: true,
    fwd_from: { _: "MessageFwdHeader", date: 1_704_067_200, from_id: { _: "PeerUser", user_id: 5 }, channel_post: 3 },
    replies: { _: "MessageReplies", replies: 4, replies_pts: 9 },
    reactions: {
      _: "MessageReactions",
      results: [
        { _: "ReactionCount", count: 5, reaction: { _: "ReactionEmoji", emoticon: "👍" } },
        { _: "ReactionCount", count: 2, reaction: { _: "ReactionCustomEmoji", document_id: BIG } },
        { _: "ReactionCount", count: 1, reaction: { _: "ReactionPaid" } },
      ],
    },
  }),
  tlMessage(41, { media: { _: "MessageMediaPhoto", photo, spoiler: false } }),
  tlMessage(39, { media: document([video, { _: "DocumentAttributeFilename", file_name: "clip.mp4" }]) }),
  tlMessage(38, { media: document([video, { _: "DocumentAttributeAnimated" }]) }),
  tlMessage(37, { media: document([{ _: "DocumentAttributeSticker", alt: "🙂" }, video]) }),
  tlMessage(36, { media: document([{ _: "DocumentAttributeAudio", duration: 3, voice: true }], { thumbs: null }) }),
  tlMessage(35, { media: document([{ _: "DocumentAttributeAudio", duration: 3, title: "T", performer: "P" }]) }),
  tlMessage(34, {
    media: document([{ _: "DocumentAttributeAnimated" }, { ...video, _: "DocumentAttributeImageSize" }]),
  }),
  tlMessage(33, {
    reply_to: { _: "MessageReplyHeader", reply_to_msg_id: 3, reply_to_top_id: 2, quote_text: "said", quote_offset: 4 },
    media: {
      _: "MessageMediaPoll",
      poll: {
        _: "Poll",
        id: BIG,
        question: { _: "TextWithEntities", text: "Which?", entities: [] },
        answers: ["a", "b"].map((text, index) => ({ _: "PollAnswer", text, option: [index] })),
        quiz: true,
      },
      results: { _: "PollResults", total_voters: 3, results: [{ _: "PollAnswerVoters", option: [1], voters: 3 }] },
    },
  }),
  tlMessage(32, {
    media: { _: "MessageMediaWebPage", webpage: { _: "WebPage", id: 1, url: "https://e.org/a", title: "A" } },
  }),
  tlMessage(31, { media: { _: "MessageMediaWebPage", webpage: { _: "WebPageEmpty", id: 1 } } }),
  tlMessage(30, {
    media: { _: "MessageMediaVenue", geo: { _: "GeoPoint", lat: 59.9, long: 30.5 }, title: "Hall", address: "1 Road" },
  }),
  tlMessage(29, {
    media: { _: "MessageMediaContact", phone_number: "+1", first_name: "A", last_name: "B", user_id: 1 },
  }),
  tlMessage(28, { media: { _: "MessageMediaDice", emoticon: "🎲", value: 6 } }),
  tlMessage(27, { media: { _: "MessageMediaHologram", depth: 3 } }),
  tlMessage(26, { message: "newer", entities: [span("MessageEntityGlow", 0, 5), span("MessageEntityBold", 0, 5)] }),
  tlMessage(25, { reply_to: { _: "MessageReplyStoryHeader", peer: { _: "PeerUser", user_id: 9 }, story_id: 1 } }),
  { _: "MessageEmpty", id: 24, peer_id: null },
  tlService(23, { _: "MessageActionPinMessage" }, { reply_to: { _: "MessageReplyHeader", reply_to_msg_id: 22 } }),
  tlService(22, { _: "MessageActionChatEditPhoto", photo }),
  tlService(21, { _: "MessageActionChatEditTitle", title: "Once" }),
  tlService(20, { _: "MessageActionTeleport", to: { _: "PeerUser", user_id: 1 } }),
];
