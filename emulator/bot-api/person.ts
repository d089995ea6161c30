import { randomBytes } from "node:crypto";
import type { WorldUser } from "../world/model.ts";
import type { Bot } from "./bot.ts";
import type { ChatMessage } from "./chats.ts";
import type { InitDataSigner } from "./init-data.ts";
import type { Button } from "./keyboard.ts";

/** Somebody with Telegram on a phone, in the private chat with the bot. */
export interface Person {
  readonly telegramId: bigint;
  /** Writes to the bot; gives the message's id. `/start` is what the first one should be, as in Telegram. */
  write(text: string): number;
  /** What is in the chat now, the oldest first. */
  chat(): readonly ChatMessage[];
  /**
   * Taps a button of the newest message that has one of these words on it; `answer` tells what the bot has said to it.
   * @throws where there is none, or it opens something
   */
  tap(words: string): { answer(): string | null };
  /**
   * Opens the Mini App of such a button.
   * @throws where there is none, or it opens none
   */
  open(words: string): { readonly url: string; readonly initData: string };
  /** The bot reaches this person no more, or again. */
  setBlocked(blocked: boolean): void;
  /** Codes that came to the phone, the oldest first. */
  codes(): readonly string[];
  /** Scans a login link (`tg://login?token=…`) and accepts it. @throws as Telegram would refuse it: AUTH_TOKEN_EXPIRED, … */
  scan(link: string): void;
}

export function createPerson(
  bot: Bot,
  user: WorldUser,
  given: {
    /** As the person's Telegram is set to; null: it is not told. */
    readonly language: string | null;
    readonly signer: InitDataSigner;
    readonly codes: () => readonly string[];
    readonly scan: (link: string) => void;
  },
): Person {
  const { chats, queue, taps } = bot;
  if (given.language !== null) bot.languages.set(user.id, given.language);

  const find = (words: string): { message: ChatMessage; button: Button } => {
    for (const message of chats.messages(user.id).toReversed())
      for (const button of (message.keyboard ?? []).flat()) if (button.text.includes(words)) return { message, button };
    throw new Error(`no button "${words}" in this chat`);
  };

  return {
    telegramId: user.id,
    write(text) {
      chats.setBlocked(user.id, false);
      const message = chats.add(user.id, {
        ...{ from: "person", text, keyboard: null, date: bot.seconds(), replyTo: null },
      });
      queue.push({ message: bot.json(message, user) });
      return message.id;
    },
    chat: () => chats.messages(user.id),
    tap(words) {
      const { message, button } = find(words);
      if (!("callback_data" in button)) throw new Error(`"${button.text}" calls nothing back`);
      const id = randomBytes(8).readBigUInt64BE().toString();
      const tap = { personId: user.id, answer: null as string | null };
      taps.set(id, tap);
      queue.push({
        callback_query: {
          ...{ id, from: bot.userJson(user), message: bot.json(message, user) },
          ...{ chat_instance: String(user.id), data: button.callback_data },
        },
      });
      return { answer: () => tap.answer };
    },
    open(words) {
      const { button } = find(words);
      if (!("web_app" in button)) throw new Error(`"${button.text}" opens no Mini App`);
      const { id, first_name, language_code } = bot.userJson(user) as Record<string, unknown>;
      const initData = given.signer.sign(bot.account.token, {
        query_id: `AA${randomBytes(9).toString("base64url")}`,
        user: JSON.stringify({ id, first_name, language_code, allows_write_to_pm: true }),
        auth_date: String(bot.seconds()),
      });
      return { url: button.web_app.url, initData };
    },
    setBlocked: (blocked) => chats.setBlocked(user.id, blocked),
    codes: given.codes,
    scan: given.scan,
  };
}
