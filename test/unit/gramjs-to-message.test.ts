import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import bigInt from "big-integer";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { Api } from "telegram/tl/api.js";
import { describe, expect, it } from "vitest";
import type { ChannelMessage } from "../../db/message.ts";
import { toMessage, toMessages } from "../../telegram/gramjs/to-message.ts";

const CHANNEL = 1_075_565_753n;
const DATE = 1_660_388_432;

type MessageArgs = Record<string, unknown>;

/** As it comes off the wire: unset flags are null there, and 64-bit numbers signed. */
function throughBytes<T extends { getBytes(): Buffer }>(object: T): T {
  return new BinaryReader(object.getBytes()).tgReadObject() as T;
}

const peerId = new Api.PeerChannel({ channelId: bigInt(CHANNEL.toString()) });

function message(args: MessageArgs = {}): ChannelMessage {
  return toMessage(CHANNEL, throughBytes(new Api.Message({ id: 7, peerId, date: DATE, message: "", ...args })));
}

function service(action: Api.TypeMessageAction, args: MessageArgs = {}): ChannelMessage {
  return toMessage(CHANNEL, throughBytes(new Api.MessageService({ id: 7, peerId, date: DATE, action, ...args })));
}

const photo = (sizes: Api.TypePhotoSize[]) =>
  new Api.Photo({
    id: bigInt("6037622221625626773"),
    accessHash: bigInt("-3"),
    fileReference: Buffer.from("reference"),
    date: DATE,
    sizes,
    dcId: 2,
  });

const document = (attributes: Api.TypeDocumentAttribute[], more: MessageArgs = {}) =>
  new Api.MessageMediaDocument({
    document: new Api.Document({
      id: bigInt("-5"),
      accessHash: bigInt(9),
      fileReference: Buffer.alloc(3),
      date: DATE,
      mimeType: "video/mp4",
      size: bigInt("5000000000"),
      dcId: 4,
      attributes,
      ...more,
    }),
  });

const video = (args: MessageArgs = {}) => new Api.DocumentAttributeVideo({ duration: 12.5, w: 640, h: 360, ...args });

