import type { Composer } from "grammy";
import { setPreferences } from "../../db/user-preferences.ts";
import type { BotContext } from "../context.ts";
import { BOT_TENANT, type BotDeps } from "../deps.ts";
import { knownTimeZone } from "../time.ts";

/** `/timezone [name]`. */
export function timeZoneCommands(bot: Composer<BotContext>, { database, clock }: BotDeps): void {
  bot.command("timezone", async (ctx) => {
    const { user, texts } = ctx;
    if (!user) return void (await ctx.say(texts.needInvite));
    const given = ctx.match.trim();
    if (given === "") return void (await ctx.say(texts.timeZoneHow(ctx.timeZone)));
    const timeZone = knownTimeZone(given);
    if (timeZone === null) return void (await ctx.say(texts.timeZoneUnknown));
    await database.inTenant(BOT_TENANT, (tx) => setPreferences(tx, user.id, { timeZone }));
    ctx.timeZone = timeZone;
    await ctx.say(texts.timeZoneSet(timeZone, ctx.when(new Date(clock.now()))));
  });
}
