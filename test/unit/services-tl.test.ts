import bigInt from "big-integer";
import { Api } from "telegram";
import { describe, expect, test } from "vitest";
import { readHotRequest } from "../../emulator/tl/read-hot-request.ts";
import { encodeConfig } from "../../emulator/tl/write-config.ts";
import { encodeMessage } from "../../emulator/tl/write-message.ts";
import type { WorldEntity, WorldMedia, WorldMessage } from "../../emulator/world/model.ts";
import { decode, emulatedCalls, textMessage } from "../support/emulated-calls.ts";

const { world } = emulatedCalls();
const channel = world.addChannel({
  id: 1_500n,
  title: "Новости",
  username: "news",
  megagroup: false,
  date: 1_600_000_000,
  isPrivate: false,
});

/** As GramJS reads it; what it writes from that must be the same bytes: then no flag and no field is out of place. */
function roundTrip(message: Partial<WorldMessage>): Api.Message {
  const bytes = encodeMessage(channel, { ...textMessage(""), id: 7, ...message });
  const decoded = decode<Api.Message>(bytes);
  expect(decoded.getBytes().toString("hex")).toBe(bytes.toString("hex"));
  return decoded;
}

describe("messages", () => {
  test("carry every field", () => {
    const decoded = roundTrip({
      message: "Жар-птица 🐦 — 火の鳥",
      editDate: 1_700_000_100,
      editHide: true,
      groupedId: 2n ** 62n + 5n,
      fwdFrom: {
        date: 1_690_000_000,
        fromId: { type: "channel", id: 99n },
        fromName: "Somebody",
        channelPost: 12,
        postAuthor: "An author",
      },
      replyTo: { msgId: 5, peer: { type: "channel", id: 42n }, topId: 3, quoteText: "quoted", quoteOffset: 4 },
      fromId: { type: "user", id: 2n ** 40n },
      postAuthor: "Editor",
      viaBotId: 77n,
      pinned: true,
      silent: true,
      noforwards: true,
      views: 1_000,
      forwards: 20,
      replies: 3,
      reactions: [
        { kind: "emoji", value: "👍", count: 5 },
        { kind: "custom_emoji", value: "5368324170671202286", count: 2 },
        { kind: "paid", value: "paid", count: 1 },
      ],
    });
    expect(decoded).toBeInstanceOf(Api.Message);
    expect(decoded).toMatchObject({
      id: 7,
      date: 1_700_000_000,
      message: "Жар-птица 🐦 — 火の鳥",
      editDate: 1_700_000_100,
      editHide: true,
      postAuthor: "Editor",
      post: true,
      pinned: true,
      silent: true,
      noforwards: true,
      views: 1_000,
      forwards: 20,
    });
    expect(String(decoded.groupedId)).toBe(String(2n ** 62n + 5n));
    expect(decoded.replies?.replies).toBe(3);
    expect(decoded.reactions?.results.map(({ count }) => count)).toEqual([5, 2, 1]);
    expect(decoded.replyTo).toMatchObject({ replyToMsgId: 5, replyToTopId: 3, quoteText: "quoted", quoteOffset: 4 });
    expect(decoded.fwdFrom).toMatchObject({ fromName: "Somebody", channelPost: 12, postAuthor: "An author" });
  });

  test("of every length are padded", () => {
    for (let length = 250; length < 260; length++)
      expect(roundTrip({ message: "x".repeat(length) }).message.length).toBe(length);
  });

  test("carry every entity", () => {
    const entities: WorldEntity[] = [
      ..."Unknown Mention Hashtag BotCommand Url Email Bold Italic Code Phone Cashtag Underline Strike BankCard Spoiler"
        .split(" ")
        .map((name, index) => ({ type: `messageEntity${name}`, offset: index, length: 1 })),
      { type: "messageEntityPre", offset: 1, length: 2, language: "ts" },
      { type: "messageEntityTextUrl", offset: 1, length: 2, url: "https://example.org/ü" },
      { type: "messageEntityMentionName", offset: 1, length: 2, userId: 2n ** 41n },
      { type: "messageEntityCustomEmoji", offset: 1, length: 2, documentId: 2n ** 62n },
      { type: "messageEntityBlockquote", offset: 1, length: 2, collapsed: true },
      { type: "messageEntityBlockquote", offset: 1, length: 2 },
    ];
    const decoded = roundTrip({ message: "x".repeat(40), entities });
    expect(decoded.entities?.map(({ className }) => className[0]!.toLowerCase() + className.slice(1))).toEqual(
      entities.map(({ type }) => type),
    );
    expect(() => roundTrip({ entities: [{ type: "messageEntityNew", offset: 0, length: 1 }] })).toThrow(
      "no such entity",
    );
  });

  test.each<[string, WorldMedia]>([
    ["MessageMediaPhoto", { kind: "photo", id: 2n ** 61n, width: 1280, height: 720, size: 99_000, spoiler: true }],
    ["MessageMediaDocument", document("file", { width: 800, height: 600 })],
    ["MessageMediaDocument", document("video", { width: 1920, height: 1080, duration: 12.5, thumbnailSize: 900 })],
    ["MessageMediaDocument", document("round_video", { width: 384, height: 384, duration: 3 })],
    ["MessageMediaDocument", document("animation", { width: 320, height: 240, duration: 2 })],
    ["MessageMediaDocument", document("audio", { duration: 200, title: "Song", performer: "Band" })],
    ["MessageMediaDocument", document("voice", { duration: 7, fileName: null })],
    ["MessageMediaDocument", document("sticker", { width: 512, height: 512, stickerEmoji: "🙂" })],
    [
      "MessageMediaPoll",
      {
        kind: "poll",
        id: 5n,
        question: "Which?",
        answers: [
          { text: "This", voters: 3, chosen: true },
          { text: "That", voters: 4, chosen: false },
        ],
        closed: true,
        multiple: true,
        quiz: false,
        publicVoters: true,
        totalVoters: 7,
      },
    ],
    [
      "MessageMediaWebPage",
      { kind: "web_page", url: "https://example.org/a", title: "T", description: null, siteName: "Example" },
    ],
    ["MessageMediaGeo", { kind: "geo", latitude: 52.5, longitude: 13.4, title: null, address: null }],
    ["MessageMediaVenue", { kind: "geo", latitude: 52.5, longitude: 13.4, title: "Zoo", address: "Street" }],
    ["MessageMediaContact", { kind: "contact", phone: "49123", firstName: "A", lastName: "B" }],
    ["MessageMediaDice", { kind: "dice", emoji: "🎲", value: 4 }],
  ])("carry %s", (className, media) => {
    expect(roundTrip({ media }).media?.className).toBe(className);
  });

  test("of service say what was done", () => {
    const photo = { id: 9n, width: 640, height: 640, size: 5_000 };
    const actions = [
      ["MessageActionChannelCreate", { type: "channel_create", title: "A" }],
      ["MessageActionChatEditTitle", { type: "chat_edit_title", title: "B" }],
      ["MessageActionChatEditPhoto", { type: "chat_edit_photo", photo }],
      ["MessageActionChatDeletePhoto", { type: "chat_delete_photo" }],
      ["MessageActionPinMessage", { type: "pin_message" }],
      ["MessageActionChannelMigrateFrom", { type: "chat_migrate_from", title: "C", chatId: 3n }],
    ] as const;
    for (const [className, action] of actions) {
      const replyTo = { msgId: 5, peer: null, topId: null, quoteText: null, quoteOffset: null };
      expect(roundTrip({ action, replyTo }).action?.className).toBe(className);
    }
  });
});

