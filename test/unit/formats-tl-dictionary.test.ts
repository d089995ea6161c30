import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ChannelMessage } from "../../db/message.ts";
import { textDigest } from "../../formats/desktop/digest.ts";
import { compareChannelMessage } from "../../formats/tl-dictionary/compare.ts";
import { parseTlDictionaries } from "../../formats/tl-dictionary/parse.ts";
import { parseWorldFile } from "../../formats/world-file.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { CHANNEL_DATA, exportBytes, hasChannelData, SMALL_EXPORT } from "../support/export-file.ts";
import { SMALL_TL, TL_CHANNEL, type TlDictionary, tlMessage, tlService } from "../support/tl-file.ts";

const parse = (...messages: readonly TlDictionary[]) => parseTlDictionaries(exportBytes(messages), "dir/news.tl.json");
const only = (given: TlDictionary): ChannelMessage => parse(tlMessage(7, given))[0]!.messages[0]!;
const small = () => parse(...SMALL_TL)[0]!;
const byId = (id: number) => small().messages.find((message) => message.id === id);

describe("parseTlDictionaries", () => {
  it("reads a plain message", () => {
    expect(only({ message: "Hi" })).toEqual({
      channelId: BigInt(TL_CHANNEL),
      id: 7,
      kind: "message",
      date: new Date("2024-01-02T00:00:00Z"),
      editDate: null,
      editHidden: false,
      text: "Hi",
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
      stats: { views: 10, forwards: 1, replies: null, reactions: null, pollResults: null },
    });
  });

  it("reads a channel in id order, whatever the file's", () => {
    expect(small()).toMatchObject({ id: BigInt(TL_CHANNEL), kind: "broadcast" });
    const ids = small().messages.map(({ id }) => id);
    expect(ids).toEqual([20, 21, 22, 23, ...Array.from({ length: 17 }, (_, index) => 25 + index)]);
  });

  it("keeps what a post has, 64-bit numbers exactly", () => {
    expect(byId(40)).toMatchObject({
      editDate: new Date("2024-01-03T00:00:00Z"),
      editHidden: true,
      groupedId: 13_282_338_104_466_909n,
      author: "Ada",
      viaBotId: 7_000_000_000n,
      pinned: true,
      silent: true,
      noForwards: true,
      forward: {
        date: "2024-01-01T00:00:00.000Z",
        from: { type: "user", id: "5" },
        fromName: null,
        channelPost: 3,
        author: null,
      },
      stats: {
        replies: 4,
        reactions: [
          { kind: "emoji", value: "👍", count: 5 },
          { kind: "custom_emoji", value: "6037622221625626773", count: 2 },
          { kind: "paid", value: "paid", count: 1 },
        ],
      },
    });
    expect(byId(40)?.entities).toEqual([
      { type: "bold", offset: 0, length: 15 },
      { type: "text_url", offset: 17, length: 4, url: "https://example.org/?a=1" },
      { type: "bold", offset: 17, length: 4 },
      { type: "italic", offset: 10, length: 9 },
      { type: "custom_emoji", offset: 22, length: 2, documentId: "5368324170671202286" },
      { type: "mention_name", offset: 0, length: 2, userId: "777" },
      { type: "pre", offset: 0, length: 2, language: "ts" },
      { type: "blockquote", offset: 0, length: 24, collapsed: true },
    ]);
  });

  const document = { kind: "document", id: "6037622221625626774", size: 5_000_000_000, spoiler: true };
  it.each<[number, object]>([
    [41, { kind: "photo", id: "6037622221625626773", dcId: 4, size: 160_000, width: 1280, height: 720 }],
    [39, { ...document, as: "video", fileName: "clip.mp4", width: 640, durationSeconds: 12.5, thumbnailSize: 1_500 }],
    [38, { ...document, as: "animation" }],
    [37, { ...document, as: "sticker", stickerEmoji: "🙂" }],
    [36, { ...document, as: "voice", durationSeconds: 3, thumbnailSize: null }],
    [35, { ...document, as: "audio", title: "T", performer: "P" }],
    [34, { ...document, as: "animation", width: 640, durationSeconds: null }],
    [33, { kind: "poll", id: "6037622221625626773", question: "Which?", answers: ["a", "b"], quiz: true }],
    [32, { kind: "web_page", url: "https://e.org/a", title: "A", description: null }],
    [31, { kind: "web_page", url: null }],
    [30, { kind: "geo", latitude: 59.9, longitude: 30.5, title: "Hall", address: "1 Road" }],
    [29, { kind: "contact", phone: "+1", firstName: "A", lastName: "B" }],
    [28, { kind: "dice", emoji: "🎲", value: 6 }],
    [27, { kind: "other", constructorName: "MessageMediaHologram" }],
  ])("reads the media of message %i", (id, expected) => {
    expect(byId(id)?.media).toMatchObject(expected);
  });

  it("counts a poll's votes by its options", () => {
    expect(byId(33)?.stats.pollResults).toEqual({ totalVoters: 3, voters: [null, 3] });
  });

  it("reads what a post replies to", () => {
    expect(byId(33)?.reply).toEqual({ messageId: 3, peer: null, topId: 2, quote: "said", quoteOffset: 4 });
    expect(byId(25)?.reply).toMatchObject({ messageId: null, peer: { type: "user", id: "9" } });
  });

  it("reads service messages, those of a newer layer by name", () => {
    expect([23, 22, 21, 20].map((id) => byId(id)?.service)).toEqual([
      { type: "pin_message", messageId: 22 },
      { type: "chat_edit_photo", photo: { id: "6037622221625626773", size: 160_000, width: 1280, height: 720 } },
      { type: "chat_edit_title", title: "Once" },
      { type: "teleport" },
    ]);
  });

  it("tells a group by its people, and channels apart", () => {
    const from_id = { _: "PeerUser", user_id: 5 };
    const peer_id = { _: "PeerChannel", channel_id: 77 };
    const channels = parse(tlMessage(1), tlMessage(1, { peer_id, post: false, from_id }), tlMessage(2));
    expect(channels.map(({ id, kind, messages }) => [id, kind, messages.length])).toEqual([
      [BigInt(TL_CHANNEL), "broadcast", 2],
      [77n, "megagroup", 1],
    ]);
    expect(channels[1]?.messages[0]?.from).toEqual({ type: "user", id: "5" });
  });

  it("names no sender where it is the channel itself", () => {
    expect(only({ from_id: { _: "PeerChannel", channel_id: TL_CHANNEL } }).from).toBeNull();
  });

  const bytes = exportBytes([tlMessage(9, { message: "Привет 👋" }), tlMessage(8)]);
  const at = bytes.indexOf("👋");
  it.each<[string, Buffer, string]>([
    ["no JSON", Buffer.from("Message(id=5)"), 'dir/f.json: unexpected "M" at line 1, column 1'],
    ["an empty file", Buffer.alloc(0), "dir/f.json: ends too early"],
    ["bytes", Buffer.from([0x5b, 0xff, 0xfe]), "it is not UTF-8 text"],
    ["a cut-off file", bytes.subarray(0, at - 20), "in [0]"],
    ["one cut within a sign", bytes.subarray(0, at + 2), "ends too early"],
    ["an object", Buffer.from("{}"), "it is no list"],
    ["an empty list", Buffer.from("[]"), "it holds no message"],
    ["a list of other things", Buffer.from("[1]"), "[0] is no dictionary"],
    ["dictionaries without a constructor", Buffer.from('[{"id": 1}]'), '[0] is without "_"'],
    ["other dictionaries", exportBytes([tlMessage(1), { _: "User", id: 1 }]), "[1] is User"],
    [
      "a message id above 2^53",
      exportBytes([{ ...tlMessage(1), id: 2n ** 60n }]),
      "dir/f.json: [0].id: must be a whole",
    ],
    ["a message id beyond 31 bits", exportBytes([tlMessage(2 ** 31)]), "[0].id: must be a whole number of 32 bits"],
    ["a message id of 0", exportBytes([tlMessage(0)]), "[0].id: must be 1 or more"],
    [
      "a channel id above 2^53",
      exportBytes([tlMessage(1, { peer_id: { _: "PeerChannel", channel_id: 2n ** 60n } })]),
      "[0].peer_id.channel_id: must be a whole number below 2^53",
    ],
    [
      "a person's chat",
      exportBytes([tlMessage(1), tlMessage(2, { peer_id: { _: "PeerUser", user_id: 3 } })]),
      "[1].peer_id: must be a PeerChannel",
    ],
    ["no peer", exportBytes([tlMessage(1, { peer_id: null })]), "[0].peer_id: must be a PeerUser"],
    ["an id twice", exportBytes([tlMessage(1), tlMessage(1)]), "[1].id: repeats"],
    ["no date", exportBytes([tlMessage(1, { date: "yesterday" })]), "[0].date: must be a date such as"],
    ["a date that is none", exportBytes([tlMessage(1, { date: "2024-13-45T99:00:00" })]), "[0].date: must be a date"],
    [
      "half an entity",
      exportBytes([tlMessage(1, { entities: [{ _: "MessageEntityBold", offset: 1 }] })]),
      "[0].entities[0].length: must be a whole number",
    ],
    [
      "half a photo",
      exportBytes([tlMessage(1, { media: { _: "MessageMediaPhoto", photo: { _: "Photo", dc_id: 1, sizes: [] } } })]),
      "[0].media.photo.id: must be a whole number of 64 bits",
    ],
    [
      "a service message without its action",
      exportBytes([{ ...tlService(1, {}), action: null }]),
      "[0].action: must be",
    ],
  ])("refuses %s, naming file and place", (_what, given, says) => {
    expect(() => parseTlDictionaries(given, "dir/f.json")).toThrow(OperatorError);
    expect(() => parseTlDictionaries(given, "dir/f.json")).toThrow(says);
  });

  it.skipIf(!hasChannelData)("reads 100 messages of a real channel (needs ../shared/data)", () => {
    const file = readFileSync(join(CHANNEL_DATA, "vedomosti.tl.json"));
    const truth = JSON.parse(readFileSync(join(CHANNEL_DATA, "expected.json"), "utf8"))["vedomosti.tl.json"];
    expect(createHash("sha256").update(file).digest("hex")).toBe(truth.sha256);
    const [channel, ...others] = parseTlDictionaries(file, "vedomosti.tl.json");
    expect(others).toEqual([]);
    const messages = channel!.messages;
    expect([messages.length, messages[0]?.id, messages.at(-1)?.id]).toEqual([truth.n, truth.min_id, truth.max_id]);
    expect(textDigest(messages)).toBe(truth.canonical_digest);
    expect(messages.filter(({ text }) => /[\u{10000}-\u{10ffff}]/u.test(text))).toHaveLength(truth.non_bmp_msgs);
    expect(Math.max(...messages.map(({ entities }) => entities.length))).toBe(truth.max_entities_per_msg);
    const ids = new Set(messages.map(({ id }) => id));
    const lost = messages.filter(({ reply }) => reply?.messageId && !ids.has(reply.messageId));
    expect(lost).toHaveLength(truth.reply_to_missing);
  });
});

