import type { WorldChannel, WorldUser } from "../world/model.ts";
import type { TlWriter } from "./primitives.ts";
import { writePeer } from "./write-message-parts.ts";

/** A channel as one account sees it. */
export interface ChannelView {
  readonly channel: WorldChannel;
  readonly accessHash: bigint;
  readonly joined: boolean;
}

/** `channel`. */
export function writeChannel(view: ChannelView, writer: TlWriter): void {
  const { channel } = view;
  writer.int(0xe00998b7);
  writer.int(
    (view.joined ? 0 : 1 << 2) |
      (channel.megagroup ? 1 << 8 : 1 << 5) |
      (channel.username === null ? 0 : 1 << 6) |
      (1 << 13) |
      (1 << 17),
  );
  writer.int(0).long(channel.id).long(view.accessHash).bytes(channel.title);
  if (channel.username !== null) writer.bytes(channel.username);
  writer.int(0x37c1011c).int(channel.date).int(channel.participants);
}

/** `dialog`; `pts` null leaves it out. Nothing is ever read here, so everything is unread. */
export function writeDialog(
  dialog: { channel: WorldChannel; topMessageId: number; pts: number | null },
  writer: TlWriter,
): void {
  writer.int(0xd58a08c6).int(dialog.pts === null ? 0 : 1 << 0);
  writePeer({ type: "channel", id: dialog.channel.id }, writer);
  writer.int(dialog.topMessageId).int(0).int(0).int(dialog.channel.messages.size).int(0).int(0);
  writeNotifySettings(writer);
  if (dialog.pts !== null) writer.int(dialog.pts);
}

/** `peerNotifySettings`, all defaults. */
export function writeNotifySettings(writer: TlWriter): void {
  writer.int(0x99622c0c).int(0);
}

/** `messages.chatFull` with its `channelFull`. */
export function writeFullChannel(view: ChannelView, availableMinId: number, writer: TlWriter): void {
  const { channel } = view;
  writer.int(0xe5d7d19c);
  writer
    .int(0x52d6806b)
    .int((1 << 0) | (availableMinId > 0 ? 1 << 9 : 0))
    .int(0);
  writer.long(channel.id).bytes("").int(channel.participants);
  writer.int(0).int(0).int(channel.messages.size);
  writer.int(0x2331b22d).long(0n);
  writeNotifySettings(writer);
  writer.vector([], () => {});
  if (availableMinId > 0) writer.int(availableMinId);
  writer.int(channel.pts);
  writer.vector([view], writeChannel).vector([], () => {});
}

/** `user`. The phone is told to its owner only. */
export function writeUser(user: WorldUser, seen: { self: boolean; accessHash: bigint }, writer: TlWriter): void {
  writer.int(0x4b46c37e);
  writer.int(
    (seen.self ? 1 << 10 : 0) |
      (user.premium ? 1 << 28 : 0) |
      (1 << 0) |
      (1 << 1) |
      (user.username === null ? 0 : 1 << 3) |
      (seen.self ? 1 << 4 : 0),
  );
  writer.int(0).long(user.id).long(seen.accessHash).bytes(user.firstName);
  if (user.username !== null) writer.bytes(user.username);
  if (seen.self) writer.bytes(user.phone);
}

/** `users.userFull`. */
export function writeFullUser(user: WorldUser, seen: { self: boolean; accessHash: bigint }, writer: TlWriter): void {
  writer.int(0x3b6d152e);
  writer.int(0x4d975bbc).int(0).int(0).long(user.id);
  writer.int(0xacd66c5e).int(0);
  writeNotifySettings(writer);
  writer.int(0);
  writer.vector([], () => {}).vector([user], () => writeUser(user, seen, writer));
}
