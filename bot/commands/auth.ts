import type { Composer } from "grammy";
import { setOwnApiId } from "../../db/own-api-ids.ts";
import { keepOwnApiId } from "../../telegram/own-api-ids.ts";
import type { BotContext } from "../context.ts";
import { BOT_TENANT, type BotDeps } from "../deps.ts";

/** Whoever pastes one may have forgotten the command: it is taken for what it is. */
const HASH = /(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])/i;
const PAIR = /^(?<id>[1-9]\d{0,9})[\s,;:]+(?<hash>[0-9a-f]{32})$/i;
const LARGEST_API_ID = 0x7fffffff;

/** Whether a message has what may be an api_hash in it, and must not stay in the chat. */
export const holdsApiHash = (text: string): boolean => HASH.test(text);

const writtenIn = ({ message }: BotContext): string => message?.text ?? message?.caption ?? "";

/**
 * `/auth`: an API ID of one's own for the next login. The hash is sealed in the vault, and the message that it came in is
 * deleted, whatever else comes of it.
 */
export function authCommands(bot: Composer<BotContext>, deps: BotDeps): void {
  const { database, vault, tickets, log } = deps;

  async function keep(ctx: BotContext, given: string): Promise<void> {
    if (!ctx.user) return void (await ctx.say(ctx.texts.needInvite));
    const { id: userId, tenantId } = ctx.user;
    const { id = "0", hash = "" } = PAIR.exec(given.trim())?.groups ?? {};
    const apiId = Number(id);
    if (hash === "" || apiId > LARGEST_API_ID) return void (await ctx.say(ctx.texts.authMalformed));
    await database.inTenant(tenantId, async (tx) => {
      const own = await keepOwnApiId(tx, vault, { tenantId, apiId, apiHash: hash.toLowerCase() });
      await setOwnApiId(tx, userId, own);
    });
    // One that is under way goes by the API ID that it was begun with: what is said next would not be true of it.
    await tickets.cancelLoginOf(ctx.user);
    log.info({ user_telegram_id: ctx.telegramId.toString() }, "own API ID kept");
    await ctx.say(ctx.texts.authKept(apiId));
  }

  async function takeBack(ctx: BotContext): Promise<void> {
    const { user } = ctx;
    if (!user) return void (await ctx.say(ctx.texts.needInvite));
    await database.inTenant(BOT_TENANT, (tx) => setOwnApiId(tx, user.id, null));
    await tickets.cancelLoginOf(user);
    await ctx.say(ctx.texts.authOff);
  }

  // Before anything else looks at such a message, and first of all: it is gone from the chat even where the rest fails.
  bot.on("message").filter(
    (ctx) => holdsApiHash(writtenIn(ctx)),
    async (ctx) => {
      const deleted = await ctx.deleteMessage().catch(() => false);
      await keep(ctx, writtenIn(ctx).replace(/^\/auth(@\w+)?\s+/i, ""));
      await ctx.say(deleted ? ctx.texts.messageDeleted : ctx.texts.messageNotDeleted);
    },
  );
  bot.command("auth", async (ctx) => {
    const given = ctx.match.trim();
    if (given === "") return void (await ctx.say(ctx.texts.authHow));
    if (given.toLowerCase() === "off") return takeBack(ctx);
    await ctx.say(ctx.texts.authMalformed);
  });
}
