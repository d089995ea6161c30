import type { WorldChannel, WorldGroup, WorldUser } from "../world/model.ts";
import type { TlWriter } from "./primitives.ts";
import { writePeer } from "./write-message-parts.ts";

/** A channel as one account sees it. */
export interface ChannelView {
  readonly channel: WorldChannel;
  readonly accessHash: bigint;
  readonly joined: boolean;
  /** Deleted, or the account was removed from it. */
  readonly forbidden?: boolean;
}

/** `channel`, or `channelForbidden`. */
export function writeChannel(view: ChannelView, writer: TlWriter): void {
  const { channel } = view;
  if (view.forbidden) {
    writer.int(0x17d493d5).int(channel.megagroup ? 1 << 8 : 1 << 5);
    writer.long(channel.id).long(view.accessHash).bytes(channel.title);
    return;
  }
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

/** A basic group as one account sees it; `accessHash` is that of the supergroup that it has become. */
export interface GroupView {
  readonly group: WorldGroup;
  readonly member: boolean;
  readonly accessHash: bigint | null;
}

/** `chat`, or `chatForbidden` for whom it has lost. */
export function writeGroup({ group, member, accessHash }: GroupView, writer: TlWriter): void {
  if (!member) {
    writer.int(0x6592a1a7).long(group.id).bytes(group.title);
    return;
  }
  const migrated = accessHash === null ? null : group.migratedTo;
  writer.int(0x41cbf256).int(migrated === null ? 0 : (1 << 5) | (1 << 6));
  writer.long(group.id).bytes(group.title).int(0x37c1011c);
  writer.int(group.members.size).int(group.date).int(1);
  if (migrated !== null && accessHash !== null) writer.int(0xf35aec28).long(migrated).long(accessHash);
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
    .int((1 << 0) | (channel.migratedFrom === null ? 0 : 1 << 4) | (availableMinId > 0 ? 1 << 9 : 0))
    .int(0);
  writer.long(channel.id).bytes("").int(channel.participants);
  writer.int(0).int(0).int(channel.messages.size);
  writer.int(0x2331b22d).long(0n);
  writeNotifySettings(writer);
  writer.vector([], () => {});
  // How far the group's own ids went, which nobody here counts.
  if (channel.migratedFrom !== null) writer.long(channel.migratedFrom).int(0);
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
