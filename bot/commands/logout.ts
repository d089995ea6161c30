import { type Composer, InlineKeyboard } from "grammy";
import { askRevocation } from "../../db/revocations.ts";
import { loadSession, type SessionInfo, sessionOfUser } from "../../db/sessions.ts";
import { revokeJob } from "../../queue/revoke-job.ts";
import { sleep } from "../../runtime/sleep.ts";
import type { BotContext } from "../context.ts";
import { BOT_TENANT, type BotDeps } from "../deps.ts";

const LOOK_EVERY_MS = 500;
const FOLLOWED_MS = 60_000;

/** `/logout`: ends the session at Telegram, by the job that does so under its lease, and deletes its key here. */
export function logoutCommands(bot: Composer<BotContext>, deps: BotDeps): void {
  const { database, tickets, producer, clock, log, background } = deps;
  const canEnd = (session: SessionInfo | null): session is SessionInfo =>
    session?.state === "AUTHORIZED" || session?.state === "STALE";
  const sessionFor = (userId: bigint) => database.inTenant(BOT_TENANT, (tx) => sessionOfUser(tx, userId));

  bot.command("logout", async (ctx) => {
    const { user, texts } = ctx;
    if (!user) return void (await ctx.say(texts.needInvite));
    const cancelled = await tickets.cancelLoginOf(user);
    const session = await sessionFor(user.id);
    if (!canEnd(session)) return void (await ctx.say(cancelled ? texts.loginExpired : texts.notLoggedIn));
    const keyboard = new InlineKeyboard().text(texts.logoutYes, `logout:${session.id}`).text(texts.logoutNo, "stay");
    await ctx.say(texts.logoutSure, { reply_markup: keyboard });
  });

  bot.callbackQuery("stay", async (ctx) => {
    await ctx.answerCallbackQuery();
    await ctx.editMessageText(ctx.texts.stayed);
  });

  bot.callbackQuery(/^logout:(\d{1,19})$/, async (ctx) => {
    const { user, texts } = ctx;
    await ctx.answerCallbackQuery();
    const session = user && (await sessionFor(user.id));
    // What the button was made for, and the user's own: another login may have come since.
    if (!user || !session || session.id !== BigInt(ctx.match[1] ?? "0") || !canEnd(session))
      return void (await ctx.editMessageText(texts.notLoggedIn));
    await database.inTenant(BOT_TENANT, (tx) => askRevocation(tx, session.id, "asked"));
    await producer.add(revokeJob(session, new Date(clock.now())));
    log.info({ session_id: session.id.toString() }, "log-out asked for");
    await ctx.editMessageText(texts.loggingOut);
    background.run("following a log-out", async (signal) => {
      const ended = await isRevoked(session.id, signal);
      if (!signal.aborted) await ctx.editMessageText(ended ? texts.loggedOut : texts.logoutLate);
    });
  });

  async function isRevoked(sessionId: bigint, signal: AbortSignal): Promise<boolean> {
    const until = clock.monotonic() + FOLLOWED_MS;
    while (!signal.aborted && clock.monotonic() < until) {
      const session = await database.inTenant(BOT_TENANT, (tx) => loadSession(tx, sessionId));
      if (!session || session.state === "REVOKED") return true;
      await sleep(LOOK_EVERY_MS, signal);
    }
    return false;
  }
}
