import { type Composer, InlineKeyboard } from "grammy";
import { admit, NotAdmitted } from "../../db/admission.ts";
import { sessionOfUser } from "../../db/sessions.ts";
import { setPreferences } from "../../db/user-preferences.ts";
import type { User } from "../../db/users.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { ShownText } from "../../terms/terms.ts";
import { createAllowance } from "../allowance.ts";
import type { BotContext } from "../context.ts";
import { BOT_TENANT, type BotDeps } from "../deps.ts";
import { looksLikeCode } from "../login-codes.ts";
import { paragraphs } from "../paragraphs.ts";

const MINUTE_MS = 60_000;

/** `/login [CODE]`, and `/start CODE`, which is what a link to the bot with an invite in it writes. */
export function loginCommands(bot: Composer<BotContext>, deps: BotDeps): void {
  const { database, tickets, clock, log, authBaseUrl, terms } = deps;
  // A code of few signs must not be found by trying; a login is a key exchange with Telegram.
  const refusals = createAllowance({ most: 10, perMs: 60 * MINUTE_MS, clock });
  const begun = createAllowance({ most: 10, perMs: 10 * MINUTE_MS, clock });

  const tooOften = (ctx: BotContext, waitMs: number) =>
    ctx.say(ctx.texts.tooOften(ctx.when(new Date(clock.now() + waitMs))));

  async function letIn(ctx: BotContext, invite: string | undefined): Promise<User | null> {
    try {
      return await database.inTenant(BOT_TENANT, async (tx) => {
        const user = await admit(tx, { tenantId: BOT_TENANT, telegramId: ctx.telegramId }, invite);
        await setPreferences(tx, user.id, { language: ctx.language });
        return user;
      });
    } catch (error) {
      if (!(error instanceof NotAdmitted)) throw error;
      const waitMs = invite === undefined ? null : refusals.take(ctx.telegramId);
      log.info({ user_telegram_id: ctx.telegramId.toString(), refusal: error.refusal }, "login refused");
      if (waitMs !== null) await tooOften(ctx, waitMs);
      else await ctx.say(ctx.texts.refused[error.refusal]);
      if (invite !== undefined && looksLikeCode(invite)) await ctx.say(ctx.texts.codeWarning);
      return null;
    }
  }

  /** The login's ticket; null where none could be begun. A login of the user's that is under way gives way to it. */
  async function begin({ id, tenantId, telegramId }: User, { version, language, text }: ShownText) {
    try {
      const shown = { version, language, text, via: "bot" } as const;
      const started = await tickets.start({ asker: `user:${id}`, tenantId, telegramId, shown });
      if (started.view.link !== null) return started;
      log.warn({ user_telegram_id: telegramId.toString(), reason: started.view.reason }, "login not begun");
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      log.warn({ user_telegram_id: telegramId.toString(), reason: error.message }, "login not begun");
    }
    return null;
  }

  async function login(ctx: BotContext, given: string): Promise<void> {
    const invite = given.trim() === "" ? undefined : given.trim();
    const user = await letIn(ctx, invite);
    if (!user) return;
    const session = await database.inTenant(BOT_TENANT, (tx) => sessionOfUser(tx, user.id));
    if (session?.state === "AUTHORIZED") return void (await ctx.say(ctx.texts.loggedInAlready));
    const waitMs = begun.take(ctx.telegramId);
    if (waitMs !== null) return void (await tooOften(ctx, waitMs));
    const agreed = terms.in(ctx.language);
    const started = await begin(user, agreed);
    if (!started) return void (await ctx.say(ctx.texts.loginFailed));
    const { ticket, view } = started;
    const minutes = Math.max(1, Math.floor((view.endsAt.getTime() - clock.now()) / MINUTE_MS));
    const page = `${authBaseUrl}/qr-auth?session_id=${ticket}`;
    await ctx.say(paragraphs(ctx.texts.loginReady(minutes), agreed.text), {
      reply_markup: new InlineKeyboard().webApp(ctx.texts.loginButton, page),
    });
  }

  bot.command("login", (ctx) => login(ctx, ctx.match));
  bot.command("start", (ctx, next) => (ctx.match.trim() === "" ? next() : login(ctx, ctx.match)));
}
