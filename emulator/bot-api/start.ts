import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { World } from "../world/model.ts";
import { createBot } from "./bot.ts";
import { createInitDataSigner } from "./init-data.ts";
import { createPerson, type Person } from "./person.ts";
import type { SendingRate } from "./rate.ts";
import { type BotApiFaults, serveBotApi } from "./server.ts";

/** A bot on the emulated Telegram. */
export interface BotOptions {
  /** As BotFather would give it: `<id>:<secret>`. */
  readonly token: string;
  readonly username: string;
  /** Of the HTTP endpoint; 0 takes a free one. */
  readonly port?: number;
  /** How much it may send; null: without a limit. */
  readonly rate?: SendingRate | null;
}

export interface BotApi {
  /** What a bot's `apiRoot` is to be. */
  readonly root: string;
  readonly token: string;
  /** Raw Ed25519 key of the signature in initData. */
  readonly publicKey: Buffer;
  /** The commands that the bot has put into people's menus, by language ("": all others). */
  commands(language?: string): readonly { readonly command: string; readonly description: string }[];
  /** May be changed at any time. */
  readonly faults: BotApiFaults;
  /** What the bot is still to be told. */
  readonly pending: number;
  /**
   * Somebody of this world, with Telegram on their phone.
   * @param language what their Telegram is set to, as the bot is told
   * @throws where nobody has this id
   */
  person(telegramId: bigint, language?: string): Person;
  close(): Promise<void>;
}

/** @throws OperatorError where the port is taken */
export async function startBotApi(
  options: BotOptions & {
    readonly world: World;
    readonly clock: Clock;
    readonly log: Log;
    /** Codes that came to a phone. */
    readonly codesOf: (phone: string) => readonly string[];
    /** An account's person scans a login link. */
    readonly scan: (link: string, telegramId: bigint) => void;
  },
): Promise<BotApi> {
  const { token, username, world, clock, log, rate = null } = options;
  const account = { id: Number(token.slice(0, token.indexOf(":"))), token, username };
  const bot = createBot({ account, world, clock, rate, log });
  const signer = createInitDataSigner();
  const faults: BotApiFaults = {};
  const server = await serveBotApi({ bots: [bot], port: options.port ?? 0, faults, log });
  return {
    root: server.root,
    ...{ token, faults },
    publicKey: signer.publicKey,
    commands: (language = "") => bot.commands.get(language) ?? [],
    get pending() {
      return bot.queue.size;
    },
    person(telegramId, language) {
      const user = world.users.get(telegramId);
      if (!user) throw new Error(`nobody has the id ${telegramId}`);
      return createPerson(bot, user, {
        language: language ?? bot.languages.get(telegramId) ?? null,
        signer,
        codes: () => options.codesOf(user.phone),
        scan: (link) => options.scan(link, telegramId),
      });
    },
    async close() {
      await bot.webhook.close();
      await server.close();
    },
  };
}
