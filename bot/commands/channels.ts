import { type Composer, InlineKeyboard } from "grammy";
import { type SubscriptionLine, subscriptionLines } from "../../db/channel-lives.ts";
import { subscribe, subscriptionsOf, unsubscribe } from "../../db/channels.ts";
import type { User } from "../../db/users.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { BotContext } from "../context.ts";
import { BOT_TENANT, type BotDeps } from "../deps.ts";

/** Lines, or buttons, of one message. */
const A_PAGE = 8;
/** More names than anybody types are no names. */
const MOST_AT_ONCE = 20;
/** What of a name that somebody typed is said back. */
const LONGEST_SAID = 64;
/** A message has 4096 signs at most. */
const LONGEST_LINE = 480;

/** `/add_channel`, `/channels` and `/remove_channel`. */
export function channelCommands(bot: Composer<BotContext>, { database }: BotDeps): void {
  const linesOf = (user: User) => database.inTenant(BOT_TENANT, (tx) => subscriptionLines(tx, user.id));

  async function add(ctx: BotContext, user: User, name: string): Promise<string> {
    const said = name.slice(0, LONGEST_SAID);
    try {
      const { tenantId, id: userId } = user;
      const one = await database.inTenant(BOT_TENANT, (tx) => subscribe(tx, { tenantId, userId, name }));
      if (one.added) return ctx.texts.added(one.name);
      const line = (await linesOf(user)).find((known) => known.name === one.name);
      return ctx.texts.there(one.name, line ? lifeOf(ctx, line) : null);
    } catch (error) {
      // Its own words are for operators.
      if (error instanceof OperatorError) return ctx.texts.malformedChannel(said);
      throw error;
    }
  }

  bot.command("add_channel", async (ctx) => {
    const { user, texts } = ctx;
    if (!user) return void (await ctx.say(texts.needInvite));
    const names = wordsIn(ctx.match);
    if (names.length === 0) return void (await ctx.say(texts.addHow));
    const said: string[] = [];
    for (const name of names) said.push(await add(ctx, user, name));
    await ctx.say(said.join("\n"));
  });

  async function list(ctx: BotContext, user: User, asked: number): Promise<[string, InlineKeyboard]> {
    const { texts } = ctx;
    const lines = await linesOf(user);
    const { page, pages, shown } = pageOf(lines, asked);
    if (lines.length === 0) return [texts.noChannels, new InlineKeyboard()];
    const rows = shown.map((line, index) => {
      const number = page * A_PAGE + index + 1;
      return `${number}. ${nameOf(line)} — ${lifeOf(ctx, line) ?? texts.fine}`.slice(0, LONGEST_LINE);
    });
    return [
      `${texts.channels(lines.length, page + 1, pages)}\n\n${rows.join("\n")}`,
      turning(new InlineKeyboard(), "channels", page, pages),
    ];
  }

  bot.command("channels", async (ctx) => {
    if (!ctx.user) return void (await ctx.say(ctx.texts.needInvite));
    const [text, reply_markup] = await list(ctx, ctx.user, 0);
    await ctx.say(text, { reply_markup });
  });
  bot.callbackQuery(/^channels:(\d{1,6})$/, async (ctx) => {
    await ctx.answerCallbackQuery();
    if (!ctx.user) return;
    const [text, reply_markup] = await list(ctx, ctx.user, Number(ctx.match[1]));
    await ctx.editMessageText(text, { reply_markup });
  });

  async function removable(ctx: BotContext, user: User, asked: number): Promise<[string, InlineKeyboard]> {
    const lines = await linesOf(user);
    const { page, pages, shown } = pageOf(lines, asked);
    if (lines.length === 0) return [ctx.texts.noChannels, new InlineKeyboard()];
    const keyboard = new InlineKeyboard();
    for (const line of shown)
      keyboard.text(`✕ ${nameOf(line).slice(0, LONGEST_SAID)}`, `remove:${line.id}:${page}`).row();
    return [ctx.texts.removeWhich, turning(keyboard, "removable", page, pages)];
  }

  bot.command("remove_channel", async (ctx) => {
    const { user, texts } = ctx;
    if (!user) return void (await ctx.say(texts.needInvite));
    const names = wordsIn(ctx.match);
    if (names.length === 0) {
      const [text, reply_markup] = await removable(ctx, user, 0);
      return void (await ctx.say(text, { reply_markup }));
    }
    const said: string[] = [];
    for (const name of names) said.push(await remove(ctx, user, name));
    await ctx.say(said.join("\n"));
  });
  bot.callbackQuery(/^removable:(\d{1,6})$/, async (ctx) => {
    await ctx.answerCallbackQuery();
    if (!ctx.user) return;
    const [text, reply_markup] = await removable(ctx, ctx.user, Number(ctx.match[1]));
    await ctx.editMessageText(text, { reply_markup });
  });
  bot.callbackQuery(/^remove:(\d{1,19}):(\d{1,6})$/, async (ctx) => {
    const { user, texts } = ctx;
    if (!user) return void (await ctx.answerCallbackQuery());
    const [, id = "", page = "0"] = ctx.match;
    // Among the user's own: an id in a button proves nothing.
    const line = await database.inTenant(BOT_TENANT, async (tx) => {
      const found = (await subscriptionsOf(tx, user.id)).find((one) => one.id === BigInt(id));
      return found && (await unsubscribe(tx, { userId: user.id, name: found.name })) ? found : null;
    });
    await ctx.answerCallbackQuery({ text: line ? texts.removed(nameOf(line)).slice(0, 200) : "" });
    const [text, reply_markup] = await removable(ctx, user, Number(page));
    await ctx.editMessageText(text, { reply_markup }).catch(ignoreUnchanged);
  });

  async function remove(ctx: BotContext, user: User, name: string): Promise<string> {
    const said = name.slice(0, LONGEST_SAID);
    try {
      const removed = await database.inTenant(BOT_TENANT, (tx) => unsubscribe(tx, { userId: user.id, name }));
      return removed ? ctx.texts.removed(said) : ctx.texts.notFollowed(said);
    } catch (error) {
      if (error instanceof OperatorError) return ctx.texts.malformedChannel(said);
      throw error;
    }
  }
}

