import { z } from "zod";
import type { Person } from "./bot-api/person.ts";
import type { BotApi } from "./bot-api/start.ts";

const telegramId = z.string().regex(/^\d+$/).transform(BigInt);

/** Somebody writes to the bot, in the language that their Telegram is set to. */
export const WriteRequest = z.object({ telegramId, text: z.string(), language: z.string().optional() });
/** Somebody taps, or opens, a button of the bot's by words that are on it. */
export const ButtonRequest = z.object({ telegramId, words: z.string() });
export const ChatRequest = z.object({ telegramId });

export const Written = z.object({ messageId: z.number() });
export const OpenedMiniApp = z.object({ url: z.string(), initData: z.string() });
export const ChatLines = z.array(z.object({ id: z.number(), from: z.enum(["bot", "person"]), text: z.string() }));
export type ChatLines = z.output<typeof ChatLines>;

type Route = readonly [method: "GET" | "POST", path: RegExp, answer: (id: string, body: unknown) => unknown];

/** What other processes may have people do in their chat with the bot. */
export function botRoutes(botApi: () => BotApi | null): readonly Route[] {
  const person = (id: bigint, language?: string): Person => {
    const api = botApi();
    if (!api) throw new Error("there is no bot on this Telegram");
    return api.person(id, language);
  };
  return [
    [
      "POST",
      /^\/bot\/write$/,
      (_, body) => {
        const { telegramId: id, text, language } = WriteRequest.parse(body);
        return { messageId: person(id, language).write(text) };
      },
    ],
    [
      "POST",
      /^\/bot\/tap$/,
      (_, body) => {
        const { telegramId: id, words } = ButtonRequest.parse(body);
        person(id).tap(words);
        return {};
      },
    ],
    [
      "POST",
      /^\/bot\/open$/,
      (_, body) => {
        const { telegramId: id, words } = ButtonRequest.parse(body);
        return person(id).open(words);
      },
    ],
    [
      "POST",
      /^\/bot\/chat$/,
      (_, body) =>
        person(ChatRequest.parse(body).telegramId)
          .chat()
          .map(({ id, from, text }) => ({ id, from, text })),
    ],
  ];
}
