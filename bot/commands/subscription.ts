import type { Composer } from "grammy";
import { planInForce } from "../../config/plans.ts";
import { ownApiIdOfUser } from "../../db/own-api-ids.ts";
import { loadSchedule } from "../../db/schedules.ts";
import { sessionOfUser } from "../../db/sessions.ts";
import type { BotContext } from "../context.ts";
import { BOT_TENANT, type BotDeps } from "../deps.ts";

/** `/subscription`: the plan in force, until when, and the next reading. */
export function subscriptionCommands(bot: Composer<BotContext>, { database, clock }: BotDeps): void {
  bot.command("subscription", async (ctx) => {
    const { user, texts, when } = ctx;
    if (!user) return void (await ctx.say(texts.needInvite));
    const facts = await database.inTenant(BOT_TENANT, async (tx) => ({
      session: await sessionOfUser(tx, user.id),
      schedule: await loadSchedule(tx, user.id),
      ownApiId: await ownApiIdOfUser(tx, user.id),
    }));
    const now = new Date(clock.now());
    const plan = planInForce(user, now);
    const until = { premium: user.paidUntil, trial: user.trialExpiresAt, free: null }[plan];
    const next = facts.schedule?.nextParseAt ?? null;
    await ctx.say(
      texts.subscription({
        plan: texts.plan[plan],
        until: until && when(until),
        next: next && next > now ? when(next) : null,
        session: facts.session?.state ?? "ABSENT",
        paused: user.paused,
        ownApiId: facts.ownApiId,
        timeZone: ctx.timeZone,
      }),
    );
  });
}
