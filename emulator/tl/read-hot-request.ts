import type { TlRequest } from "../dc/service.ts";
import { TlReader, VECTOR_ID } from "./primitives.ts";

const GET_HISTORY = 0x4423e6c5;
const GET_PEER_DIALOGS = 0xe470bcfd;
const GET_CHANNEL_DIFFERENCE = 0x03173d78;
const INPUT_DIALOG_PEER = 0xfcaafeb7;
const INPUT_PEER_CHANNEL = 0x27bcbbfc;
const INPUT_CHANNEL = 0xf35aec28;
const FILTER_EMPTY = 0x94d42ee7;

/**
 * Parses the three requests that readers send all day, in their usual form, with 64-bit numbers as bigint: GramJS takes
 * 5 ms for a hundred peers. Null for everything else, which GramJS then reads.
 */
export function readHotRequest(query: Buffer): TlRequest | null {
  if (query.length < 4) return null;
  const reader = new TlReader(query);
  switch (reader.id()) {
    case GET_HISTORY:
      return readGetHistory(reader);
    case GET_PEER_DIALOGS:
      return readGetPeerDialogs(reader);
    case GET_CHANNEL_DIFFERENCE:
      return readGetChannelDifference(reader);
    default:
      return null;
  }
}

function readGetHistory(reader: TlReader): TlRequest | null {
  if (reader.left !== 52 || reader.id() !== INPUT_PEER_CHANNEL) return null;
  return {
    className: "messages.GetHistory",
    peer: readChannel("InputPeerChannel", reader),
    offsetId: reader.int(),
    offsetDate: reader.int(),
    addOffset: reader.int(),
    limit: reader.int(),
    maxId: reader.int(),
    minId: reader.int(),
    hash: reader.long(),
  };
}

/** Each peer is two constructors and two longs. */
const DIALOG_PEER_BYTES = 24;

function readGetPeerDialogs(reader: TlReader): TlRequest | null {
  if (reader.left < 8 || reader.id() !== VECTOR_ID) return null;
  const count = reader.int();
  if (count < 0 || reader.left !== count * DIALOG_PEER_BYTES) return null;
  const peers: TlRequest[] = [];
  for (let index = 0; index < count; index++) {
    if (reader.id() !== INPUT_DIALOG_PEER || reader.id() !== INPUT_PEER_CHANNEL) return null;
    peers.push({ className: "InputDialogPeer", peer: readChannel("InputPeerChannel", reader) });
  }
  return { className: "messages.GetPeerDialogs", peers };
}

function readGetChannelDifference(reader: TlReader): TlRequest | null {
  if (reader.left !== 36) return null;
  const flags = reader.int();
  if (reader.id() !== INPUT_CHANNEL) return null;
  const channel = readChannel("InputChannel", reader);
  if (reader.id() !== FILTER_EMPTY) return null;
  const filter: TlRequest = { className: "ChannelMessagesFilterEmpty" };
  const [pts, limit] = [reader.int(), reader.int()];
  return { className: "updates.GetChannelDifference", force: (flags & 1) !== 0, channel, filter, pts, limit };
}

function readChannel(className: "InputPeerChannel" | "InputChannel", reader: TlReader): TlRequest {
  return { className, channelId: reader.long(), accessHash: reader.long() };
}
