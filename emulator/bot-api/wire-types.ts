import type { WorldUser } from "../world/model.ts";
import type { ChatMessage } from "./chats.ts";

/** The bot, as getMe tells of it. */
export interface BotAccount {
  readonly id: number;
  readonly token: string;
  readonly username: string;
}

/** A person as the Bot API writes them (core.telegram.org/bots/api#user). Ids fit 52 bits. */
export const userJson = (user: WorldUser, language: string | null) => ({
  id: Number(user.id),
  is_bot: false,
  first_name: user.firstName,
  ...(user.username === null ? {} : { username: user.username }),
  ...(language === null ? {} : { language_code: language }),
  ...(user.premium ? { is_premium: true } : {}),
});

export const botJson = ({ id, username }: BotAccount) => ({ id, is_bot: true, first_name: username, username });

/** A message of a private chat (core.telegram.org/bots/api#message). */
export function messageJson(message: ChatMessage, bot: BotAccount, user: WorldUser, language: string | null) {
  const { id, text, date, editDate, keyboard } = message;
  const entities = commandsIn(text);
  return {
    message_id: id,
    from: message.from === "bot" ? botJson(bot) : userJson(user, language),
    chat: {
      ...{ id: Number(user.id), type: "private", first_name: user.firstName },
      ...(user.username === null ? {} : { username: user.username }),
    },
    date,
    ...(editDate === null ? {} : { edit_date: editDate }),
    text,
    ...(entities.length === 0 ? {} : { entities }),
    ...(keyboard === null ? {} : { reply_markup: { inline_keyboard: keyboard } }),
  };
}

/** Where commands stand in a text: bots know them by this alone. */
function commandsIn(text: string) {
  return [...text.matchAll(/(?<=^|\s)\/[A-Za-z0-9_]{1,64}(?:@\w+)?/g)].map(({ index, 0: command }) => ({
    ...{ type: "bot_command", offset: index, length: command.length },
  }));
}
