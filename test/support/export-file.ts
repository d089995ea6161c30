import { existsSync } from "node:fs";
import { join } from "node:path";

/** Published test data beside the checkout; tests that read it skip, aloud, where it is not there. */
export const CHANNEL_DATA = join(import.meta.dirname, "../../../shared/data/channels");
export const hasChannelData = existsSync(CHANNEL_DATA);

/** A small export of our own, of every kind of message, for tests that need no more. */
export const SMALL_EXPORT = {
  name: "Hafenbote 🌊",
  type: "public_channel",
  id: 1_555_000_111,
  messages: [
    {
      id: 1,
      type: "service",
      date: "2024-01-01T01:00:00",
      date_unixtime: "1704067200",
      actor: "Hafenbote 🌊",
      actor_id: "channel1555000111",
      action: "create_channel",
      title: "Hafenbote",
      text: "",
      text_entities: [],
    },
    {
      id: 2,
      type: "service",
      date: "2024-01-01T01:00:05",
      date_unixtime: "1704067205",
      actor: "Hafenbote 🌊",
      actor_id: "channel1555000111",
      action: "edit_group_photo",
      photo: "photos/photo_1.jpg",
      photo_file_size: 20_000,
      width: 640,
      height: 480,
      text: "",
      text_entities: [],
    },
    {
      id: 5,
      type: "message",
      date: "2024-01-02T01:00:00",
      date_unixtime: "1704153600",
      edited: "2024-01-03T01:00:00",
      edited_unixtime: "1704240000",
      from: "Hafenbote 🌊",
      from_id: "channel1555000111",
      author: "Ada",
      forwarded_from: "Somebody",
      reply_to_message_id: 3,
      grouped_id: 13_000_000_000_000_001n,
      photo: "photos/photo_2.jpg",
      photo_file_size: 45_214,
      width: 245,
      height: 360,
      text: [
        { type: "bold", text: "👨‍👩‍👧‍👦 Neu" },
        ": ",
        { type: "text_link", text: "hier", href: "https://example.org/?a=1" },
        " ",
        { type: "custom_emoji", text: "🙂", document_id: "5368324170671202286" },
      ],
      text_entities: [
        { type: "bold", text: "👨‍👩‍👧‍👦 Neu" },
        { type: "plain", text: ": " },
        { type: "text_link", text: "hier", href: "https://example.org/?a=1" },
        { type: "plain", text: " " },
        { type: "custom_emoji", text: "🙂", document_id: "5368324170671202286" },
        { type: "plain", text: "" },
      ],
      reactions: [
        { type: "emoji", count: 3, emoji: "❤" },
        { type: "custom_emoji", count: 1, document_id: "5368324170671202287" },
      ],
    },
    { id: 6, type: "unsupported" },
    {
      id: 7,
      type: "message",
      date: "2024-01-04T01:00:00",
      date_unixtime: "1704326400",
      from: null,
      from_id: "user777",
      forwarded_from: null,
      forwarded_from_id: "channel1900000001",
      reply_to_message_id: 44,
      reply_to_peer_id: "channel1900000001",
      file: "video_files/v.mp4",
      file_name: "v.mp4",
      file_size: 6_000_000,
      thumbnail: "video_files/v.mp4_thumb.jpg",
      thumbnail_file_size: 1515,
      media_type: "video_file",
      mime_type: "video/mp4",
      duration_seconds: 108,
      width: 852,
      height: 480,
      text: "",
      text_entities: [],
    },
    {
      id: 9,
      type: "message",
      date: "2024-01-05T01:00:00",
      date_unixtime: "1704412800",
      from: "Hafenbote 🌊",
      from_id: "channel1555000111",
      poll: {
        question: "Wann?",
        closed: false,
        total_voters: 3,
        answers: [
          { text: "heute", voters: 1, chosen: true },
          { text: "morgen", voters: 2, chosen: false },
        ],
      },
      text: "",
      text_entities: [],
    },
    {
      id: 10,
      type: "service",
      date: "2024-01-05T01:01:00",
      date_unixtime: "1704412860",
      actor: "Hafenbote 🌊",
      actor_id: "channel1555000111",
      action: "pin_message",
      message_id: 9,
      text: "",
      text_entities: [],
    },
  ],
};

/** As a file's bytes; 64-bit numbers stand in it as they are in exports, bare. */
export function exportBytes(value: unknown): Buffer {
  const text = JSON.stringify(value, (_key, field: unknown) => (typeof field === "bigint" ? `bare${field}` : field), 1);
  return Buffer.from(text.replace(/"bare(\d+)"/g, "$1"));
}