describe("a message", () => {
  it("is plain where nothing is set", () => {
    expect(message({ message: "Привет 👋" })).toEqual({
      channelId: CHANNEL,
      id: 7,
      kind: "message",
      date: new Date(DATE * 1000),
      editDate: null,
      editHidden: false,
      text: "Привет 👋",
      entities: [],
      media: null,
      groupedId: null,
      forward: null,
      reply: null,
      from: null,
      author: null,
      viaBotId: null,
      pinned: false,
      silent: false,
      noForwards: false,
      service: null,
      stats: { views: null, forwards: null, replies: null, reactions: null, pollResults: null },
    });
  });

  it("has its flags, counts, album and author", () => {
    const read = message({
      editDate: DATE + 60,
      editHide: true,
      pinned: true,
      silent: true,
      noforwards: true,
      postAuthor: "Анна",
      groupedId: bigInt("13282338104466909"),
      viaBotId: bigInt("7000000000"),
      views: 0,
      forwards: 3,
      replies: new Api.MessageReplies({ replies: 5, repliesPts: 1 }),
      fromId: new Api.PeerUser({ userId: bigInt("6000000001") }),
    });
    expect(read).toMatchObject({
      editDate: new Date((DATE + 60) * 1000),
      editHidden: true,
      pinned: true,
      silent: true,
      noForwards: true,
      author: "Анна",
      groupedId: 13_282_338_104_466_909n,
      viaBotId: 7_000_000_000n,
      from: { type: "user", id: "6000000001" },
      stats: { views: 0, forwards: 3, replies: 5 },
    });
  });

  it("is from nobody else where it is from its channel", () => {
    expect(message({ fromId: peerId }).from).toBeNull();
  });

  it("keeps its entities, overlapping ones too", () => {
    const span = { offset: 1, length: 4 };
    const entities = [
      new Api.MessageEntityBold(span),
      new Api.MessageEntityTextUrl({ ...span, url: "https://example.org" }),
      new Api.MessageEntityPre({ ...span, language: "ts" }),
      new Api.MessageEntityMentionName({ ...span, userId: bigInt("6000000001") }),
      new Api.MessageEntityCustomEmoji({ ...span, documentId: bigInt("5368324170671202286") }),
      new Api.MessageEntityBlockquote({ ...span, collapsed: true }),
      new Api.MessageEntityBlockquote(span),
      new Api.MessageEntityBankCard(span),
    ];
    expect(message({ message: "abcdef", entities }).entities).toEqual([
      { type: "bold", ...span },
      { type: "text_url", ...span, url: "https://example.org" },
      { type: "pre", ...span, language: "ts" },
      { type: "mention_name", ...span, userId: "6000000001" },
      { type: "custom_emoji", ...span, documentId: "5368324170671202286" },
      { type: "blockquote", ...span, collapsed: true },
      { type: "blockquote", ...span },
      { type: "bank_card", ...span },
    ]);
  });

  it("says where it was forwarded from", () => {
    const fwdFrom = new Api.MessageFwdHeader({ date: DATE, fromId: peerId, channelPost: 44, postAuthor: "A" });
    expect(message({ fwdFrom }).forward).toEqual({
      date: new Date(DATE * 1000).toISOString(),
      from: { type: "channel", id: CHANNEL.toString() },
      fromName: null,
      channelPost: 44,
      author: "A",
    });
    const hidden = new Api.MessageFwdHeader({ date: DATE, fromName: "Someone" });
    expect(message({ fwdFrom: hidden }).forward).toMatchObject({ from: null, fromName: "Someone", channelPost: null });
  });

  it("says what it replies to", () => {
    const plain = new Api.MessageReplyHeader({ replyToMsgId: 3, replyToTopId: 2 });
    expect(message({ replyTo: plain }).reply).toEqual({
      messageId: 3,
      peer: null,
      topId: 2,
      quote: null,
      quoteOffset: null,
    });
    const elsewhere = new Api.MessageReplyHeader({
      replyToMsgId: 3,
      replyToPeerId: new Api.PeerChannel({ channelId: bigInt(5) }),
      quote: true,
      quoteText: "said",
      quoteOffset: 4,
    });
    expect(message({ replyTo: elsewhere }).reply).toMatchObject({
      peer: { type: "channel", id: "5" },
      quote: "said",
      quoteOffset: 4,
    });
    const story = new Api.MessageReplyStoryHeader({ peer: peerId, storyId: 1 });
    expect(message({ replyTo: story }).reply).toMatchObject({ messageId: null, peer: { type: "channel" } });
  });

  it("counts its reactions", () => {
    const count = (reaction: Api.TypeReaction, number: number) => new Api.ReactionCount({ reaction, count: number });
    const reactions = new Api.MessageReactions({
      results: [
        count(new Api.ReactionEmoji({ emoticon: "👍" }), 5),
        count(new Api.ReactionCustomEmoji({ documentId: bigInt("5368324170671202286") }), 2),
        count(new Api.ReactionPaid(), 1),
      ],
    });
    expect(message({ reactions }).stats.reactions).toEqual([
      { kind: "emoji", value: "👍", count: 5 },
      { kind: "custom_emoji", value: "5368324170671202286", count: 2 },
      { kind: "paid", value: "paid", count: 1 },
    ]);
  });
});

