import type { z } from "zod";
import { OperatorError } from "../../runtime/operator-error.ts";
import { formatPath, JsonError, type JsonObject, type JsonValue, parseJson } from "../json.ts";
import {
  CHANNEL_TYPES,
  type DesktopChannel,
  type DesktopMessage,
  desktopChannel,
  knownMessage,
  unsupportedMessage,
} from "./schema.ts";

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
  const document = readDocument(bytes, file);
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

function readDocument(bytes: Uint8Array, file: string): JsonValue {
  let text: string;
  try {
    // As a stream: a file cut off within a character is then told as cut off.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    throw notAnExport(file, "it is not UTF-8 text");
  }
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) throw new OperatorError(`${file}: ${error.message}: cut off, or not JSON`);
    throw error;
  }
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

function check<S extends z.ZodType>(schema: S, value: unknown, path: PropertyKey[], file: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw broken(file, [...path, ...(issue?.path ?? [])], issue?.message ?? "is not what an export has");
}

const broken = (file: string, path: PropertyKey[], problem: string) =>
  new OperatorError(`${file}: ${formatPath(path)}: ${lowerFirst(problem)}`);
const notAnExport = (file: string, why: string) =>
  new OperatorError(`${file} is not a Telegram Desktop export (result.json, "Machine-readable JSON"): ${why}`);
const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
