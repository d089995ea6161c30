import { en } from "./texts/en.ts";
import { ru } from "./texts/ru.ts";
import type { Texts } from "./texts/texts.ts";

/** The commands that stand in everybody's menu, in this order. */
export const MENU = [
  "start",
  "login",
  "subscription",
  "add_channel",
  "channels",
  "remove_channel",
  "parse",
  "auth",
  "timezone",
  "logout",
] as const;

export const TEXTS = { en, ru } as const satisfies Record<string, Texts>;
export type Language = keyof typeof TEXTS;

/** The language of ours for what Telegram names (ru, en-GB, …). */
export const languageOf = (code: string | undefined): Language => (/^ru\b/i.test(code ?? "") ? "ru" : "en");
