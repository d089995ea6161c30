import { createHash } from "node:crypto";
import { segmentsIn } from "../../formats/desktop/digest.ts";
import { fromSegments } from "../../formats/desktop/entities.ts";
import type { DesktopChannel, DesktopMessage } from "../../formats/desktop/schema.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { toWorldMedia, toWorldPhoto } from "./desktop-media.ts";
import { toWorldEntity } from "./entities.ts";
import { freeUsername } from "./file-name.ts";
import type { World, WorldAction, WorldChannel, WorldMessage, WorldPeer } from "./model.ts";
import { plainPost } from "./plain-post.ts";

/**
 * Puts an exported channel into the world as exported: the same ids, dates, edit dates and gaps. It gets a public
 * username, since an export has none. Nothing is added where anything cannot be taken over.
 *
 * @throws OperatorError naming the file and the place
 */
export function loadDesktopChannel(world: World, exported: DesktopChannel, fileName: string): WorldChannel {
  const id = BigInt(exported.id);
  if (world.channels.has(id)) throw new OperatorError(`${fileName}: channel ${id} is in the world already`);
  const messages = exported.messages.map((message) => toWorldMessage(message, exported, fileName));
  const channel = world.addChannel({
    id,
    title: exported.name,
    username: freeUsername(world, fileName, id),
    megagroup: exported.type.endsWith("supergroup"),
    date: messages[0]?.date ?? 0,
    isPrivate: false,
    exported: true,
  });
  for (const message of messages) world.post(id, message);
  // Earlier titles went over it, as the service messages tell them.
  channel.title = exported.name;
  return channel;
}

function toWorldMessage(message: DesktopMessage, channel: DesktopChannel, fileName: string): WorldMessage {
  const { text, entities } = fromSegments(segmentsIn(message));
  const date = seconds(message.date_unixtime, message.date);
  const service = message.type === "service";
  const pinnedId = message.action === "pin_message" ? message.message_id : undefined;
  const replyId = message.reply_to_message_id ?? pinnedId;
  return {
    ...plainPost(service ? "" : text, date),
    id: message.id,
    // Service messages are never edited: Telegram has no field for it.
    editDate: service || message.edited === undefined ? null : seconds(message.edited_unixtime, message.edited),
    entities: service ? [] : entities.map(toWorldEntity),
    media: service ? null : toWorldMedia(message, mediaId(channel.id, message.id)),
    groupedId: message.grouped_id === undefined ? null : BigInt(message.grouped_id),
    fwdFrom:
      message.forwarded_from === undefined && message.forwarded_from_id === undefined
        ? null
        : {
            date,
            fromId: message.forwarded_from_id === undefined ? null : toPeer(message.forwarded_from_id),
            fromName: message.forwarded_from ?? null,
            channelPost: null,
            postAuthor: null,
          },
    replyTo:
      replyId === undefined
        ? null
        : {
            msgId: replyId,
            peer: message.reply_to_peer_id === undefined ? null : toPeer(message.reply_to_peer_id),
            topId: null,
            quoteText: null,
            quoteOffset: null,
          },
    fromId: sender(message, channel),
    postAuthor: message.author ?? null,
    reactions: message.reactions?.map(toReaction) ?? null,
    action: service ? toAction(message, channel, fileName) : null,
  };
}

/** Telegram names no sender where it is the channel itself. */
function sender(message: DesktopMessage, channel: DesktopChannel): WorldPeer | null {
  const from = message.from_id ?? message.actor_id;
  return from === undefined || from === `channel${channel.id}` ? null : toPeer(from);
}

function toAction(message: DesktopMessage, channel: DesktopChannel, fileName: string): WorldAction {
  const title = message.title ?? channel.name;
  switch (message.action) {
    case "create_channel":
      return { type: "channel_create", title };
    case "edit_group_title":
      return { type: "chat_edit_title", title };
    case "edit_group_photo":
      return { type: "chat_edit_photo", photo: toWorldPhoto(message, mediaId(channel.id, message.id)) };
    case "delete_group_photo":
      return { type: "chat_delete_photo" };
    case "pin_message":
      return { type: "pin_message" };
    case "migrate_from_group":
      return { type: "chat_migrate_from", title, chatId: mediaId(channel.id, message.id) & 0x7fffffffn };
    default:
      throw new OperatorError(
        `${fileName}: message ${message.id}: the emulator has no service message "${message.action ?? ""}"`,
      );
  }
}

function toReaction(reaction: NonNullable<DesktopMessage["reactions"]>[number]) {
  if (reaction.type === "emoji") return { kind: "emoji", value: reaction.emoji ?? "", count: reaction.count } as const;
  if (reaction.type === "paid") return { kind: "paid", value: "paid", count: reaction.count } as const;
  const id = /^\d{1,19}$/.test(reaction.document_id ?? "") ? `${reaction.document_id}` : "0";
  return { kind: "custom_emoji", value: id, count: reaction.count } as const;
}

function toPeer(text: string): WorldPeer {
  const type = text.startsWith("user") ? "user" : text.startsWith("chat") ? "chat" : "channel";
  return { type, id: BigInt(text.replace(/^\D+/, "")) };
}

/** Exports have no file ids: one of 63 bits that is the same every time. */
function mediaId(channelId: number, messageId: number): bigint {
  const digest = createHash("sha256").update(`${channelId}/${messageId}`).digest();
  return (digest.readBigUInt64BE() >> 1n) | (1n << 62n);
}

function seconds(unixTime: string | undefined, local: string): number {
  return unixTime === undefined ? Date.parse(`${local}Z`) / 1000 : Number(unixTime);
}
