import type { WorldMessage, WorldPeer } from "../world/model.ts";
import type { TlWriter } from "./primitives.ts";

const PEER_IDS = { user: 0x59511722, chat: 0x36c6019a, channel: 0xa2a5371e } as const;

export function writePeer(peer: WorldPeer, writer: TlWriter): void {
  writer.int(PEER_IDS[peer.type]).long(peer.id);
}

/** `messageFwdHeader`. */
export function writeForward(forward: NonNullable<WorldMessage["fwdFrom"]>, writer: TlWriter): void {
  writer.int(0x4e4df4bb);
  writer.int(
    (forward.fromId ? 1 << 0 : 0) |
      (forward.fromName === null ? 0 : 1 << 5) |
      (forward.channelPost === null ? 0 : 1 << 2) |
      (forward.postAuthor === null ? 0 : 1 << 3),
  );
  if (forward.fromId) writePeer(forward.fromId, writer);
  if (forward.fromName !== null) writer.bytes(forward.fromName);
  writer.int(forward.date);
  if (forward.channelPost !== null) writer.int(forward.channelPost);
  if (forward.postAuthor !== null) writer.bytes(forward.postAuthor);
}

/** `messageReplyHeader`. */
export function writeReply(reply: NonNullable<WorldMessage["replyTo"]>, writer: TlWriter): void {
  writer.int(0xafbc09db);
  writer.int(
    (reply.msgId === null ? 0 : 1 << 4) |
      (reply.peer ? 1 << 0 : 0) |
      (reply.topId === null ? 0 : 1 << 1) |
      (reply.quoteText === null ? 0 : (1 << 6) | (1 << 9)) |
      (reply.quoteOffset === null ? 0 : 1 << 10),
  );
  if (reply.msgId !== null) writer.int(reply.msgId);
  if (reply.peer) writePeer(reply.peer, writer);
  if (reply.topId !== null) writer.int(reply.topId);
  if (reply.quoteText !== null) writer.bytes(reply.quoteText);
  if (reply.quoteOffset !== null) writer.int(reply.quoteOffset);
}

/** `messageReplies`: the count alone. */
export function writeReplies(count: number, writer: TlWriter): void {
  writer.int(0x83d60fc2).int(0).int(count).int(0);
}

/** `messageReactions`. */
export function writeReactions(reactions: NonNullable<WorldMessage["reactions"]>, writer: TlWriter): void {
  writer.int(0x0a339f0b).int(0);
  writer.vector(reactions, (reaction) => {
    writer.int(0xa3d1cb80).int(0);
    if (reaction.kind === "emoji") writer.int(0x1b2286b8).bytes(reaction.value);
    else if (reaction.kind === "custom_emoji") writer.int(0x8935fc73).long(BigInt(reaction.value));
    else writer.int(0x523da4eb);
    writer.int(reaction.count);
  });
}
