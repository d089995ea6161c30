import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DesktopMessage } from "../../formats/desktop/schema.ts";

type Segment = NonNullable<DesktopMessage["text_entities"]>[number];

/** 2023-01-01. */
const FIRST_DATE = 1_672_531_200;
const EVERY_SECONDS = 1_800;

const SENTENCES = [
  "The ferry to the island leaves at seven, and the last one back at nine in the evening.",
  "Сегодня открылась выставка старых карт города, вход свободный до конца месяца.",
  "Die Brücke bleibt bis Freitag gesperrt, Umleitungen sind ausgeschildert.",
  "Rain is expected in the afternoon; the market moves under the arcades 🌧️",
  "Новый маршрут автобуса свяжет вокзал, больницу и университет 🚌",
  "Le concert de samedi est complet, une seconde date sera annoncée bientôt.",
  "本日の図書館は午後八時まで開いています。",
  "The council published its budget: schools and tram lines get the largest share.",
];

const REACTIONS = ["👍", "❤"];

/**
 * A channel as Telegram Desktop exports it, made up: the same arguments, the same channel. Its messages are as long as
 * those of a news channel (a row of about 750 bytes): several scripts, emoji, entities, reactions; some are photos,
 * forwards, replies or have been edited.
 */
export function madeUpExport(channel: { readonly id: number; readonly name: string; readonly messages: number }): {
  readonly name: string;
  readonly type: "public_channel";
  readonly id: number;
  readonly messages: readonly DesktopMessage[];
} {
  const messages = Array.from({ length: channel.messages }, (_, index) => toMessage(index + 1, channel));
  return { name: channel.name, type: "public_channel", id: channel.id, messages };
}

/** Writes such a channel as a file that the emulator loads; its username is `username`. Gives the file's path. */
export function writeExport(dir: string, username: string, channel: Parameters<typeof madeUpExport>[0]): string {
  const file = join(dir, `${username}.json`);
  writeFileSync(file, JSON.stringify(madeUpExport(channel)));
  return file;
}

function toMessage(id: number, channel: { readonly id: number; readonly name: string }): DesktopMessage {
  const date = FIRST_DATE + id * EVERY_SECONDS;
  const segments = textOf(id);
  return {
    id,
    type: "message",
    date: localTime(date),
    date_unixtime: String(date),
    ...(id % 9 === 0 ? { edited: localTime(date + 600), edited_unixtime: String(date + 600) } : {}),
    from: channel.name,
    from_id: `channel${channel.id}`,
    ...(id % 11 === 0 ? { forwarded_from: "Harbour Office", forwarded_from_id: "channel1555000112" } : {}),
    ...(id % 13 === 0 ? { reply_to_message_id: id - 7 } : {}),
    ...(id % 4 === 0
      ? { photo: `photos/photo_${id}.jpg`, photo_file_size: 80_000 + (id % 997), width: 1280, height: 853 }
      : {}),
    text: segments.map((segment) => (segment.type === "plain" ? segment.text : segment)),
    text_entities: segments,
    ...(id % 3 === 0
      ? { reactions: REACTIONS.map((emoji, at) => ({ type: "emoji", count: 1 + ((id + at) % 40), emoji })) }
      : {}),
  };
}

const localTime = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 19);

function textOf(id: number): Segment[] {
  const sentence = (offset: number) => SENTENCES[(id * 5 + offset * 3) % SENTENCES.length] ?? "";
  return [
    { type: "bold", text: `№ ${id} · ${sentence(0)}` },
    { type: "plain", text: `\n\n${sentence(1)} ` },
    { type: "text_link", text: "More about it", href: `https://example.org/news/${id}` },
    { type: "plain", text: ` ${sentence(2)} ` },
    { type: "hashtag", text: id % 2 === 0 ? "#harbour" : "#город" },
  ];
}
