import type { Composer } from "grammy";
import type { BotContext } from "../context.ts";
import { MENU } from "../texts.ts";

/** `/start` and `/help`: what there is. */
export function startCommands(bot: Composer<BotContext>): void {
  bot.command(["start", "help"], async (ctx) => {
    const { texts } = ctx;
    const lines = MENU.filter((name) => name !== "start").map((name) => `/${name} — ${texts.commands[name]}`);
    await ctx.say(texts.welcome(lines.join("\n")));
  });
}
