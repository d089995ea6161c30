import bigInt from "big-integer";
import { Api } from "telegram/tl/api.js";
import type { PeerRef } from "../../db/message.ts";
import type { ChannelRef } from "../api.ts";

/** Telegram's 64-bit numbers, ours to GramJS's. */
export function toLong(value: bigint): bigInt.BigInteger {
  return bigInt(value.toString());
}

/** Telegram's 64-bit numbers to ours: GramJS's, or ours already, where our own decoder has read the answer. */
export function fromLong(value: bigInt.BigInteger | bigint): bigint {
  return typeof value === "bigint" ? value : BigInt(value.toString());
}

export function toPeerRef(peer: Api.TypePeer): PeerRef {
  switch (peer.className) {
    case "PeerUser":
      return { type: "user", id: peer.userId.toString() };
    case "PeerChat":
      return { type: "chat", id: peer.chatId.toString() };
    case "PeerChannel":
      return { type: "channel", id: peer.channelId.toString() };
  }
}

export function toInputPeer(channel: ChannelRef): Api.InputPeerChannel {
  return new ChannelPeer({ channelId: toLong(channel.id), accessHash: toLong(channel.accessHash) });
}

export function toInputChannel(channel: ChannelRef): Api.InputChannel {
  return new ChannelAddress({ channelId: toLong(channel.id), accessHash: toLong(channel.accessHash) });
}

/* GramJS writes a 64-bit number by shifting it eight times, which a change scan of 100 channels would feel 200 times. */

class ChannelPeer extends Api.InputPeerChannel {
  override getBytes(): Buffer {
    return addressBytes(this);
  }
}

class ChannelAddress extends Api.InputChannel {
  override getBytes(): Buffer {
    return addressBytes(this);
  }
}

/** `inputPeerChannel#27bcbbfc channel_id:long access_hash:long`, and `inputChannel` likewise. */
function addressBytes(address: Api.InputPeerChannel | Api.InputChannel): Buffer {
  const bytes = Buffer.allocUnsafe(20);
  bytes.writeUInt32LE(address.CONSTRUCTOR_ID, 0);
  bytes.writeBigInt64LE(BigInt.asIntN(64, fromLong(address.channelId)), 4);
  bytes.writeBigInt64LE(BigInt.asIntN(64, fromLong(address.accessHash)), 12);
  return bytes;
}

/** `MessageActionChatEditPhoto` without `MessageAction` is `chat_edit_photo`. */
export function snakeCased(className: string, prefix: string): string {
  const bare = className.startsWith(prefix) ? className.slice(prefix.length) : className;
  return bare.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