test("a changed message is encoded anew", () => {
  const { id } = world.post(channel.id, textMessage("before"));
  expect(decode<Api.Message>(encodeMessage(channel, channel.messages.get(id)!)).message).toBe("before");
  world.edit(channel.id, id, { message: "after" });
  expect(decode<Api.Message>(encodeMessage(channel, channel.messages.get(id)!)).message).toBe("after");
});

test("config tells the data centers", () => {
  const bytes = encodeConfig({
    date: 1_700_000_000,
    thisDc: 2,
    dataCenters: [
      { id: 1, host: "127.0.0.1", port: 4431 },
      { id: 2, host: "::1", port: 4432 },
    ],
  });
  const decoded = decode<Api.Config>(bytes);
  expect(decoded.getBytes().equals(bytes)).toBe(true);
  expect(decoded.dcOptions.map(({ id, ipAddress, port, ipv6 }) => [id, ipAddress, port, ipv6])).toEqual([
    [1, "127.0.0.1", 4431, false],
    [2, "::1", 4432, true],
  ]);
});

type DocumentMedia = Extract<WorldMedia, { kind: "document" }>;

function document(as: DocumentMedia["as"], more: Partial<DocumentMedia>): DocumentMedia {
  return {
    kind: "document",
    as,
    id: 2n ** 60n,
    size: 2 ** 33,
    mime: "application/octet-stream",
    fileName: "файл.bin",
    width: null,
    height: null,
    duration: null,
    title: null,
    performer: null,
    stickerEmoji: null,
    thumbnailSize: null,
    spoiler: false,
    ...more,
  };
}

describe("frequent requests", () => {
  const [channelId, accessHash] = [bigInt("1500000001"), bigInt("-81985529216486895")];
  const peer = new Api.InputPeerChannel({ channelId, accessHash });
  const channel = new Api.InputChannel({ channelId, accessHash });
  const page = { offsetId: 1, offsetDate: 2, addOffset: -3, limit: 4, maxId: 5, minId: 6, hash: bigInt(7) };
  const filter = new Api.ChannelMessagesFilterEmpty();

  test.each<[string, Api.AnyRequest]>([
    ["messages.GetHistory", new Api.messages.GetHistory({ peer, ...page })],
    [
      "updates.GetChannelDifference",
      new Api.updates.GetChannelDifference({ force: true, channel, filter, pts: 8, limit: 9 }),
    ],
    [
      "messages.GetPeerDialogs",
      new Api.messages.GetPeerDialogs({
        peers: [new Api.InputDialogPeer({ peer }), new Api.InputDialogPeer({ peer })],
      }),
    ],
  ])("%s is read as GramJS reads it", (className, request) => {
    const bytes = request.getBytes();
    const hot = readHotRequest(bytes);
    expect(hot).toMatchObject({ className });
    expect(plain(hot)).toEqual(plain(decode(bytes)));
  });

  test("in an unusual form are left to GramJS", () => {
    const odd = new Api.messages.GetHistory({ peer: new Api.InputPeerSelf(), ...page }).getBytes();
    expect(readHotRequest(odd)).toBeNull();
    const usual = new Api.messages.GetHistory({ peer, ...page }).getBytes();
    for (let length = 0; length < usual.length; length++) expect(readHotRequest(usual.subarray(0, length))).toBeNull();
  });
});

/** Class name and fields alone, 64-bit numbers as text. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint" || bigInt.isInstance(value)) return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const hidden = ["CONSTRUCTOR_ID", "SUBCLASS_OF_ID", "classType", "originalArgs", "flags"];
  const fields = Object.entries(value).filter(([name, field]) => !hidden.includes(name) && field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]));
}