const wordsIn = (text: string): string[] =>
  text
    .split(/[\s,]+/)
    .filter(Boolean)
    .slice(0, MOST_AT_ONCE);

const nameOf = ({ name, channel }: Pick<SubscriptionLine, "name" | "channel">): string => {
  const handle = /^\d+$/.test(name) ? name : `@${name}`;
  return channel ? `${channel.title} (${channel.username ? `@${channel.username}` : handle})` : handle;
};

const lifeOf = (ctx: BotContext, { life }: SubscriptionLine): string | null =>
  life.length === 0 ? null : life.map((event) => ctx.texts.life(event, ctx.when)).join("; ");

/** The page that was asked for, or the last one where there are fewer by now. */
function pageOf<T>(items: readonly T[], asked: number): { page: number; pages: number; shown: readonly T[] } {
  const pages = Math.max(1, Math.ceil(items.length / A_PAGE));
  const page = Math.min(asked, pages - 1);
  return { page, pages, shown: items.slice(page * A_PAGE, (page + 1) * A_PAGE) };
}

function turning(keyboard: InlineKeyboard, what: string, page: number, pages: number): InlineKeyboard {
  if (page > 0) keyboard.text("‹", `${what}:${page - 1}`);
  if (page < pages - 1) keyboard.text("›", `${what}:${page + 1}`);
  return keyboard;
}

/** A button that was tapped twice: the second one changes nothing. */
function ignoreUnchanged(error: unknown): void {
  if (!String(error).includes("message is not modified")) throw error;
}
