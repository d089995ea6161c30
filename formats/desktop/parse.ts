import { OperatorError } from "../../runtime/operator-error.ts";
import { broken, check } from "../check.ts";
import { isObject, readDocument } from "../document.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import {
  CHANNEL_TYPES,
  type DesktopChannel,
  type DesktopMessage,
  desktopChannel,
  knownMessage,
  unsupportedMessage,
} from "./schema.ts";

/** What a file should have been, as messages put it. */
export const DESKTOP_EXPORT = 'a Telegram Desktop export (result.json, "Machine-readable JSON")';

/**
 * Reads a Telegram Desktop export of one channel (`result.json`).
 *
 * @throws OperatorError naming the file and the place: not JSON, cut off, not an export, no channel, an id too large
 */
export function parseDesktopExport(bytes: Uint8Array, fileName: string): DesktopChannel {
  const [channel, ...others] = parseDesktopExports(bytes, fileName);
  if (!channel || others.length > 0)
    throw new OperatorError(
      `${fileName} holds ${others.length + 1} channels: export one chat (Export chat history), or name a file of one`,
    );
  return channel;
}

/** The same for a full export too: the channels among its chats. */
export function parseDesktopExports(bytes: Uint8Array, file: string): DesktopChannel[] {
  return readDesktopExports(readDocument(bytes, file, DESKTOP_EXPORT), file);
}

/** The same from a file that was read already. */
export function readDesktopExports(document: JsonValue, file: string): DesktopChannel[] {
  if (!isObject(document)) throw notAnExport(file, "it is no JSON object");
  if (Array.isArray(document.messages)) return [readChannel(document, [], file)];
  const list = isObject(document.chats) ? document.chats.list : undefined;
  if (!Array.isArray(list)) throw notAnExport(file, "it has neither messages nor chats.list");
  const channels: DesktopChannel[] = [];
  list.forEach((chat, index) => {
    if (isObject(chat) && CHANNEL_TYPES.some((type) => type === chat.type))
      channels.push(readChannel(chat, ["chats", "list", index], file));
  });
  if (channels.length === 0) throw notAnExport(file, "none of its chats is a channel");
  return channels;
}

function readChannel(chat: JsonObject, path: PropertyKey[], file: string): DesktopChannel {
  const head = check(desktopChannel, chat, path, file);
  const messages: DesktopMessage[] = [];
  const unsupported: number[] = [];
  const seen = new Set<number>();
  head.messages.forEach((entry, index) => {
    const place = [...path, "messages", index];
    const skip = isObject(entry) && entry.type === "unsupported";
    const id = skip ? check(unsupportedMessage, entry, place, file).id : push(check(knownMessage, entry, place, file));
    if (seen.has(id)) throw broken(file, [...place, "id"], "repeats an earlier message's id");
    seen.add(id);
    if (skip) unsupported.push(id);
  });
  messages.sort((a, b) => a.id - b.id);
  return { name: head.name ?? "", type: head.type, id: head.id, messages, unsupported };

  function push(message: DesktopMessage): number {
    messages.push(message);
    return message.id;
  }
}

const notAnExport = (file: string, why: string) => new OperatorError(`${file} is not ${DESKTOP_EXPORT}: ${why}`);
