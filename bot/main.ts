import { GrammyError } from "grammy";
import { databaseUrls } from "../config/database-urls.ts";
import type { Config } from "../config/load.ts";
import { forgetUpdates, takeUpdate } from "../db/bot-updates.ts";
import { ownDatabase } from "../db/open.ts";
import { ownTickets } from "../login/open.ts";
import { ownProducer } from "../queue/open.ts";
import { announcePresence } from "../queue/presence.ts";
import { openRedis } from "../queue/redis.ts";
import { systemClock as clock } from "../runtime/clock.ts";
import { ownHealthServer } from "../runtime/health.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { startLoop } from "../runtime/loop.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { runProcess } from "../runtime/process.ts";
import { ownTracing } from "../runtime/tracing.ts";
import { createFleet } from "../telegram/fleet.ts";
import { fleetOptions } from "../telegram/from-config.ts";
import { keepOriginalCodec } from "../telegram/gramjs/codec/fast-codec.ts";
import { connect } from "../telegram/gramjs/connect.ts";
import { keyMarks } from "../telegram/key-marks.ts";
import { createTerms } from "../terms/terms.ts";
import { abortSignal } from "./abort-signal.ts";
import { createBackground } from "./background.ts";
import { createBot, showMenu } from "./bot.ts";
import { createDispatcher } from "./dispatcher.ts";
import { KINDS } from "./kinds.ts";
import { startNotices } from "./notices.ts";
import { startPolling } from "./polling.ts";
import { startWebhookServer } from "./webhook.ts";

const POOL_SIZE = 6;
/** Telegram keeps an update for a day at most. */
const UPDATES_KEPT_MS = 2 * 86_400_000;
const FORGET_EVERY_MS = 3_600_000;

/** Runs the bot until a signal ends it. Any number of them may run at once. */
export async function runBot(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel, name: "bot", traced: config.tracing !== null });
  await runProcess(log, (lifecycle) => startBot(config, lifecycle, log));
}

/**
 * Answers people in Telegram, and holds the logins that they begin there. What it opens is owned by `lifecycle`.
 *
 * @returns the metrics port, and the webhook's where there is one
 * @throws OperatorError where PostgreSQL, Redis, the keyring or the token is unfit, or a port is taken
 */
export async function startBot(
  config: Config,
  lifecycle: Lifecycle,
  log: Log,
): Promise<{ port: number; webhookPort: number | null }> {
  const { limits, redisPrefix, bot: given } = config;
  const { token, authBaseUrl, apiRoot, webhook } = given;
  if (token === null || authBaseUrl === null) throw new OperatorError("set BOT_TOKEN and AUTH_BASE_URL");
  const metrics = createMetrics({ process: "bot" });
  if (!config.fastCodec) keepOriginalCodec();
  const tracing = await ownTracing(lifecycle, config.tracing, "bot", log);
  const database = await ownDatabase(lifecycle, {
    ...databaseUrls(config),
    ...{ poolSize: POOL_SIZE, fencedStatementMs: limits.fencedStatementMs },
    ...{ metrics, log },
  });
  const { redis, producer } = await ownProducer(lifecycle, config, log);
  const limiterRedis = () => openRedis(config.redisUrl ?? "", "limiter", log);
  const fleet = await createFleet(
    fleetOptions(config, { redis: limiterRedis, ...{ database, connect, metrics, clock, log } }),
    lifecycle,
  );
  const tickets = await ownTickets(lifecycle, config, {
    redis: limiterRedis,
    ...{ database, fleet, metrics, clock, log },
  });
  const background = lifecycle.own("work in the background", createBackground(log), (running) => running.close());
  const telegram = { token, apiRoot };
  const bot = createBot(
    {
      ...{ database, tickets, producer, vault: fleet.vault, clock, log, metrics, background },
      ...{ authBaseUrl, admins: given.admins, terms: createTerms(config.terms) },
    },
    telegram,
  );
  await bot.init(abortSignal(lifecycle.signal)).catch(refuseToken);
  await showMenu(bot);
  const botId = BigInt(bot.botInfo.id);
  const dispatcher = lifecycle.own(
    "updates under way",
    createDispatcher({
      take: (updateId) => database.asApp((tx) => takeUpdate(tx, botId, updateId)),
      handle: (update) => tracing.root("bot update", { kind: "consumer" }, () => bot.handleUpdate(update)),
      log,
    }),
    (running) => running.idle(),
  );
  lifecycle.own("notices", startNotices({ database, log, metrics }, telegram, limits.noticesEveryMs), (loop) =>
    loop.stop(),
  );
  lifecycle.own(
    "forgetting updates",
    startLoop({
      ...{ name: "forgetting updates", everyMs: FORGET_EVERY_MS, log },
      turn: async () => {
        await database.asApp((tx) => forgetUpdates(tx, UPDATES_KEPT_MS));
        return "rest";
      },
    }),
    (loop) => loop.stop(),
  );
  const health = await ownHealthServer(lifecycle, { ...config.metrics, ...{ metrics, database, redis } });
  let webhookPort: number | null = null;
  if (webhook) {
    const { host, port, url, secret } = webhook;
    const path = new URL(url).pathname;
    const server = await startWebhookServer({ host, port, path, secret, dispatcher, log });
    webhookPort = lifecycle.own("webhook", server, (opened) => opened.close()).port;
    await bot.api.setWebhook(url, { secret_token: secret, allowed_updates: KINDS });
  } else {
    await bot.api.deleteWebhook();
    const polling = startPolling({ api: bot.api, dispatcher, redis, redisPrefix, log });
    lifecycle.own("polling", polling, (loop) => loop.stop());
  }
  const keys = keyMarks(config.keyring);
  announcePresence(lifecycle, { role: "bot", keys, prefix: redisPrefix, redis, log });
  log.info({ port: health.port, username: bot.botInfo.username, webhook: webhookPort }, "bot started");
  return { port: health.port, webhookPort };
}

function refuseToken(error: unknown): never {
  if (error instanceof GrammyError && [401, 404].includes(error.error_code))
    throw new OperatorError("Telegram does not know BOT_TOKEN: see that it is as BotFather gave it");
  throw error;
}
