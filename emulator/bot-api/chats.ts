import { badRequest, forbidden } from "./bot-api-error.ts";
import type { Keyboard } from "./keyboard.ts";

/** A message in somebody's private chat with the bot, as both see it. */
export interface ChatMessage {
  readonly id: number;
  readonly from: "bot" | "person";
  readonly text: string;
  readonly keyboard: Keyboard | null;
  /** Unix seconds. */
  readonly date: number;
  readonly editDate: number | null;
  /** The message that it answers. */
  readonly replyTo: number | null;
}

/** A bot's private chats, one for each person. */
export interface Chats {
  /** @throws BotApiError 400, 403: a bot writes to nobody who has not written to it, or has blocked it */
  add(personId: bigint, message: Omit<ChatMessage, "id" | "editDate">): ChatMessage;
  /** @throws BotApiError 400 where it is not there, is not the bot's, or would stay as it is */
  edit(personId: bigint, messageId: number, change: Pick<ChatMessage, "text" | "keyboard">, date: number): ChatMessage;
  /** @throws BotApiError 400 where it is not there */
  remove(personId: bigint, messageId: number): void;
  get(personId: bigint, messageId: number): ChatMessage | undefined;
  /** What is there now, the oldest first. */
  messages(personId: bigint): readonly ChatMessage[];
  setBlocked(personId: bigint, blocked: boolean): void;
}

interface Chat {
  readonly messages: Map<number, ChatMessage>;
  blocked: boolean;
}

const LONGEST_TEXT = 4_096;

export function createChats(): Chats {
  const chats = new Map<bigint, Chat>();
  let lastId = 0;

  const chatFor = (personId: bigint): Chat => {
    const chat = chats.get(personId) ?? { messages: new Map(), blocked: false };
    chats.set(personId, chat);
    return chat;
  };
  const reachable = (personId: bigint): Chat => {
    const chat = chats.get(personId);
    if (!chat) throw badRequest("chat not found");
    if (chat.blocked) throw forbidden("bot was blocked by the user");
    return chat;
  };
  const checked = (text: string): string => {
    if (text.trim() === "") throw badRequest("message text is empty");
    if (text.length > LONGEST_TEXT) throw badRequest("message is too long");
    return text;
  };

  return {
    add(personId, message) {
      const chat = message.from === "bot" ? reachable(personId) : chatFor(personId);
      checked(message.text);
      lastId += 1;
      const added = { ...message, id: lastId, editDate: null };
      chat.messages.set(added.id, added);
      return added;
    },
    edit(personId, messageId, { text, keyboard }, date) {
      const chat = reachable(personId);
      const before = chat.messages.get(messageId);
      if (!before) throw badRequest("message to edit not found");
      if (before.from !== "bot") throw badRequest("message can't be edited");
      checked(text);
      if (before.text === text && JSON.stringify(before.keyboard) === JSON.stringify(keyboard))
        throw badRequest(
          "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
        );
      const after = { ...before, text, keyboard, editDate: date };
      chat.messages.set(messageId, after);
      return after;
    },
    remove(personId, messageId) {
      if (!reachable(personId).messages.delete(messageId)) throw badRequest("message to delete not found");
    },
    get: (personId, messageId) => chats.get(personId)?.messages.get(messageId),
    messages: (personId) => [...(chats.get(personId)?.messages.values() ?? [])],
    setBlocked(personId, blocked) {
      chatFor(personId).blocked = blocked;
    },
  };
}