describe("media", () => {
  const media = (of: Api.TypeMessageMedia) => message({ media: of }).media;

  it("takes a photo's largest size, and a progressive one's last bytes", () => {
    const sizes = [
      new Api.PhotoStrippedSize({ type: "i", bytes: Buffer.alloc(5) }),
      new Api.PhotoSize({ type: "m", w: 320, h: 180, size: 9_000 }),
      new Api.PhotoSizeProgressive({ type: "y", w: 1280, h: 720, sizes: [10_000, 40_000, 160_000] }),
      new Api.PhotoCachedSize({ type: "s", w: 90, h: 50, bytes: Buffer.alloc(400) }),
    ];
    expect(media(new Api.MessageMediaPhoto({ photo: photo(sizes), spoiler: true }))).toEqual({
      kind: "photo",
      id: "6037622221625626773",
      dcId: 2,
      size: 160_000,
      width: 1280,
      height: 720,
      spoiler: true,
    });
  });

  it.each([
    ["file", []],
    ["video", [video()]],
    ["round_video", [video({ roundMessage: true })]],
    ["animation", [video(), new Api.DocumentAttributeAnimated()]],
    ["audio", [new Api.DocumentAttributeAudio({ duration: 3, title: "T", performer: "P" })]],
    ["voice", [new Api.DocumentAttributeAudio({ duration: 3, voice: true })]],
    ["sticker", [new Api.DocumentAttributeSticker({ alt: "🙂", stickerset: new Api.InputStickerSetEmpty() }), video()]],
  ] as const)("tells a %s by its attributes", (as, attributes) => {
    expect(media(document([...attributes]))).toMatchObject({ kind: "document", as });
  });

  it("keeps what is needed to show and fetch a document", () => {
    const attributes = [video(), new Api.DocumentAttributeFilename({ fileName: "clip.mp4" })];
    const thumbs = [
      new Api.PhotoSize({ type: "s", w: 90, h: 50, size: 800 }),
      new Api.PhotoSize({ type: "m", w: 320, h: 180, size: 9_000 }),
    ];
    expect(media(document(attributes, { thumbs }))).toEqual({
      kind: "document",
      as: "video",
      id: "-5",
      dcId: 4,
      size: 5_000_000_000,
      mime: "video/mp4",
      fileName: "clip.mp4",
      width: 640,
      height: 360,
      durationSeconds: 12.5,
      title: null,
      performer: null,
      stickerEmoji: null,
      thumbnailSize: 9_000,
      spoiler: false,
    });
  });

  it("reads a poll, and its votes in the order of its answers", () => {
    const text = (words: string) => new Api.TextWithEntities({ text: words, entities: [] });
    const poll = new Api.Poll({
      id: bigInt("77"),
      question: text("Which?"),
      answers: ["a", "b", "c"].map((one) => new Api.PollAnswer({ text: text(one), option: Buffer.from(one) })),
      closed: true,
      quiz: true,
    });
    const results = new Api.PollResults({
      results: [
        new Api.PollAnswerVoters({ option: Buffer.from("b"), voters: 4, chosen: true }),
        new Api.PollAnswerVoters({ option: Buffer.from("a"), voters: 1 }),
      ],
      totalVoters: 5,
    });
    const read = message({ media: new Api.MessageMediaPoll({ poll, results }) });
    expect(read.media).toEqual({
      kind: "poll",
      id: "77",
      question: "Which?",
      answers: ["a", "b", "c"],
      closed: true,
      multiple: false,
      quiz: true,
      publicVoters: false,
    });
    expect(read.stats.pollResults).toEqual({ totalVoters: 5, voters: [1, 4, null] });
    const unvoted = new Api.MessageMediaPoll({ poll, results: new Api.PollResults({ min: true }) });
    expect(message({ media: unvoted }).stats.pollResults).toEqual({ totalVoters: null, voters: [null, null, null] });
  });

  it("reads pages, places, people and dice", () => {
    const webpage = new Api.WebPage({
      id: bigInt(1),
      url: "https://example.org/a",
      displayUrl: "example.org/a",
      hash: 0,
      title: "A",
      siteName: "Example",
    });
    expect(media(new Api.MessageMediaWebPage({ webpage }))).toEqual({
      kind: "web_page",
      url: "https://example.org/a",
      title: "A",
      description: null,
      siteName: "Example",
    });
    const geo = new Api.GeoPoint({ long: 30.5, lat: 59.9, accessHash: bigInt(1) });
    const venue = { geo, title: "Hall", address: "1 Road", provider: "", venueId: "", venueType: "" };
    expect(media(new Api.MessageMediaVenue(venue))).toEqual({
      kind: "geo",
      latitude: 59.9,
      longitude: 30.5,
      title: "Hall",
      address: "1 Road",
    });
    expect(media(new Api.MessageMediaGeo({ geo }))).toMatchObject({ kind: "geo", title: null });
    const contact = { phoneNumber: "+1", firstName: "A", lastName: "B", vcard: "", userId: bigInt(0) };
    expect(media(new Api.MessageMediaContact(contact))).toEqual({
      kind: "contact",
      phone: "+1",
      firstName: "A",
      lastName: "B",
    });
    expect(media(new Api.MessageMediaDice({ value: 6, emoticon: "🎲" }))).toEqual({
      kind: "dice",
      emoji: "🎲",
      value: 6,
    });
  });

  it("keeps the name of what it has no words for", () => {
    expect(media(new Api.MessageMediaUnsupported())).toEqual({
      kind: "other",
      constructorName: "MessageMediaUnsupported",
    });
    expect(media(new Api.MessageMediaPhoto({}))).toEqual({ kind: "other", constructorName: "PhotoEmpty" });
    expect(media(new Api.MessageMediaEmpty())).toBeNull();
  });
});