describe("parseWorldFile", () => {
  it("tells the formats apart by what is in them", () => {
    expect(parseWorldFile(exportBytes(SMALL_TL), "a.json")).toMatchObject({
      format: "tl",
      channels: [{ id: 1555000222n }],
    });
    expect(parseWorldFile(exportBytes(SMALL_EXPORT), "a.json")).toMatchObject({ format: "desktop" });
  });

  it.each<[string, Buffer, string]>([
    ["a number", Buffer.from("5"), "a.json is not a Telegram Desktop export (result.json"],
    ["bytes", Buffer.from([0xff]), "nor a list of Telegram's messages as TL dictionaries"],
    ["another object", Buffer.from("{}"), "it has neither messages nor chats.list"],
    ["another list", Buffer.from("[{}]"), '[0] is without "_"'],
  ])("refuses %s", (_what, bytes, says) => {
    expect(() => parseWorldFile(bytes, "a.json")).toThrow(OperatorError);
    expect(() => parseWorldFile(bytes, "a.json")).toThrow(says);
  });
});

describe("compareChannelMessage", () => {
  it("finds nothing where nothing differs that counts", () => {
    for (const one of small().messages) expect(compareChannelMessage(one, structuredClone(one))).toEqual([]);
    const photo = byId(41)!;
    const { media, stats } = photo;
    if (media?.kind !== "photo") throw new Error("no photo");
    const reread = { ...photo, media: { ...media, dcId: 2 }, stats: { ...stats, views: 99 } };
    expect(compareChannelMessage(photo, reread)).toEqual([]);
  });

  it("takes what Telegram sends in place of what a layer does not have", () => {
    const [newer, media, action] = [byId(26)!, byId(27)!, byId(20)!];
    const unknown = newer.entities.map((one) => (one.type === "glow" ? { ...one, type: "unknown" } : one));
    expect(compareChannelMessage(newer, { ...newer, entities: unknown })).toEqual([]);
    const unsupported = { kind: "other", constructorName: "MessageMediaUnsupported" } as const;
    expect(compareChannelMessage(media, { ...media, media: unsupported })).toEqual([]);
    expect(compareChannelMessage(action, { ...action, service: { type: "empty" } })).toEqual([]);
  });

  it("expects no entity that reaches beyond its text", () => {
    const beyond = only({ message: "abc", entities: [{ _: "MessageEntityBold", offset: 2, length: 2 }] });
    expect(compareChannelMessage(beyond, { ...beyond, entities: [] })).toEqual([]);
    expect(compareChannelMessage(beyond, beyond)).toEqual(["entities"]);
  });

  it.each<[string, number, Partial<ChannelMessage>]>([
    ["id", 40, { id: 1 }],
    ["channel", 40, { channelId: 1n }],
    ["date", 40, { date: new Date(0) }],
    ["edit_date", 40, { editDate: null }],
    ["edit_hidden", 40, { editHidden: false }],
    ["text", 40, { text: "👨‍👩‍👧‍👦 New: here 🙂 " }],
    ["entities", 40, { entities: [] }],
    [
      "entities",
      26,
      {
        entities: [
          { type: "unknown", offset: 0, length: 4 },
          { type: "bold", offset: 0, length: 5 },
        ],
      },
    ],
    ["grouped_id", 40, { groupedId: 13_282_338_104_466_908n }],
    ["forward", 40, { forward: null }],
    ["reply", 33, { reply: null }],
    ["from", 40, { from: { type: "user", id: "5" } }],
    ["author", 40, { author: null }],
    ["via_bot", 40, { viaBotId: null }],
    ["pinned", 40, { pinned: false }],
    ["silent", 40, { silent: false }],
    ["no_forwards", 40, { noForwards: false }],
    ["media", 41, { media: null }],
    ["media", 27, { media: { kind: "other", constructorName: "MessageMediaGame" } }],
    ["service", 21, { service: { type: "chat_edit_title", title: "Twice" } }],
  ])("names %s where it differs (message %i)", (field, id, change) => {
    const message = byId(id)!;
    expect(compareChannelMessage(message, { ...message, ...change })).toEqual([field]);
  });
});
