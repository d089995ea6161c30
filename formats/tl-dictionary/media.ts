import { z } from "zod";
import type { MessageMedia, PollResults } from "../../db/message.ts";
import { byteLength, dictionary, flag, int, long, longText, oneOf, optional } from "./bare.ts";

type DocumentMedia = Extract<MessageMedia, { kind: "document" }>;

const text = z.string();
/** A number of bytes; a double holds it exactly. */
const fileSize = z.int("must be a whole number below 2^53").nonnegative();
/** Polls before layer 188 have plain strings. */
const formatted = z
  .union([text, z.looseObject({ text })], { error: "must be a text" })
  .transform((value) => (typeof value === "string" ? value : value.text));
/** Opaque to everybody but the server; here only held against another. */
const option = z.unknown().transform((value) => JSON.stringify(value));

const photoSize = oneOf(
  dictionary("PhotoSize", { w: int, h: int, size: int }),
  dictionary("PhotoSizeProgressive", { w: int, h: int, sizes: z.array(int) }),
  dictionary("PhotoCachedSize", { w: int, h: int, bytes: byteLength }),
);
type PhotoSize = z.output<typeof photoSize>;

/** A photo's id and its largest size that has bytes of its own (a progressive one's last); no previews in outline. */
export const photo = oneOf(dictionary("Photo", { id: longText, dc_id: int, sizes: z.array(photoSize) })).transform(
  (value) =>
    value._ === "Photo"
      ? { id: value.id, dcId: value.dc_id, ...(largest(value.sizes) ?? { size: 0, width: 0, height: 0 }) }
      : null,
);

const attribute = oneOf(
  dictionary("DocumentAttributeVideo", { duration: z.number(), w: int, h: int, round_message: flag }),
  dictionary("DocumentAttributeAudio", {
    duration: z.number(),
    voice: flag,
    title: optional(text),
    performer: optional(text),
  }),
  dictionary("DocumentAttributeFilename", { file_name: text }),
  dictionary("DocumentAttributeSticker", { alt: text }),
  dictionary("DocumentAttributeCustomEmoji", { alt: text }),
  dictionary("DocumentAttributeImageSize", { w: int, h: int }),
  dictionary("DocumentAttributeAnimated", {}),
);

const document = oneOf(
  dictionary("Document", {
    id: longText,
    dc_id: int,
    mime_type: text,
    size: fileSize,
    thumbs: optional(z.array(photoSize)),
    attributes: z.array(attribute),
  }),
);
type Document = Extract<z.output<typeof document>, { _: "Document" }>;

const poll = z.looseObject({
  id: longText,
  question: formatted,
  answers: z.array(z.looseObject({ text: formatted, option })),
  closed: flag,
  multiple_choice: flag,
  quiz: flag,
  public_voters: flag,
});
const pollResults = z.looseObject({
  total_voters: optional(int),
  results: optional(z.array(z.looseObject({ option, voters: optional(int) }))),
});

const webPage = oneOf(
  dictionary("WebPage", {
    url: text,
    title: optional(text),
    description: optional(text),
    site_name: optional(text),
  }),
  dictionary("WebPageEmpty", { url: optional(text) }),
  dictionary("WebPagePending", { url: optional(text) }),
);

const geo = oneOf(dictionary("GeoPoint", { lat: z.number(), long: z.number() }));

/** The media of a message that gramfleet has words for. */
const knownMedia = oneOf(
  dictionary("MessageMediaEmpty", {}),
  dictionary("MessageMediaPhoto", { photo: optional(photo), spoiler: flag }),
  dictionary("MessageMediaDocument", { document: optional(document), spoiler: flag }),
  dictionary("MessageMediaPoll", { poll, results: pollResults }),
  dictionary("MessageMediaWebPage", { webpage: webPage }),
  dictionary("MessageMediaGeo", { geo }),
  dictionary("MessageMediaGeoLive", { geo }),
  dictionary("MessageMediaVenue", { geo, title: text, address: text }),
  dictionary("MessageMediaContact", {
    phone_number: text,
    first_name: text,
    last_name: text,
    user_id: optional(long),
  }),
  dictionary("MessageMediaDice", { emoticon: text, value: int }),
);
type KnownMedia = z.output<typeof knownMedia>;

/** A message's media as gramfleet keeps it, with a poll's votes beside it. */
export const media = knownMedia.transform((value) => ({ media: toMedia(value), pollResults: toPollResults(value) }));