describe("a service message", () => {
  it("names its action, and what is shown of it", () => {
    expect(service(new Api.MessageActionChannelCreate({ title: "News" }))).toMatchObject({
      kind: "service",
      text: "",
      service: { type: "channel_create", title: "News" },
    });
    const sizes = [new Api.PhotoSize({ type: "c", w: 640, h: 640, size: 50_000 })];
    expect(service(new Api.MessageActionChatEditPhoto({ photo: photo(sizes) })).service).toEqual({
      type: "chat_edit_photo",
      photo: { id: "6037622221625626773", size: 50_000, width: 640, height: 640 },
    });
    const replyTo = new Api.MessageReplyHeader({ replyToMsgId: 12 });
    const pinned = service(new Api.MessageActionPinMessage(), { replyTo });
    expect(pinned.service).toEqual({ type: "pin_message", messageId: 12 });
    expect(pinned.reply).toMatchObject({ messageId: 12 });
    expect(service(new Api.MessageActionChatDeletePhoto()).service).toEqual({ type: "chat_delete_photo" });
    expect(service(new Api.MessageActionSetMessagesTTL({ period: 60 })).service).toEqual({
      type: "set_messages_ttl",
    });
    const migrated = new Api.MessageActionChannelMigrateFrom({ title: "Old", chatId: bigInt(5) });
    expect(service(migrated).service).toEqual({ type: "channel_migrate_from", title: "Old" });
  });
});

it("skips what it cannot map, and goes on", () => {
  const elsewhere = new Api.PeerUser({ userId: bigInt(1) });
  const page = [
    new Api.Message({ id: 9, peerId, date: DATE, message: "good" }),
    new Api.Message({ id: 8, peerId: elsewhere, date: DATE, message: "another chat's" }),
    new Api.MessageEmpty({ id: 7 }),
    // What a broken reader would give: a part that is not what the schema says.
    new Api.Message({ id: 6, peerId, date: DATE, message: "bad", media: { className: "MessageMediaPoll" } as never }),
    new Api.Message({ id: 5, peerId, date: DATE, message: "good too" }),
  ];
  const { messages, empty, skipped } = toMessages(CHANNEL, page);
  expect(messages.map((one) => one.id)).toEqual([9, 5]);
  expect(empty).toEqual([7]);
  expect(skipped.map((one) => one.id)).toEqual([8, 6]);
  expect(skipped[0]!.reason).toBe("it belongs to user 1");
});

const samples = new URL("../../../shared/data/channels/", import.meta.url);
const published = new URL("vedomosti.tl.json", samples);

describe.skipIf(!existsSync(published))("a published channel's posts (../shared/data)", () => {
  it("keep text and entities", () => {
    const posts = JSON.parse(readFileSync(published, "utf8")) as TlDictionary[];
    const page = posts.map((post) => throughBytes(fromDictionary(post) as Api.Message));
    const { messages, skipped } = toMessages(CHANNEL, page);
    expect(skipped).toEqual([]);
    const expected = JSON.parse(readFileSync(new URL("expected.json", samples), "utf8"))["vedomosti.tl.json"];
    const digest = createHash("sha256");
    for (const one of [...messages].reverse()) {
      digest.update(`${one.id}\t${createHash("sha256").update(one.text).digest("hex")}\n`);
    }
    expect(digest.digest("hex")).toBe(expected.canonical_digest);
    expect(Math.max(...messages.map((one) => one.entities.length))).toBe(expected.max_entities_per_msg);
  });
});

interface TlDictionary {
  readonly _: string;
  readonly [field: string]: unknown;
}

/** Builds a TL object from a dictionary of one: snake-case fields, ISO dates, bytes as integers, longs as numbers. */
function fromDictionary(from: TlDictionary): unknown {
  const longIds = new Set(["Photo", "Document", "WebPage", "Poll", "WallPaper"]);
  const args = Object.entries(from).filter(([key]) => key !== "_");
  const values = args.map(([key, value]) => {
    const isLong =
      /^(channel_id|user_id|chat_id|access_hash|grouped_id|via_bot_id|document_id)$/.test(key) ||
      (key === "id" && longIds.has(from._)) ||
      (key === "size" && from._ === "Document");
    return [key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), fromValue(key, value, isLong)];
  });
  const constructors = Api as unknown as Record<string, new (args: object) => unknown>;
  return new constructors[from._]!(Object.fromEntries(values));
}

function fromValue(key: string, value: unknown, isLong: boolean): unknown {
  if (value === null) return undefined;
  if (isLong) return bigInt(String(BigInt(value as number)));
  if (/(^|_)date$/.test(key) && typeof value === "string") return Date.parse(value) / 1000;
  if (Array.isArray(value)) {
    if (/^(bytes|file_reference|waveform|option)$/.test(key)) return Buffer.from(value);
    return value.map((one) => (typeof one === "object" && one ? fromDictionary(one as TlDictionary) : one));
  }
  return typeof value === "object" ? fromDictionary(value as TlDictionary) : value;
}
