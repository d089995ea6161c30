import { autoRetry } from "@grammyjs/auto-retry";
import { Bot } from "grammy";
import { authCommands } from "./commands/auth.ts";
import { channelCommands } from "./commands/channels.ts";
import { debugCommands } from "./commands/debug.ts";
import { loginCommands } from "./commands/login.ts";
import { logoutCommands } from "./commands/logout.ts";
import { parseCommands } from "./commands/parse.ts";
import { startCommands } from "./commands/start.ts";
import { subscriptionCommands } from "./commands/subscription.ts";
import { timeZoneCommands } from "./commands/time-zone.ts";
import { BotContext } from "./context.ts";
import type { BotDeps } from "./deps.ts";
import { introduce } from "./introduce.ts";
import { looksLikeCode } from "./login-codes.ts";
import { languageOf, MENU, TEXTS } from "./texts.ts";

/** A call that is no long poll is answered in this time, or never. */
const CALL_SECONDS = 30;
/** Longer waits of Telegram's than this are not waited for in the middle of an answer. */
const LONGEST_RETRY_SECONDS = 30;

/** The bot: what it answers to whom. It fetches nothing by itself, `handleUpdate` brings it what there is. */
export function createBot(
  deps: BotDeps,
  telegram: { readonly token: string; readonly apiRoot: string | null },
): Bot<BotContext> {
  const bot = new Bot(telegram.token, {
    ContextConstructor: BotContext,
    client: { timeoutSeconds: CALL_SECONDS, ...(telegram.apiRoot === null ? {} : { apiRoot: telegram.apiRoot }) },
  });
  // Telegram's 429 is waited for. What else fails may have arrived: said twice would be worse.
  bot.api.config.use(
    autoRetry({
      ...{ maxRetryAttempts: 3, maxDelaySeconds: LONGEST_RETRY_SECONDS },
      ...{ rethrowHttpErrors: true, rethrowInternalServerErrors: true },
    }),
  );
  const { log, metrics } = deps;
  const chat = bot.filter((ctx) => ctx.chat?.type === "private" && ctx.from?.is_bot === false);
  chat.use(async (ctx, next) => {
    const kind = ctx.callbackQuery ? "button" : ctx.hasCommand([...MENU]) ? "command" : "other";
    try {
      await next();
      metrics.botUpdates.inc({ kind, outcome: "answered" });
    } catch (error) {
      metrics.botUpdates.inc({ kind, outcome: "failed" });
      // What somebody wrote is nobody's business: the update's number finds nothing but this line.
      log.error({ err: error, update_id: ctx.update.update_id, kind }, "update not handled");
      const { failed } = TEXTS[languageOf(ctx.from?.language_code)];
      await ctx.say(failed).catch((again: unknown) => log.warn({ err: again }, "and nothing could be said of it"));
    }
  });
  chat.use(introduce(deps));

  authCommands(chat, deps);
  loginCommands(chat, deps);
  startCommands(chat);
  subscriptionCommands(chat, deps);
  channelCommands(chat, deps);
  parseCommands(chat, deps);
  timeZoneCommands(chat, deps);
  logoutCommands(chat, deps);
  debugCommands(chat, deps);
  chat.on("callback_query", (ctx) => ctx.answerCallbackQuery());
  chat.on("message", async (ctx) => {
    const written = ctx.message.text ?? ctx.message.caption ?? "";
    await ctx.say(looksLikeCode(written) ? ctx.texts.codeWarning : ctx.texts.notUnderstood);
  });
  return bot;
}

/** Puts the commands into people's menus, in each language. */
export async function showMenu(bot: Bot<BotContext>): Promise<void> {
  const menu = (language: keyof typeof TEXTS) =>
    MENU.map((command) => ({ command, description: TEXTS[language].commands[command] ?? command }));
  await bot.api.setMyCommands(menu("en"));
  await bot.api.setMyCommands(menu("ru"), { language_code: "ru" });
}
