import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { World, WorldUser } from "../world/model.ts";
import { badRequest } from "./bot-api-error.ts";
import { type ChatMessage, type Chats, createChats } from "./chats.ts";
import { createRate, type SendingRate } from "./rate.ts";
import { createUpdateQueue, type UpdateQueue } from "./updates.ts";
import { createWebhook, type Webhook } from "./webhook.ts";
import { type BotAccount, messageJson, userJson } from "./wire-types.ts";

/** A button that somebody has tapped, and what the bot has said to it. */
export interface Tap {
  readonly personId: bigint;
  /** Null until the bot has answered; "" where it has said nothing. */
  answer: string | null;
}

/** One bot on the emulated Telegram: its chats, and what it is still to be told. */
export interface Bot {
  readonly account: BotAccount;
  readonly world: World;
  readonly clock: Clock;
  readonly chats: Chats;
  readonly queue: UpdateQueue;
  readonly webhook: Webhook;
  /** By their ids. */
  readonly taps: Map<string, Tap>;
  /** What it has put into people's menus, by language ("" for all others). */
  readonly commands: Map<string, readonly { readonly command: string; readonly description: string }[]>;
  /** @throws BotApiError 429 */
  readonly pay: (personId: bigint) => void;
  seconds(): number;
  /** @throws BotApiError 400 where nobody has this id */
  personOf(id: number): WorldUser;
  /** A message as the Bot API writes it. */
  json(message: ChatMessage, user: WorldUser): object;
  /** In what language a person uses Telegram; null: it is not told. */
  readonly languages: Map<bigint, string>;
  userJson(user: WorldUser): object;
}

export function createBot(options: {
  readonly account: BotAccount;
  readonly world: World;
  readonly clock: Clock;
  readonly rate: SendingRate | null;
  readonly log: Log;
}): Bot {
  const { account, world, clock, rate } = options;
  const queue = createUpdateQueue();
  const languages = new Map<bigint, string>();
  const languageOf = (user: WorldUser) => languages.get(user.id) ?? null;
  return {
    ...{ account, world, clock, queue, languages },
    chats: createChats(),
    webhook: createWebhook(queue, options.log),
    taps: new Map(),
    commands: new Map(),
    pay: rate ? createRate(rate, clock) : () => undefined,
    seconds: () => Math.floor(clock.now() / 1_000),
    personOf(id) {
      const user = Number.isSafeInteger(id) && id > 0 ? world.users.get(BigInt(id)) : undefined;
      if (!user) throw badRequest("chat not found");
      return user;
    },
    json: (message, user) => messageJson(message, account, user, languageOf(user)),
    userJson: (user) => userJson(user, languageOf(user)),
  };
}
