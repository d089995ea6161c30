import { Context } from "grammy";
import type { User } from "../db/users.ts";
import type { Texts } from "./texts/texts.ts";
import { type Language, TEXTS } from "./texts.ts";
import { DEFAULT_TIME_ZONE, timeIn } from "./time.ts";

/** An update with who it is from, and how they are spoken to. */
export class BotContext extends Context {
  /** Null: nobody that we know. */
  user: User | null = null;
  language: Language = "en";
  timeZone: string = DEFAULT_TIME_ZONE;

  get texts(): Texts {
    return TEXTS[this.language];
  }

  /** A moment in the reader's zone. */
  get when(): (date: Date) => string {
    return timeIn(this.timeZone, this.language);
  }

  get telegramId(): bigint {
    return BigInt(this.from?.id ?? 0);
  }

  /** Sends plain text to the chat that the update is from. */
  say(text: string, more: Parameters<Context["reply"]>[1] = {}) {
    return this.reply(text, { ...more, link_preview_options: { is_disabled: true } });
  }
}
