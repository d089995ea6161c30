import type { WorldMedia } from "./model.ts";
import type { Random } from "./random.ts";
import { emoji, sentence } from "./texts.ts";

/** File ids have 63 bits, always above 2^53 here, so that a rounded one is noticed. */
export function fileId(random: Random): bigint {
  return (1n << 62n) + (BigInt(random.int(0, 2 ** 30)) << 30n) + BigInt(random.int(0, 2 ** 30 - 1));
}

/** Media of a random kind, albums' kinds more often than the rest. */
export function composeMedia(random: Random): WorldMedia {
  return random.pick(KINDS)(random);
}

/** What albums are made of. */
export function composeAlbumMedia(random: Random): WorldMedia {
  return random.chance(0.75) ? photo(random) : video(random);
}

type Document = Extract<WorldMedia, { kind: "document" }>;

const document = (random: Random, given: Pick<Document, "as" | "mime"> & Partial<Document>): WorldMedia => ({
  kind: "document",
  id: fileId(random),
  size: random.int(2_000, 50_000_000),
  fileName: null,
  width: null,
  height: null,
  duration: null,
  title: null,
  performer: null,
  stickerEmoji: null,
  thumbnailSize: null,
  spoiler: false,
  ...given,
});

const photo = (random: Random): WorldMedia => ({
  kind: "photo",
  id: fileId(random),
  width: random.int(320, 1280),
  height: random.int(320, 1280),
  size: random.int(10_000, 400_000),
  spoiler: random.chance(0.05),
});

const video = (random: Random): WorldMedia =>
  document(random, {
    as: "video",
    mime: "video/mp4",
    fileName: random.chance(0.5) ? "вид на гавань 🌊.mp4" : null,
    width: 1280,
    height: 720,
    duration: random.int(1, 900),
    thumbnailSize: random.int(800, 20_000),
    spoiler: random.chance(0.05),
  });

const KINDS: readonly ((random: Random) => WorldMedia)[] = [
  photo,
  photo,
  photo,
  video,
  (random) =>
    document(random, { as: "round_video", mime: "video/mp4", width: 384, height: 384, duration: random.int(1, 60) }),
  (random) =>
    document(random, {
      as: "animation",
      mime: "video/mp4",
      fileName: "giphy.mp4",
      width: 320,
      height: 240,
      duration: 3,
    }),
  (random) =>
    document(random, {
      as: "audio",
      mime: "audio/mpeg",
      duration: random.int(60, 600),
      title: "Wind over the bay",
      performer: random.chance(0.5) ? "坂の上" : null,
    }),
  (random) => document(random, { as: "voice", mime: "audio/ogg", duration: random.int(1, 300) }),
  (random) =>
    document(random, {
      as: "sticker",
      mime: "image/webp",
      fileName: "sticker.webp",
      width: 512,
      height: 512,
      stickerEmoji: emoji(random),
      thumbnailSize: random.int(800, 9_000),
    }),
  (random) =>
    document(random, { as: "file", mime: "application/pdf", fileName: "報告書 2026.pdf", thumbnailSize: 4_321 }),
  (random) => ({
    kind: "web_page",
    url: `https://example.org/${random.int(1, 99_999)}`,
    title: sentence(random),
    description: random.chance(0.5) ? sentence(random) : null,
    siteName: random.chance(0.7) ? "Example" : null,
  }),
  (random) => ({
    kind: "geo",
    latitude: random.int(-80_000, 80_000) / 1_000,
    longitude: random.int(-179_000, 179_000) / 1_000,
    ...(random.chance(0.5) ? { title: "Old mill", address: "Mühlstraße 4" } : { title: null, address: null }),
  }),
  (random) => ({ kind: "contact", phone: `99966${random.int(10_000, 39_999)}`, firstName: "Mila", lastName: "Ö." }),
  (random) => ({ kind: "dice", emoji: random.pick(["🎲", "🎯", "🏀"]), value: random.int(1, 5) }),
];

/** A poll with results. */
export function composePoll(random: Random): WorldMedia {
  const answers = Array.from({ length: random.int(2, 6) }, (_, index) => ({
    text: `${index + 1}. ${sentence(random).slice(0, 40)}`,
    voters: random.int(0, 500),
    chosen: false,
  }));
  return {
    kind: "poll",
    id: fileId(random),
    question: sentence(random),
    answers,
    closed: random.chance(0.2),
    multiple: random.chance(0.3),
    quiz: false,
    publicVoters: false,
    totalVoters: answers.reduce((sum, answer) => sum + answer.voters, 0),
  };
}
