import type { ChannelMessage } from "../../db/message.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { broken, check } from "../check.ts";
import { isObject, readDocument } from "../document.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { toChannelMessage } from "./message.ts";
import { message, messageService, type TlMessage, type TlMessageService } from "./schema.ts";

/** The messages of one channel among a file's. Dictionaries of messages tell neither its title nor its username. */
export interface TlChannel {
  readonly id: bigint;
  readonly kind: "broadcast" | "megagroup";
  /** In id order. */
  readonly messages: readonly ChannelMessage[];
}

/** What a file should have been, as messages put it. */
export const TL_MESSAGES = 'a list of Telegram\'s messages as TL dictionaries ([{"_": "Message", …}, …])';

const KINDS = ["Message", "MessageService", "MessageEmpty"];

/**
 * Reads messages as TL dictionaries, by channel, in whatever order the file has them.
 *
 * @throws OperatorError naming the file and the place: not JSON, cut off, not messages of channels, an id too large or twice
 */
export function parseTlDictionaries(bytes: Uint8Array, file: string): TlChannel[] {
  return readTlDictionaries(readDocument(bytes, file, TL_MESSAGES), file);
}

/** The same from a file that was read already. */
export function readTlDictionaries(document: JsonValue, file: string): TlChannel[] {
  if (!Array.isArray(document)) throw notMessages(file, "it is no list");
  const channels = new Map<bigint, (TlMessage | TlMessageService)[]>();
  const seen = new Set<string>();
  document.forEach((entry, index) => {
    const kind = kindOf(entry, index, file);
    // A deleted message, or one that never was.
    if (kind === "MessageEmpty") return;
    const read = check(kind === "Message" ? message : messageService, entry, [index], file);
    const key = `${read.peer_id.id}/${read.id}`;
    if (seen.has(key)) throw broken(file, [index, "id"], "repeats an earlier message's id");
    seen.add(key);
    const id = BigInt(read.peer_id.id);
    const others = channels.get(id);
    if (others) others.push(read);
    else channels.set(id, [read]);
  });
  if (channels.size === 0) throw notMessages(file, "it holds no message");
  return [...channels].map(([id, read]) => ({
    id,
    kind: isGroup(read) ? "megagroup" : "broadcast",
    messages: read.map(toChannelMessage).sort((a, b) => a.id - b.id),
  }));
}

function kindOf(entry: JsonValue, index: number, file: string): string {
  const kind = isObject(entry) ? entry._ : undefined;
  if (typeof kind === "string" && KINDS.includes(kind)) return kind;
  throw notMessages(file, `[${index}] is ${typeof kind === "string" ? kind : describe(entry)}`);
}

const describe = (entry: JsonValue | JsonObject) => (isObject(entry) ? 'without "_"' : "no dictionary");

/** In groups nobody posts as the channel; people do. */
function isGroup(messages: readonly (TlMessage | TlMessageService)[]): boolean {
  return !messages.some(({ post }) => post) && messages.some(({ from_id }) => from_id?.type === "user");
}

const notMessages = (file: string, why: string) => new OperatorError(`${file} is not ${TL_MESSAGES}: ${why}`);
