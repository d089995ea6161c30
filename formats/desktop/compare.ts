import { isDeepStrictEqual } from "node:util";
import { segmentsIn, textOf } from "./digest.ts";
import type { DesktopMessage, TextSegment } from "./schema.ts";

/**
 * The names of the fields in which two exported messages differ; none where they are the same.
 *
 * Not compared: paths of downloaded files, names of people (gramfleet keeps ids), the wall-clock form of dates where the
 * seconds are there too, and a poll's `chosen`, which is the exporting account's own.
 */
export function compareMessage(expected: DesktopMessage, actual: DesktopMessage): string[] {
  const left = comparable(expected);
  const right = comparable(actual);
  // Old exports have no mime type for some files: nothing to compare with then.
  if (expected.mime_type === undefined) right.mime_type = left.mime_type;
  return Object.keys(left).filter((field) => !isDeepStrictEqual(left[field], right[field]));
}

function comparable(message: DesktopMessage): Record<string, unknown> {
  return {
    id: message.id,
    type: message.type,
    date: seconds(message.date_unixtime, message.date),
    edited: message.edited === undefined ? null : seconds(message.edited_unixtime, message.edited),
    from_id: message.from_id ?? message.actor_id ?? null,
    author: message.author ?? null,
    text: textOf(message),
    text_entities: entities(segmentsIn(message)),
    reply: [message.reply_to_message_id ?? null, message.reply_to_peer_id ?? null],
    forward: [message.forwarded_from ?? null, message.forwarded_from_id ?? null],
    reactions: reactions(message.reactions ?? []),
    media: mediaKind(message),
    media_spoiler: message.media_spoiler ?? false,
    file_name: message.file_name ?? null,
    file_size: message.file_size ?? message.photo_file_size ?? 0,
    mime_type: message.mime_type ?? null,
    dimensions: [message.width ?? 0, message.height ?? 0],
    duration_seconds: message.duration_seconds ?? 0,
    performer: message.performer ?? null,
    title: message.title ?? null,
    sticker_emoji: message.sticker_emoji ?? null,
    thumbnail_file_size: message.thumbnail_file_size ?? 0,
    poll: poll(message.poll),
    contact: message.contact_information ? Object.entries(message.contact_information).sort() : null,
    location: [
      message.place_name ?? null,
      message.address ?? null,
      message.location_information?.latitude ?? null,
      message.location_information?.longitude ?? null,
    ],
    action: message.action ?? null,
    message_id: message.message_id ?? null,
    information_text: message.information_text ?? null,
  };
}

function seconds(unixTime: string | undefined, local: string): number {
  return unixTime === undefined ? Date.parse(`${local}Z`) / 1000 : Number(unixTime);
}

/** Empty segments say nothing (some versions of Desktop end with one); neighbouring plain ones are one. */
function entities(segments: readonly TextSegment[]) {
  const compared: Record<string, unknown>[] = [];
  for (const segment of segments) {
    if (segment.text === "") continue;
    const last = compared.at(-1);
    if (segment.type === "plain" && last?.type === "plain") {
      last.text = `${last.text}${segment.text}`;
      continue;
    }
    compared.push({
      type: segment.type,
      text: segment.text,
      href: segment.href,
      language: segment.language,
      user_id: segment.user_id === undefined ? undefined : String(segment.user_id),
      document_id: segment.document_id === undefined ? undefined : documentId(segment.document_id),
      // Versions before collapsed quotes do not have the field.
      collapsed: segment.type === "blockquote" ? (segment.collapsed ?? false) : undefined,
    });
  }
  return compared;
}

function reactions(list: NonNullable<DesktopMessage["reactions"]>): string[] {
  return list
    .map((reaction) => `${reaction.type} ${reaction.emoji ?? documentId(reaction.document_id)} ${reaction.count}`)
    .sort();
}

/** The path of a downloaded custom emoji stands where its id would. */
const documentId = (id = "") => (/^\d{1,19}$/.test(id) ? id : "0");

function poll(given: DesktopMessage["poll"]) {
  if (!given) return null;
  return [given.question, given.closed, given.total_voters, given.answers.map(({ text, voters }) => [text, voters])];
}

function mediaKind(message: DesktopMessage): string | null {
  if (message.photo !== undefined) return "photo";
  if (message.media_type !== undefined) return message.media_type;
  if (message.file !== undefined) return "file";
  if (message.poll !== undefined) return "poll";
  if (message.contact_information !== undefined) return "contact";
  if (message.location_information) return "location";
  return null;
}
