import type { Composer } from "grammy";
import { askAgain } from "../../db/channels.ts";
import { countSchedules, makeDue } from "../../db/schedules.ts";
import { countByState } from "../../db/sessions.ts";
import { countUsers, findUser } from "../../db/users.ts";
import { countRunningWaits } from "../../db/waits.ts";
import type { BotContext } from "../context.ts";
import { BOT_TENANT, type BotDeps } from "../deps.ts";

/** A user this late is worth a line. */
const LATE_MS = 60_000;

/**
 * `/debug_status`: the fleet at a glance. `/debug_reset [telegram_id]`: whatever of somebody hangs here is let go: a login
 * under way is ended, lost channels and names are looked at again, and the next reading is now. Their
 * session stays as it is.
 */
export function debugCommands(bot: Composer<BotContext>, deps: BotDeps): void {
  const { database, producer, tickets, admins, log } = deps;
  const isAdmin = (ctx: BotContext) => admins.has(ctx.telegramId);

  bot.command(["debug_status", "debug_reset"], async (ctx, next) => {
    if (isAdmin(ctx)) return next();
    log.warn({ user_telegram_id: ctx.telegramId.toString() }, "admin command refused");
    await ctx.say(ctx.texts.adminsOnly);
  });

  bot.command("debug_status", async (ctx) => {
    const counted = await database.asWorker(async (tx) => ({
      users: await countUsers(tx),
      schedules: await countSchedules(tx, LATE_MS),
      waits: await countRunningWaits(tx),
      states: await countByState(tx),
    }));
    const queues = await producer.queueCounts();
    const { schedules, waits } = counted;
    await ctx.say(
      [
        `users ${counted.users} · due ${schedules.due} · running ${schedules.inFlight} · late ${schedules.late}`,
        `sessions ${[...counted.states].map(([state, count]) => `${state} ${count}`).join(" · ")}`,
        `waits ${waits.waits} of ${waits.accounts} accounts · logins here ${tickets.size}`,
        ...queues.map(
          ({ queue, waiting, active, delayed, failed, paused }) =>
            `${queue} waiting ${waiting} · active ${active} · delayed ${delayed} · failed ${failed}${paused ? " · paused" : ""}`,
        ),
      ].join("\n"),
    );
  });

  bot.command("debug_reset", async (ctx) => {
    const given = ctx.match.trim();
    const telegramId = /^[1-9]\d{0,15}$/.test(given) ? BigInt(given) : given === "" ? ctx.telegramId : null;
    const user = telegramId === null ? null : await database.inTenant(BOT_TENANT, (tx) => findUser(tx, telegramId));
    if (!user) return void (await ctx.say(ctx.texts.resetUnknown(given.slice(0, 32))));
    await tickets.cancelLoginOf(user);
    await database.inTenant(BOT_TENANT, async (tx) => {
      await askAgain(tx, { userId: user.id });
      await makeDue(tx, [user.id]);
    });
    log.info({ admin: ctx.telegramId.toString(), user_telegram_id: user.telegramId.toString() }, "user reset");
    await ctx.say(ctx.texts.resetDone(user.telegramId.toString()));
  });
}
