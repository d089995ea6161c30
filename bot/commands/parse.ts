import type { Composer } from "grammy";
import { askForParse } from "../../db/parse-at-will.ts";
import { loadSchedule } from "../../db/schedules.ts";
import type { User } from "../../db/users.ts";
import { holdsParse, runningWaits } from "../../db/waits.ts";
import type { BotContext } from "../context.ts";
import { BOT_TENANT, type BotDeps } from "../deps.ts";
import { newestRun, nextRun } from "../follow-run.ts";

/** `/parse`: reads the user's channels now, and says when they were read, or until when Telegram has us wait. */
export function parseCommands(bot: Composer<BotContext>, deps: BotDeps): void {
  const { database, producer, clock, background } = deps;

  /** Until when nothing can be read: the account's own waits, and the API ID's. */
  async function waitsUntil(user: User): Promise<Date | null> {
    const { waits, queue } = await database.inTenant(BOT_TENANT, async (tx) => ({
      waits: await runningWaits(tx, user.telegramId),
      queue: (await loadSchedule(tx, user.id))?.queue ?? null,
    }));
    const ends = waits.filter(holdsParse).map(({ until }) => until);
    const paused = queue === null ? null : await producer.pausedUntil(queue);
    const last = [...ends, ...(paused ? [paused] : [])].sort((a, b) => b.getTime() - a.getTime())[0];
    return last && last.getTime() > clock.now() ? last : null;
  }

  bot.command("parse", async (ctx) => {
    const { user, texts, when } = ctx;
    if (!user) return void (await ctx.say(texts.needInvite));
    if (user.paused) return void (await ctx.say(texts.paused));
    const before = await newestRun(deps, user.id);
    const asked = await database.inTenant(BOT_TENANT, (tx) => askForParse(tx, user.id, clock.now()));
    if (asked.kind === "not_parsable") return void (await ctx.say(texts.notParsable));
    if (asked.kind === "too_soon")
      return void (await ctx.say(texts.parseTooSoon(when(new Date(clock.now() + asked.retryMs)))));
    const waiting = await waitsUntil(user);
    if (waiting) return void (await ctx.say(texts.parseWaits(when(waiting))));
    const said = await ctx.say(asked.kind === "due" ? texts.parseAsked : texts.parseUnderWay);

    background.run("following a reading", async (signal) => {
      const run = await nextRun(deps, user.id, before, signal);
      if (signal.aborted) return;
      const outcome = async (): Promise<string> => {
        if (run?.outcome === "done") return texts.parseDone(when(run.finishedAt), run.added);
        const until = await waitsUntil(user);
        if (until) return texts.parseWaits(when(until));
        return run ? texts.parseFailed(when(run.finishedAt)) : texts.parseLate;
      };
      await ctx.api.editMessageText(said.chat.id, said.message_id, await outcome());
    });
  });
}
