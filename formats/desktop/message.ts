import type { ChannelMessage, MessageMedia, MessageStats, PeerRef } from "../../db/message.ts";
import { desktopText, segmentsOf } from "./entities.ts";
import type { DesktopMessage } from "./schema.ts";

/** What an export says about its channel. */
export interface ExportedChannel {
  readonly id: bigint;
  readonly title: string;
  readonly username: string | null;
  readonly kind: "broadcast" | "megagroup";
}

/** What Desktop writes for a file that was not downloaded. */
export const NOT_INCLUDED = "(File not included. Change data exporting settings to download.)";

const ACTIONS: Readonly<Record<string, string>> = {
  channel_create: "create_channel",
  chat_edit_title: "edit_group_title",
  chat_edit_photo: "edit_group_photo",
  chat_delete_photo: "delete_group_photo",
  pin_message: "pin_message",
  chat_migrate_from: "migrate_from_group",
  channel_migrate_from: "migrate_from_group",
};

const MEDIA_TYPES = {
  file: undefined,
  video: "video_file",
  round_video: "video_message",
  animation: "animation",
  audio: "audio_file",
  voice: "voice_message",
  sticker: "sticker",
} as const;

/**
 * A stored message in the export's form. What the form has no place for is left out: views, albums, previews of web
 * pages, dice (`formats/jsonl` keeps them).
 *
 * @param localTime how a moment reads in the export's time zone, `2023-07-18T00:23:39`
 */
export function toDesktopMessage(
  channel: ExportedChannel,
  message: ChannelMessage,
  localTime: (date: Date) => string,
): DesktopMessage {
  const segments = segmentsOf(message.text, message.entities);
  const written = {
    id: message.id,
    type: message.kind,
    date: localTime(message.date),
    date_unixtime: unixTime(message.date),
    edited: message.editDate ? localTime(message.editDate) : undefined,
    edited_unixtime: message.editDate ? unixTime(message.editDate) : undefined,
    ...(message.kind === "service" ? serviceFields(channel, message) : messageFields(channel, message)),
    text: desktopText(segments),
    text_entities: segments,
    reactions: message.stats.reactions?.length ? message.stats.reactions.map(reactionFields) : undefined,
  };
  return withoutUndefined(written) as DesktopMessage;
}

function serviceFields(channel: ExportedChannel, message: ChannelMessage) {
  const { service } = message;
  return {
    ...sender("actor", channel, message.from),
    action: service ? (ACTIONS[service.type] ?? service.type) : undefined,
    title: service?.title,
    ...(service?.photo ? photoFields(service.photo) : {}),
    message_id:
      service?.type === "pin_message" ? (service.messageId ?? message.reply?.messageId ?? undefined) : undefined,
    information_text: service?.text,
  };
}

function messageFields(channel: ExportedChannel, message: ChannelMessage) {
  const { forward, reply, media } = message;
  return {
    ...sender("from", channel, message.from),
    author: message.author || undefined,
    forwarded_from: forward ? forward.fromName : undefined,
    forwarded_from_id: forward?.from ? peerId(forward.from) : undefined,
    reply_to_message_id: reply?.messageId ?? undefined,
    reply_to_peer_id: reply?.messageId && reply.peer ? peerId(reply.peer) : undefined,
    ...(media ? mediaFields(media, message.stats) : {}),
  };
}

function mediaFields(media: MessageMedia, stats: MessageStats) {
  switch (media.kind) {
    case "photo":
      return { ...photoFields(media), media_spoiler: media.spoiler || undefined };
    case "document":
      return documentFields(media);
    case "poll":
      return { poll: pollFields(media, stats) };
    case "contact":
      return {
        contact_information: {
          first_name: media.firstName,
          last_name: media.lastName,
          phone_number: media.phone,
        },
      };
    case "geo":
      return {
        place_name: media.title || undefined,
        address: media.address || undefined,
        location_information: { latitude: media.latitude, longitude: media.longitude },
      };
    default:
      return {};
  }
}

function photoFields(photo: { readonly size: number; readonly width: number; readonly height: number }) {
  return {
    photo: NOT_INCLUDED,
    photo_file_size: photo.size || undefined,
    ...dimensions(photo),
  };
}

function documentFields(media: Extract<MessageMedia, { kind: "document" }>) {
  const hasThumbnail = media.thumbnailSize !== null;
  return {
    file: NOT_INCLUDED,
    file_name: media.fileName || undefined,
    file_size: media.size || undefined,
    thumbnail: hasThumbnail ? NOT_INCLUDED : undefined,
    thumbnail_file_size: media.thumbnailSize || undefined,
    media_type: MEDIA_TYPES[media.as],
    sticker_emoji: media.stickerEmoji || undefined,
    performer: media.performer || undefined,
    title: media.title || undefined,
    mime_type: media.mime || undefined,
    duration_seconds: Math.trunc(media.durationSeconds ?? 0) || undefined,
    ...dimensions(media),
    media_spoiler: media.spoiler || undefined,
  };
}

/** `chosen` is what the exporting account voted; gramfleet keeps nothing that is one account's. */
function pollFields(media: Extract<MessageMedia, { kind: "poll" }>, stats: MessageStats) {
  return {
    question: media.question,
    closed: media.closed,
    total_voters: stats.pollResults?.totalVoters ?? 0,
    answers: media.answers.map((text, index) => ({
      text,
      voters: stats.pollResults?.voters[index] ?? 0,
      chosen: false,
    })),
  };
}

function reactionFields(reaction: { readonly kind: string; readonly value: string; readonly count: number }) {
  if (reaction.kind === "emoji") return { type: "emoji", count: reaction.count, emoji: reaction.value };
  if (reaction.kind === "custom_emoji")
    return { type: "custom_emoji", count: reaction.count, document_id: reaction.value };
  return { type: reaction.kind, count: reaction.count };
}

/** Who it is from: the channel itself, by name, or a peer whose name is not kept. */
function sender(label: "from" | "actor", channel: ExportedChannel, from: PeerRef | null) {
  const self = from === null || (from.type === "channel" && from.id === String(channel.id));
  return {
    [label]: self ? channel.title : null,
    [`${label}_id`]: self ? `channel${channel.id}` : peerId(from),
  };
}

function dimensions(media: { readonly width: number | null; readonly height: number | null }) {
  return media.width && media.height ? { width: media.width, height: media.height } : {};
}

const peerId = (peer: PeerRef) => `${peer.type}${peer.id}`;
const unixTime = (date: Date) => String(Math.floor(date.getTime() / 1000));

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
