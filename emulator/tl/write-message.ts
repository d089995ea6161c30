import type { WorldAction, WorldChannel, WorldMessage } from "../world/model.ts";
import { TlWriter } from "./primitives.ts";
import { writeEntity } from "./write-entities.ts";
import { writeMedia } from "./write-media.ts";
import { writeForward, writePeer, writeReactions, writeReplies, writeReply } from "./write-message-parts.ts";
import { writePhoto } from "./write-photo.ts";

const encoded = new WeakMap<WorldMessage, Buffer>();

/**
 * A `message` or `messageService` of layer 198, as every account sees it. The world replaces a message whenever it
 * changes, so the bytes are kept as long as the object lives.
 */
export function encodeMessage(channel: WorldChannel, message: WorldMessage): Buffer {
  let bytes = encoded.get(message);
  if (!bytes) {
    const writer = new TlWriter(256 + message.message.length * 2);
    if (message.action) writeServiceMessage(channel, message, message.action, writer);
    else writeMessage(channel, message, writer);
    // A copy of its own length: these live as long as the world does.
    bytes = Buffer.from(writer.finish());
    encoded.set(message, bytes);
  }
  return bytes;
}

/** `messageEmpty`: how a deleted message, or one that never was, is answered. */
export function writeEmptyMessage(id: number, writer: TlWriter): void {
  writer.int(0x90a6ca84).int(0).int(id);
}

const flag = (index: number, on: boolean) => (on ? 1 << index : 0);

function writeMessage(channel: WorldChannel, message: WorldMessage, writer: TlWriter): void {
  // views and forwards share a flag: where one is told, so is the other.
  const counted = message.views !== null || message.forwards !== null;
  writer.int(0x96fdbbe9);
  writer.int(
    flag(13, message.silent) |
      flag(14, !channel.megagroup) |
      flag(21, message.editHide) |
      flag(24, message.pinned) |
      flag(26, message.noforwards) |
      flag(8, message.fromId !== null) |
      flag(2, message.fwdFrom !== null) |
      flag(11, message.viaBotId !== null) |
      flag(3, message.replyTo !== null) |
      flag(9, message.media !== null) |
      flag(7, message.entities.length > 0) |
      flag(10, counted) |
      flag(23, message.replies !== null) |
      flag(15, message.editDate !== null) |
      flag(16, message.postAuthor !== null) |
      flag(17, message.groupedId !== null) |
      flag(20, message.reactions !== null),
  );
  writer.int(0).int(message.id);
  if (message.fromId) writePeer(message.fromId, writer);
  writePeer({ type: "channel", id: channel.id }, writer);
  if (message.fwdFrom) writeForward(message.fwdFrom, writer);
  if (message.viaBotId !== null) writer.long(message.viaBotId);
  if (message.replyTo) writeReply(message.replyTo, writer);
  writer.int(message.date).bytes(message.message);
  if (message.media) writeMedia(message.media, message.date, writer);
  if (message.entities.length > 0) writer.vector(message.entities, writeEntity);
  if (counted) writer.int(message.views ?? 0).int(message.forwards ?? 0);
  if (message.replies !== null) writeReplies(message.replies, writer);
  if (message.editDate !== null) writer.int(message.editDate);
  if (message.postAuthor !== null) writer.bytes(message.postAuthor);
  if (message.groupedId !== null) writer.long(message.groupedId);
  if (message.reactions) writeReactions(message.reactions, writer);
}

function writeServiceMessage(
  channel: WorldChannel,
  message: WorldMessage,
  action: WorldAction,
  writer: TlWriter,
): void {
  writer.int(0xd3d28540);
  writer.int(
    flag(13, message.silent) |
      flag(14, !channel.megagroup) |
      flag(8, message.fromId !== null) |
      flag(3, message.replyTo !== null) |
      flag(20, message.reactions !== null),
  );
  writer.int(message.id);
  if (message.fromId) writePeer(message.fromId, writer);
  writePeer({ type: "channel", id: channel.id }, writer);
  if (message.replyTo) writeReply(message.replyTo, writer);
  writer.int(message.date);
  writeAction(action, message.date, writer);
  if (message.reactions) writeReactions(message.reactions, writer);
}

function writeAction(action: WorldAction, date: number, writer: TlWriter): void {
  switch (action.type) {
    case "channel_create":
      writer.int(0x95d2ac92).bytes(action.title);
      return;
    case "chat_edit_title":
      writer.int(0xb5a1ce5a).bytes(action.title);
      return;
    case "chat_edit_photo":
      writer.int(0x7fcb13a8);
      writePhoto(action.photo, date, writer);
      return;
    case "chat_delete_photo":
      writer.int(0x95e3fbef);
      return;
    case "pin_message":
      writer.int(0x94bd38ed);
      return;
    case "chat_migrate_from":
      writer.int(0xea3948e9).bytes(action.title).long(action.chatId);
      return;
    case "empty":
      writer.int(0xb6aef7b0);
      return;
  }
}
