import type { ChannelMessage } from "../db/message.ts";
import { compareMessage } from "./desktop/compare.ts";
import { textOf } from "./desktop/digest.ts";
import { localTimeIn } from "./desktop/local-time.ts";
import { type ExportedChannel, toDesktopMessage } from "./desktop/message.ts";
import { compareChannelMessage } from "./tl-dictionary/compare.ts";
import type { WorldFile } from "./world-file.ts";

/** A message as a file has it, to be held against what is stored. */
export interface PublishedMessage {
  readonly id: number;
  readonly text: string;
  /** The names of the fields in which the stored message differs; none where it is the same. */
  differences(channel: ExportedChannel, stored: ChannelMessage): string[];
}

export interface PublishedChannel {
  readonly id: bigint;
  /** Null where the file's format tells none. */
  readonly title: string | null;
  /** In id order. */
  readonly messages: readonly PublishedMessage[];
}

/** A file's channels in the terms that its formats share. */
export function publishedChannels(file: WorldFile): PublishedChannel[] {
  if (file.format === "tl")
    return file.channels.map(({ id, messages }) => ({
      id,
      title: null,
      messages: messages.map((message) => ({
        id: message.id,
        text: message.text,
        differences: (_channel, stored) => compareChannelMessage(message, stored),
      })),
    }));
  const utc = localTimeIn("UTC");
  return file.channels.map(({ id, name, messages }) => ({
    id: BigInt(id),
    title: name,
    messages: messages.map((message) => ({
      id: message.id,
      text: textOf(message),
      differences: (channel, stored) => compareMessage(message, toDesktopMessage(channel, stored, utc)),
    })),
  }));
}
