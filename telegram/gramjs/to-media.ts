import type { Api } from "telegram/tl/api.js";
import type { MessageMedia } from "../../db/message.ts";
import { fromLong } from "./ids.ts";

type DocumentMedia = Extract<MessageMedia, { kind: "document" }>;
type Dimensions = { readonly size: number; readonly width: number; readonly height: number };

/** A post's media in our words; null where there is none. What we have no words for keeps its constructor's name. */
export function toMedia(media: Api.TypeMessageMedia): MessageMedia | null {
  switch (media.className) {
    case "MessageMediaEmpty":
      return null;
    case "MessageMediaPhoto":
      return media.photo?.className === "Photo" ? toPhoto(media.photo, Boolean(media.spoiler)) : other("PhotoEmpty");
    case "MessageMediaDocument":
      return media.document?.className === "Document"
        ? toDocument(media.document, Boolean(media.spoiler))
        : other("DocumentEmpty");
    case "MessageMediaPoll":
      return {
        kind: "poll",
        id: media.poll.id.toString(),
        question: media.poll.question.text,
        answers: media.poll.answers.map((answer) => answer.text.text),
        closed: Boolean(media.poll.closed),
        multiple: Boolean(media.poll.multipleChoice),
        quiz: Boolean(media.poll.quiz),
        publicVoters: Boolean(media.poll.publicVoters),
      };
    case "MessageMediaWebPage":
      return toWebPage(media.webpage);
    case "MessageMediaGeo":
    case "MessageMediaGeoLive":
      return toGeo(media.geo, null, null);
    case "MessageMediaVenue":
      return toGeo(media.geo, media.title, media.address);
    case "MessageMediaContact":
      return { kind: "contact", phone: media.phoneNumber, firstName: media.firstName, lastName: media.lastName };
    case "MessageMediaDice":
      return { kind: "dice", emoji: media.emoticon, value: media.value };
    default:
      return other(media.className);
  }
}

/** Bytes and dimensions of the largest of these sizes that has bytes of its own (no previews in outline). */
export function largestSize(sizes: readonly Api.TypePhotoSize[]): Dimensions | null {
  let largest: Dimensions | null = null;
  for (const size of sizes) {
    const bytes = bytesOf(size);
    if (bytes === null || !("w" in size)) continue;
    if (!largest || size.w * size.h > largest.width * largest.height) {
      largest = { size: bytes, width: size.w, height: size.h };
    }
  }
  return largest;
}

export function toPhoto(photo: Api.Photo, spoiler: boolean): Extract<MessageMedia, { kind: "photo" }> {
  const largest = largestSize(photo.sizes) ?? { size: 0, width: 0, height: 0 };
  return { kind: "photo", id: photo.id.toString(), dcId: photo.dcId, ...largest, spoiler };
}

function bytesOf(size: Api.TypePhotoSize): number | null {
  switch (size.className) {
    case "PhotoSize":
      return size.size;
    case "PhotoSizeProgressive":
      return size.sizes.at(-1) ?? null;
    case "PhotoCachedSize":
      return size.bytes.length;
    default:
      return null;
  }
}

function toDocument(document: Api.Document, spoiler: boolean): DocumentMedia {
  const attribute = <N extends Api.TypeDocumentAttribute["className"]>(name: N) =>
    document.attributes.find(
      (one): one is Extract<Api.TypeDocumentAttribute, { className: N }> => one.className === name,
    );
  const video = attribute("DocumentAttributeVideo");
  const audio = attribute("DocumentAttributeAudio");
  const sticker = attribute("DocumentAttributeSticker") ?? attribute("DocumentAttributeCustomEmoji");
  const box = video ?? attribute("DocumentAttributeImageSize");
  return {
    kind: "document",
    as: kindOf({ video, audio, sticker, animated: attribute("DocumentAttributeAnimated") }),
    id: document.id.toString(),
    dcId: document.dcId,
    size: Number(fromLong(document.size)),
    mime: document.mimeType,
    fileName: attribute("DocumentAttributeFilename")?.fileName ?? null,
    width: box?.w ?? null,
    height: box?.h ?? null,
    durationSeconds: video?.duration ?? audio?.duration ?? null,
    title: audio?.title ?? null,
    performer: audio?.performer ?? null,
    stickerEmoji: sticker?.alt ?? null,
    thumbnailSize: largestSize(document.thumbs ?? [])?.size ?? null,
    spoiler,
  };
}

/** A sticker may also be a video, and a GIF is an animated video: the narrower word wins. */
function kindOf(attributes: {
  video: Api.DocumentAttributeVideo | undefined;
  audio: Api.DocumentAttributeAudio | undefined;
  sticker: object | undefined;
  animated: object | undefined;
}): DocumentMedia["as"] {
  if (attributes.sticker) return "sticker";
  if (attributes.video?.roundMessage) return "round_video";
  if (attributes.animated) return "animation";
  if (attributes.video) return "video";
  if (attributes.audio) return attributes.audio.voice ? "voice" : "audio";
  return "file";
}

function toWebPage(page: Api.TypeWebPage): MessageMedia {
  const text = (key: "title" | "description" | "siteName") =>
    page.className === "WebPage" ? (page[key] ?? null) : null;
  return {
    kind: "web_page",
    url: page.className === "WebPageNotModified" ? null : (page.url ?? null),
    title: text("title"),
    description: text("description"),
    siteName: text("siteName"),
  };
}

function toGeo(geo: Api.TypeGeoPoint, title: string | null, address: string | null): MessageMedia {
  if (geo.className !== "GeoPoint") return other("GeoPointEmpty");
  return { kind: "geo", latitude: geo.lat, longitude: geo.long, title, address };
}

function other(constructorName: string): MessageMedia {
  return { kind: "other", constructorName };
}