function toMedia(value: KnownMedia): MessageMedia | null {
  switch (value._) {
    case "MessageMediaEmpty":
      return null;
    case "MessageMediaPhoto":
      return value.photo ? { kind: "photo", ...value.photo, spoiler: value.spoiler } : other("PhotoEmpty");
    case "MessageMediaDocument":
      return value.document?._ === "Document"
        ? toDocument(value.document, value.spoiler)
        : other(value.document?.constructorName ?? "DocumentEmpty");
    case "MessageMediaPoll":
      return {
        kind: "poll",
        id: value.poll.id,
        question: value.poll.question,
        answers: value.poll.answers.map((answer) => answer.text),
        closed: value.poll.closed,
        multiple: value.poll.multiple_choice,
        quiz: value.poll.quiz,
        publicVoters: value.poll.public_voters,
      };
    case "MessageMediaWebPage":
      return toWebPage(value.webpage);
    case "MessageMediaGeo":
    case "MessageMediaGeoLive":
      return toGeo(value.geo, null, null);
    case "MessageMediaVenue":
      return toGeo(value.geo, value.title, value.address);
    case "MessageMediaContact":
      return {
        kind: "contact",
        phone: value.phone_number,
        firstName: value.first_name,
        lastName: value.last_name,
      };
    case "MessageMediaDice":
      return { kind: "dice", emoji: value.emoticon, value: value.value };
    default:
      return other(value.constructorName);
  }
}

function toPollResults(value: KnownMedia): PollResults | null {
  if (value._ !== "MessageMediaPoll") return null;
  const votes = new Map(value.results.results?.map((one) => [one.option, one.voters]));
  return {
    totalVoters: value.results.total_voters,
    voters: value.poll.answers.map((answer) => votes.get(answer.option) ?? null),
  };
}

function largest(sizes: readonly PhotoSize[]): { size: number; width: number; height: number } | null {
  let found: { size: number; width: number; height: number } | null = null;
  for (const one of sizes) {
    const bytes = bytesOf(one);
    if (one._ === "" || bytes === null) continue;
    if (!found || one.w * one.h > found.width * found.height) found = { size: bytes, width: one.w, height: one.h };
  }
  return found;
}

function bytesOf(size: PhotoSize): number | null {
  if (size._ === "PhotoSize") return size.size;
  if (size._ === "PhotoSizeProgressive") return size.sizes.at(-1) ?? null;
  return size._ === "PhotoCachedSize" ? size.bytes : null;
}

function toDocument(value: Document, spoiler: boolean): DocumentMedia {
  type Attribute = z.output<typeof attribute>;
  const find = <N extends Attribute["_"]>(name: N) =>
    value.attributes.find((one): one is Extract<Attribute, { _: N }> => one._ === name);
  const video = find("DocumentAttributeVideo");
  const audio = find("DocumentAttributeAudio");
  const sticker = find("DocumentAttributeSticker") ?? find("DocumentAttributeCustomEmoji");
  const box = video ?? find("DocumentAttributeImageSize");
  // A sticker may also be a video, and a GIF is an animated video: the narrower word wins.
  const as = sticker
    ? "sticker"
    : video?.round_message
      ? "round_video"
      : find("DocumentAttributeAnimated")
        ? "animation"
        : video
          ? "video"
          : audio
            ? audio.voice
              ? "voice"
              : "audio"
            : "file";
  return {
    kind: "document",
    as,
    id: value.id,
    dcId: value.dc_id,
    size: value.size,
    mime: value.mime_type,
    fileName: find("DocumentAttributeFilename")?.file_name ?? null,
    width: box?.w ?? null,
    height: box?.h ?? null,
    durationSeconds: video?.duration ?? audio?.duration ?? null,
    title: audio?.title ?? null,
    performer: audio?.performer ?? null,
    stickerEmoji: sticker?.alt ?? null,
    thumbnailSize: largest(value.thumbs ?? [])?.size ?? null,
    spoiler,
  };
}

function toWebPage(page: z.output<typeof webPage>): MessageMedia {
  if (page._ === "WebPage")
    return {
      kind: "web_page",
      url: page.url,
      title: page.title,
      description: page.description,
      siteName: page.site_name,
    };
  return { kind: "web_page", url: page._ === "" ? null : page.url, title: null, description: null, siteName: null };
}

function toGeo(point: z.output<typeof geo>, title: string | null, address: string | null): MessageMedia {
  if (point._ !== "GeoPoint") return other("GeoPointEmpty");
  return { kind: "geo", latitude: point.lat, longitude: point.long, title, address };
}

const other = (constructorName: string): MessageMedia => ({ kind: "other", constructorName });
