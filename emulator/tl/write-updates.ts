import { TlWriter } from "./primitives.ts";
import { type ChannelView, writeChannel, writeDialog } from "./write-chat.ts";
import { type DialogLine, rawItem } from "./write-messages.ts";

/** After how many seconds a client may ask again (`timeout` of a channel difference). */
const TIMEOUT_SECONDS = 30;

const FINAL = 1 << 0;
const HAS_TIMEOUT = 1 << 1;

/** `updates.state` of an account's common box; channels have their own pts. */
export function encodeState(date: number): Buffer {
  return new TlWriter(32).int(0xa56c2a3e).int(1).int(0).int(date).int(1).int(0).finish();
}

/** `updates.differenceEmpty`. */
export function encodeDifferenceEmpty(date: number): Buffer {
  return new TlWriter(16).int(0x5d75a138).int(date).int(1).finish();
}

/** `updates.channelDifferenceEmpty`. */
export function encodeChannelDifferenceEmpty(pts: number): Buffer {
  return new TlWriter(16)
    .int(0x3e11affb)
    .int(FINAL | HAS_TIMEOUT)
    .int(pts)
    .int(TIMEOUT_SECONDS)
    .finish();
}

/** `updates.channelDifference`; messages and updates are handed in encoded. */
export function encodeChannelDifference(
  view: ChannelView,
  page: { pts: number; final: boolean; newMessages: readonly Buffer[]; otherUpdates: readonly Buffer[] },
): Buffer {
  const size = [...page.newMessages, ...page.otherUpdates].reduce((sum, buffer) => sum + buffer.length, 0);
  const writer = new TlWriter(size + 512);
  writer
    .int(0x2064674e)
    .int((page.final ? FINAL : 0) | HAS_TIMEOUT)
    .int(page.pts)
    .int(TIMEOUT_SECONDS);
  writer.vector(page.newMessages, rawItem).vector(page.otherUpdates, rawItem);
  return writer
    .vector([view], writeChannel)
    .vector([], () => {})
    .finish();
}

/** `updates.channelDifferenceTooLong`. */
export function encodeChannelDifferenceTooLong(
  view: ChannelView,
  page: { dialog: DialogLine; messages: readonly Buffer[] },
): Buffer {
  const writer = new TlWriter(4096);
  writer
    .int(0xa4bcc6fe)
    .int(FINAL | HAS_TIMEOUT)
    .int(TIMEOUT_SECONDS);
  writeDialog(page.dialog, writer);
  writer.vector(page.messages, rawItem);
  return writer
    .vector([view], writeChannel)
    .vector([], () => {})
    .finish();
}

/** `updateEditChannelMessage`. */
export function encodeEditUpdate(message: Buffer, pts: number, ptsCount: number): Buffer {
  return new TlWriter(message.length + 12).int(0x1b3f4df7).raw(message).int(pts).int(ptsCount).finish();
}

/** `updateDeleteChannelMessages`. */
export function encodeDeleteUpdate(channelId: bigint, ids: readonly number[], pts: number, ptsCount: number): Buffer {
  const writer = new TlWriter(ids.length * 4 + 32).int(0xc32d5b12).long(channelId);
  return writer
    .vector(ids, (id) => writer.int(id))
    .int(pts)
    .int(ptsCount)
    .finish();
}

/** `updatePinnedChannelMessages`. */
export function encodePinUpdate(
  channelId: bigint,
  change: { ids: readonly number[]; pinned: boolean },
  pts: number,
  ptsCount: number,
): Buffer {
  const writer = new TlWriter(change.ids.length * 4 + 40)
    .int(0x5bb98608)
    .int(change.pinned ? 1 << 0 : 0)
    .long(channelId);
  return writer
    .vector(change.ids, (id) => writer.int(id))
    .int(pts)
    .int(ptsCount)
    .finish();
}
