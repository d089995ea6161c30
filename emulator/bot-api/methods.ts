import { z } from "zod";
import type { Bot } from "./bot.ts";
import { badRequest, conflict, notImplemented } from "./bot-api-error.ts";
import { acceptKeyboard, inlineKeyboard } from "./keyboard.ts";
import { botJson } from "./wire-types.ts";

type Answer = (bot: Bot, given: unknown, signal: AbortSignal) => unknown;

/** A method with what is served of its parameters: any other is refused, rather than passed over. */
function method<S extends z.ZodType>(
  name: string,
  schema: S,
  answer: (bot: Bot, given: z.output<S>, signal: AbortSignal) => unknown,
): readonly [string, Answer] {
  return [
    name.toLowerCase(),
    (bot, given, signal) => {
      const parsed = schema.safeParse(given);
      if (parsed.success) return answer(bot, parsed.data, signal);
      const unknown = parsed.error.issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : []));
      if (unknown.length > 0) throw notImplemented(`${unknown.join(", ")} of ${name}`);
      const [issue] = parsed.error.issues;
      throw badRequest(`${issue?.path.join(".") || name}: ${issue?.message}`);
    },
  ];
}

const chat_id = z.coerce.number().int();
const message_id = z.coerce.number().int().positive();
const text = z.string();
const reply_markup = inlineKeyboard.optional();
/** A preview of a link is not drawn here, so whether there is to be one changes nothing. */
const link_preview_options = z.strictObject({ is_disabled: z.boolean().optional() }).optional();
const reply_parameters = z.strictObject({ message_id, allow_sending_without_reply: z.boolean().optional() }).optional();
const updateKinds = z.array(z.enum(["message", "callback_query"])).optional();
const command = z.strictObject({
  command: z.string().regex(/^[a-z0-9_]{1,32}$/, "BOT_COMMAND_INVALID"),
  description: z.string().min(1).max(256),
});

/** What of the Bot API is served (core.telegram.org/bots/api), by method in lower case: Telegram does not look at case. */
export const METHODS: ReadonlyMap<string, Answer> = new Map([
  method("getMe", z.strictObject({}), ({ account }) => ({
    ...botJson(account),
    ...{ can_join_groups: false, can_read_all_group_messages: false, supports_inline_queries: false },
    ...{ can_connect_to_business: false, has_main_web_app: false },
  })),
  method(
    "getUpdates",
    z.strictObject({
      offset: z.coerce.number().int().optional(),
      limit: z.coerce.number().int().min(1).max(100).default(100),
      timeout: z.coerce.number().min(0).default(0),
      allowed_updates: updateKinds,
    }),
    ({ queue, webhook }, { offset, limit, timeout }, signal) => {
      if (webhook.target)
        throw conflict(
          "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        );
      return queue.fetch({ offset: offset ?? null, limit, waitMs: timeout * 1_000, signal });
    },
  ),
  method(
    "setWebhook",
    z.strictObject({
      url: z.url(),
      secret_token: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,256}$/)
        .optional(),
      allowed_updates: updateKinds,
      drop_pending_updates: z.boolean().optional(),
      max_connections: z.number().int().optional(),
    }),
    ({ queue, webhook }, { url, secret_token, drop_pending_updates }) => {
      if (drop_pending_updates) queue.clear();
      webhook.set({ url, secret: secret_token ?? null });
      return true;
    },
  ),
  method("deleteWebhook", z.strictObject({ drop_pending_updates: z.boolean().optional() }), (bot, given) => {
    if (given.drop_pending_updates) bot.queue.clear();
    bot.webhook.set(null);
    return true;
  }),
  method("getWebhookInfo", z.strictObject({}), ({ queue, webhook }) => ({
    ...{ url: webhook.target?.url ?? "", has_custom_certificate: false, pending_update_count: queue.size },
    ...(webhook.lastError === null ? {} : { last_error_message: webhook.lastError }),
  })),
  method(
    "sendMessage",
    z.strictObject({ chat_id, text, reply_markup, link_preview_options, reply_parameters }),
    (bot, given) => {
      const user = bot.personOf(given.chat_id);
      const keyboard = acceptKeyboard(given.reply_markup);
      bot.pay(user.id);
      const replyTo = given.reply_parameters?.message_id ?? null;
      const message = { from: "bot", text: given.text, keyboard, date: bot.seconds(), replyTo } as const;
      return bot.json(bot.chats.add(user.id, message), user);
    },
  ),
  method(
    "editMessageText",
    z.strictObject({ chat_id, message_id, text, reply_markup, link_preview_options }),
    (bot, given) => {
      const user = bot.personOf(given.chat_id);
      const change = { text: given.text, keyboard: acceptKeyboard(given.reply_markup) };
      return bot.json(bot.chats.edit(user.id, given.message_id, change, bot.seconds()), user);
    },
  ),
  method("deleteMessage", z.strictObject({ chat_id, message_id }), (bot, given) => {
    bot.chats.remove(bot.personOf(given.chat_id).id, given.message_id);
    return true;
  }),
  method(
    "answerCallbackQuery",
    z.strictObject({
      callback_query_id: z.string(),
      text: z.string().max(200).optional(),
      show_alert: z.boolean().optional(),
    }),
    (bot, given) => {
      const tap = bot.taps.get(given.callback_query_id);
      if (!tap || tap.answer !== null)
        throw badRequest("query is too old and response timeout expired or query ID is invalid");
      tap.answer = given.text ?? "";
      return true;
    },
  ),
  method(
    "setMyCommands",
    z.strictObject({ commands: z.array(command).max(100), language_code: z.string().optional() }),
    (bot, given) => {
      bot.commands.set(given.language_code ?? "", given.commands);
      return true;
    },
  ),
]);
