import { describe, expect, it } from "vitest";
import { compareMessage } from "../../formats/desktop/compare.ts";
import { parseDesktopExport, parseDesktopExports } from "../../formats/desktop/parse.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { exportBytes, SMALL_EXPORT } from "../support/export-file.ts";

const parse = (value: unknown) => parseDesktopExport(exportBytes(value), "dir/result.json");
const withMessages = (...messages: unknown[]) => ({ ...SMALL_EXPORT, messages });
const message = SMALL_EXPORT.messages[2];

describe("parseDesktopExport", () => {
  it("reads a channel with everything in it", () => {
    const channel = parse(SMALL_EXPORT);
    expect(channel).toMatchObject({ name: SMALL_EXPORT.name, id: SMALL_EXPORT.id, unsupported: [6] });
    expect(channel.messages.map(({ id }) => id)).toEqual([1, 2, 5, 7, 9, 10]);
    expect(channel.messages[2]?.grouped_id).toBe(13_000_000_000_000_001n);
  });

  it("takes the channels of a full export, and asks for one where one is needed", () => {
    const full = { chats: { list: [{ type: "personal_chat", id: 5 }, SMALL_EXPORT, { ...SMALL_EXPORT, id: 77 }] } };
    expect(parseDesktopExports(exportBytes(full), "f").map(({ id }) => id)).toEqual([SMALL_EXPORT.id, 77]);
    expect(() => parse(full)).toThrow("dir/result.json holds 2 channels");
  });

  const text = exportBytes(SMALL_EXPORT);
  it.each<[string, Buffer, string]>([
    ["no JSON", Buffer.from("<html>"), 'dir/result.json: unexpected "<" at line 1, column 1'],
    ["an empty file", Buffer.alloc(0), "dir/result.json: ends too early at line 1, column 1: cut off"],
    ["bytes", Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x41]), "dir/result.json is not a Telegram Desktop export"],
    ["a list", Buffer.from("[]"), "dir/result.json is not a Telegram Desktop export"],
    ["another object", Buffer.from('{"a": 1}'), "it has neither messages nor chats.list"],
    ["a person's chat", exportBytes({ ...SMALL_EXPORT, type: "personal_chat" }), "type: must be one of"],
    ["a cut-off file", text.subarray(0, 1_500), "in messages[2]"],
    ["one cut within a sign", text.subarray(0, text.indexOf("👨") + 2), "ends too early"],
    [
      "a message id above 2^53",
      exportBytes(withMessages({ ...message, id: 9_007_199_254_740_993n })),
      "dir/result.json: messages[0].id: must be a whole number below 2^53",
    ],
    [
      "an id beyond 31 bits",
      exportBytes(withMessages({ ...message, id: 2 ** 31 })),
      "messages[0].id: must fit 31 bits",
    ],
    ["a channel id above 2^53", exportBytes({ ...SMALL_EXPORT, id: 2n ** 60n }), "result.json: id: must be a whole"],
    ["an id twice", exportBytes(withMessages(message, message)), "messages[1].id: repeats"],
    ["no date", exportBytes(withMessages({ ...message, date: "yesterday" })), "messages[0].date: must be a date"],
  ])("refuses %s, naming file and place", (_what, bytes, says) => {
    expect(() => parseDesktopExport(bytes, "dir/result.json")).toThrow(OperatorError);
    expect(() => parseDesktopExport(bytes, "dir/result.json")).toThrow(says);
  });
});

describe("compareMessage", () => {
  const given = parse(SMALL_EXPORT).messages;
  const [, photo, post, video, poll] = given as [unknown, ...typeof given];

  it("finds nothing where nothing differs that counts", () => {
    for (const one of given) expect(compareMessage(one, structuredClone(one))).toEqual([]);
    const moved = { ...post!, photo: "(File not included.)", date: "2024-01-02T09:00:00", from: "Another name" };
    expect(compareMessage(post!, moved)).toEqual([]);
    const voted = {
      ...poll!,
      poll: { ...poll!.poll!, answers: poll!.poll!.answers.map((a) => ({ ...a, chosen: false })) },
    };
    expect(compareMessage(poll!, voted)).toEqual([]);
    const { mime_type: _, ...unnamed } = video!;
    expect(compareMessage(unnamed, video!)).toEqual([]);
  });

  it.each<[string, (typeof given)[number], object]>([
    ["date", post!, { date_unixtime: "1704153601" }],
    ["edited", post!, { edited_unixtime: "1" }],
    ["text_entities", post!, { text_entities: [{ type: "plain", text: "👨‍👩‍👧‍👦 Neu: hier 🙂" }] }],
    ["author", post!, { author: "Eve" }],
    ["reply", post!, { reply_to_message_id: 4 }],
    ["forward", post!, { forwarded_from: "Nobody" }],
    ["reactions", post!, { reactions: [{ type: "emoji", count: 4, emoji: "❤" }] }],
    ["file_size", post!, { photo_file_size: 1 }],
    ["dimensions", post!, { width: 1 }],
    ["media", video!, { media_type: "animation" }],
    ["mime_type", video!, { mime_type: "video/webm" }],
    ["duration_seconds", video!, { duration_seconds: 1 }],
    ["thumbnail_file_size", video!, { thumbnail_file_size: 1 }],
    ["from_id", video!, { from_id: "user778" }],
    ["poll", poll!, { poll: { ...poll!.poll!, total_voters: 4 } }],
    ["action", photo!, { action: "delete_group_photo" }],
  ])("names %s where it differs", (field, expected, change) => {
    expect(compareMessage(expected, { ...expected, ...change })).toEqual([field]);
  });
});
