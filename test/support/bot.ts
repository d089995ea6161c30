import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBot } from "../../bot/main.ts";
import { type Config, loadConfig } from "../../config/load.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { createInvite, type InvitePlan, newInviteCode } from "../../db/invites.ts";
import type { Person } from "../../emulator/bot-api/person.ts";
import type { BotApi } from "../../emulator/bot-api/start.ts";
import type { Emulator, EmulatorOptions } from "../../emulator/start.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { createLog } from "../../runtime/log.ts";
import { startTestEmulator } from "./emulator.ts";
import { eventually } from "./eventually.ts";
import { testDatabase, testRedis } from "./services.ts";

export const BOT_TOKEN = "7000000001:test_token_of_no_bot_at_all_abcdef";
export const ADMIN = 6_500_000_000n;
const TENANT = "default";

/** A running bot process's part, in this process. */
export interface RunningBot {
  readonly port: number;
  readonly webhookPort: number | null;
  stop(): Promise<void>;
}

/** An emulated Telegram with a bot's account on it, a database, and bots to run over both. */
export interface BotHome {
  readonly emulator: Emulator;
  readonly botApi: BotApi;
  readonly database: Database;
  readonly env: Readonly<Record<string, string>>;
  readonly config: Config;
  /** Every line that any bot has logged, at every level. */
  readonly logged: string[];
  startBot(env?: Readonly<Record<string, string>>): Promise<RunningBot>;
  /** Somebody new to Telegram. */
  person(given?: { language?: string; dcId?: number; password?: string; id?: bigint }): Person;
  invite(given?: { code?: string; plan?: InvitePlan; days?: number; maxUses?: number }): Promise<string>;
  close(): Promise<void>;
}

export async function startBotHome(given: Partial<EmulatorOptions> = {}): Promise<BotHome> {
  const emulator = await startTestEmulator({
    ...{ users: 1, channels: 12, bot: { token: BOT_TOKEN, username: "gramfleet_bot" } },
    ...given,
  });
  const { botApi } = emulator;
  if (!botApi) throw new Error("no bot was asked for");
  const place = await testDatabase();
  const redis = testRedis();
  const dir = mkdtempSync(join(tmpdir(), "gramfleet-bot-"));
  const publicKey = join(dir, "dc.pem");
  writeFileSync(publicKey, emulator.publicKeyPem);
  const env = {
    LOG_LEVEL: "trace",
    DATABASE_URL: place.url,
    REDIS_URL: redis.url,
    REDIS_PREFIX: redis.prefix,
    MASTER_API_IDS: emulator.apiIds.map(({ apiId }) => apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map(({ apiHash }) => apiHash).join(","),
    SESSION_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 1).toString("base64")}`,
    TELEGRAM_DC: emulator.dataCenters.map(({ id, host, port }) => `${id}@${host}:${port}`).join(","),
    TELEGRAM_DC_PUBLIC_KEY: publicKey,
    BOT_TOKEN,
    BOT_API_ROOT: botApi.root,
    AUTH_BASE_URL: "http://127.0.0.1:8080",
    BOT_ADMIN_IDS: ADMIN.toString(),
  };
  const logged: string[] = [];
  const log = createLog({ level: "trace", name: "bot", destination: { write: (line) => void logged.push(line) } });
  const config = loadConfig(env);
  const database = openDatabase({ url: place.url, poolSize: 4, fencedStatementMs: 5_000, log });
  const running = new Set<Lifecycle>();
  let number = 0;
  return {
    ...{ emulator, botApi, database, env, config, logged },
    async startBot(more = {}) {
      const lifecycle = new Lifecycle(log);
      running.add(lifecycle);
      const started = await startBot(loadConfig({ ...env, ...more }), lifecycle, log);
      const stop = async () => {
        running.delete(lifecycle);
        await lifecycle.close();
      };
      return { ...started, stop };
    },
    person({ language, dcId = 1, password, id } = {}) {
      number += 1;
      const telegramId = id ?? 6_600_000_000n + BigInt(number);
      const phone = `99966${dcId}7${String(number).padStart(3, "0")}`;
      const known = { firstName: "Ada", username: null, premium: false, password: password ?? null };
      emulator.world.addUser({ id: telegramId, phone, dcId, ...known });
      return botApi.person(telegramId, language);
    },
    async invite(asked = {}) {
      const code = asked.code ?? newInviteCode();
      const invite = { plan: "premium", days: 30, maxUses: 1, expiresAt: null, note: null } as const;
      await database.inTenant(TENANT, (tx) => createInvite(tx, { tenantId: TENANT, ...invite, ...asked, code }));
      return code;
    },
    async close() {
      await Promise.all([...running].map((lifecycle) => lifecycle.close()));
      await database.close();
      await place.drop();
      await emulator.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Writes, and gives what the bot says to it: its next new message. */
export async function ask(person: Person, text: string): Promise<string> {
  const before = person.chat().at(-1)?.id ?? 0;
  person.write(text);
  return (await saying(person, before)).text;
}

/** The bot's first message after `after`; with `words` in it, where they are given. */
export function saying(person: Person, after: number, words: string | RegExp = "") {
  const fits = (text: string) => (typeof words === "string" ? text.includes(words) : words.test(text));
  return eventually(
    () => person.chat().find((message) => message.from === "bot" && message.id > after && fits(message.text)),
    { what: `the bot's word (${words}); there is: ${JSON.stringify(person.chat().map(({ text }) => text))}` },
  );
}
