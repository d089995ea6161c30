import type { NextFunction } from "grammy";
import { noteVisit } from "../db/sessions.ts";
import { preferencesOf, setPreferences } from "../db/user-preferences.ts";
import { findUser } from "../db/users.ts";
import type { BotContext } from "./context.ts";
import { BOT_TENANT, type BotDeps } from "./deps.ts";
import { languageOf } from "./texts.ts";

/** Finds out whom an update is from; what Telegram says of their language is kept for when we write unasked. */
export const introduce =
  ({ database }: Pick<BotDeps, "database">) =>
  async (ctx: BotContext, next: NextFunction): Promise<void> => {
    const code = ctx.from?.language_code;
    ctx.language = languageOf(code);
    await database.inTenant(BOT_TENANT, async (tx) => {
      ctx.user = await findUser(tx, ctx.telegramId);
      if (ctx.user) await noteVisit(tx, ctx.user.id);
      const known = ctx.user && (await preferencesOf(tx, ctx.user.id));
      if (!ctx.user || !known) return;
      ctx.timeZone = known.timeZone;
      if (code === undefined) ctx.language = languageOf(known.language);
      else await setPreferences(tx, ctx.user.id, { language: ctx.language });
    });
    await next();
  };
