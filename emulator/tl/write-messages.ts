import { TlWriter } from "./primitives.ts";
import { type ChannelView, type GroupView, writeChannel, writeDialog, writeGroup } from "./write-chat.ts";

/** Messages are handed in encoded, one buffer each. */
type Encoded = readonly Buffer[];

export type DialogLine = Parameters<typeof writeDialog>[0];

export const rawItem = (bytes: Buffer, writer: TlWriter): void => {
  writer.raw(bytes);
};

const total = (buffers: Encoded) => buffers.reduce((sum, buffer) => sum + buffer.length, 0);

/** `messages.channelMessages`: a page of one channel. */
export function encodeChannelMessages(
  view: ChannelView,
  page: { count: number; offsetIdOffset: number | null; messages: Encoded },
): Buffer {
  const writer = new TlWriter(total(page.messages) + 512);
  writer.int(0xc776ba4e).int(page.offsetIdOffset === null ? 0 : 1 << 2);
  writer.int(view.channel.pts).int(page.count);
  if (page.offsetIdOffset !== null) writer.int(page.offsetIdOffset);
  writer.vector(page.messages, rawItem).vector([], () => {});
  return writer
    .vector([view], writeChannel)
    .vector([], () => {})
    .finish();
}

/** `messages.dialogs`, or `messages.dialogsSlice` where these are not all. */
export function encodeDialogs(page: {
  count: number | null;
  dialogs: readonly DialogLine[];
  messages: Encoded;
  views: readonly ChannelView[];
}): Buffer {
  const writer = new TlWriter(total(page.messages) + page.dialogs.length * 160 + 64);
  if (page.count === null) writer.int(0x15ba6c40);
  else writer.int(0x71e094f3).int(page.count);
  writer.vector(page.dialogs, writeDialog).vector(page.messages, rawItem);
  return writer
    .vector(page.views, writeChannel)
    .vector([], () => {})
    .finish();
}

/** `messages.peerDialogs`. */
export function encodePeerDialogs(page: {
  dialogs: readonly DialogLine[];
  messages: Encoded;
  views: readonly ChannelView[];
  state: Buffer;
}): Buffer {
  const writer = new TlWriter(total(page.messages) + page.dialogs.length * 160 + 64);
  writer.int(0x3371c354).vector(page.dialogs, writeDialog).vector(page.messages, rawItem);
  writer.vector(page.views, writeChannel).vector([], () => {});
  return writer.raw(page.state).finish();
}

/** `messages.chats` of basic groups. */
export function encodeGroups(views: readonly GroupView[]): Buffer {
  return new TlWriter(64 + views.length * 96).int(0x64ff9fd5).vector(views, writeGroup).finish();
}

/** `messages.chats`. */
export function encodeChats(views: readonly ChannelView[]): Buffer {
  return new TlWriter(64 + views.length * 128).int(0x64ff9fd5).vector(views, writeChannel).finish();
}
