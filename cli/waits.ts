import { Command } from "commander";
import { countByApiId } from "../db/sessions.ts";
import { countRunningWaits, listRunningWaits } from "../db/waits.ts";
import { ownRedis } from "../queue/open.ts";
import { assertRedis } from "../queue/redis.ts";
import { readPauses } from "../telegram/limiter/read-pauses.ts";
import { type CommandContext, type CommonOptions, DEFAULT_TENANT, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { when } from "./output.ts";

export function waitsCommand(): Command {
  return withCommonOptions(new Command("waits"))
    .option("--limit <n>", "at most this many accounts' waits, those that end last", wholeNumber(1), 100)
    .action(waits);
}

async function waits(options: CommonOptions & { limit: number }): Promise<void> {
  await withContext(options, ["redis"], async (context) => {
    const { database, out } = context;
    const { accounts, count } = await database.inTenant(DEFAULT_TENANT, async (tx) => ({
      accounts: await listRunningWaits(tx, options.limit),
      count: await countRunningWaits(tx),
    }));
    const apiIds = await pausesOf(context);
    out.result({ ...count, apiIds, listed: accounts }, () => [
      ...apiIds.map(
        ({ apiId, method, until }) =>
          `API ID ${apiId}: ${method ? `${method} is` : "everything is"} paused ${until ? `until ${when(until)}` : "until one account has tried it"}`,
      ),
      ...(accounts.length === 0
        ? ["no account waits"]
        : out.table(
            ["telegram_id", "api_id", "method", "chat", "until", "asked for s"],
            accounts.map((wait) => [
              wait.telegramId,
              wait.apiId,
              wait.method,
              wait.chatId === 0n ? null : wait.chatId,
              wait.until,
              wait.seconds,
            ]),
          )),
      ...(count.waits > accounts.length ? [`${count.waits} waits of ${count.accounts} accounts in all`] : []),
    ]);
  });
}

/** Of the configured API IDs and of those that sessions have. */
async function pausesOf({ config, database, lifecycle, log }: CommandContext) {
  const { masters, backup } = config.apiIds;
  const inUse = await database.inTenant(DEFAULT_TENANT, (tx) => countByApiId(tx));
  const apiIds = new Set([...[...masters, ...(backup ? [backup] : [])].map(({ apiId }) => apiId), ...inUse.keys()]);
  const redis = ownRedis(lifecycle, config, "producer", log);
  await assertRedis(redis);
  return readPauses(redis, config.redisPrefix, [...apiIds]);
}
