import type { DesktopMessage } from "../../formats/desktop/schema.ts";
import type { WorldMedia } from "./model.ts";

const KINDS = {
  video_file: "video",
  video_message: "round_video",
  animation: "animation",
  audio_file: "audio",
  voice_message: "voice",
  sticker: "sticker",
} as const;

/** What Desktop leaves out for some files, most likely. */
const LIKELY_MIME = {
  file: "application/octet-stream",
  video: "video/mp4",
  round_video: "video/mp4",
  animation: "video/mp4",
  audio: "audio/mpeg",
  voice: "audio/ogg",
  sticker: "image/webp",
} as const;

/** An exported message's media; null where it has none, or one that the emulator does not know (games, invoices). */
export function toWorldMedia(message: DesktopMessage, id: bigint): WorldMedia | null {
  if (message.photo !== undefined)
    return { kind: "photo", ...toWorldPhoto(message, id), spoiler: message.media_spoiler ?? false };
  if (message.file !== undefined || message.media_type !== undefined) return toDocument(message, id);
  if (message.poll) return toPoll(message.poll, id);
  const contact = message.contact_information;
  if (contact)
    return {
      kind: "contact",
      phone: contact.phone_number,
      firstName: contact.first_name,
      lastName: contact.last_name,
    };
  const location = message.location_information;
  if (location)
    return {
      kind: "geo",
      latitude: location.latitude,
      longitude: location.longitude,
      title: message.place_name ?? null,
      address: message.address ?? null,
    };
  return null;
}

export function toWorldPhoto(message: DesktopMessage, id: bigint) {
  return { id, width: message.width ?? 0, height: message.height ?? 0, size: message.photo_file_size ?? 0 };
}

function toDocument(message: DesktopMessage, id: bigint): WorldMedia {
  const as = KINDS[message.media_type as keyof typeof KINDS] ?? "file";
  return {
    kind: "document",
    as,
    id,
    size: message.file_size ?? 0,
    mime: message.mime_type ?? LIKELY_MIME[as],
    fileName: message.file_name ?? null,
    width: message.width ?? null,
    height: message.height ?? null,
    duration: message.duration_seconds ?? null,
    title: message.title ?? null,
    performer: message.performer ?? null,
    stickerEmoji: message.sticker_emoji ?? null,
    thumbnailSize: message.thumbnail === undefined ? null : (message.thumbnail_file_size ?? 0),
    spoiler: message.media_spoiler ?? false,
  };
}

function toPoll(poll: NonNullable<DesktopMessage["poll"]>, id: bigint): WorldMedia {
  return {
    kind: "poll",
    id,
    question: poll.question,
    answers: poll.answers.map(({ text, voters, chosen }) => ({ text, voters, chosen })),
    closed: poll.closed,
    multiple: false,
    quiz: false,
    publicVoters: false,
    totalVoters: poll.total_voters,
  };
}
