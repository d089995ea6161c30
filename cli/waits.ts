import { Command } from "commander";
import { countByApiId } from "../db/sessions.ts";
import { countRunningWaits, listRunningWaits } from "../db/waits.ts";
import { ownRedis } from "../queue/open.ts";
import { assertRedis } from "../queue/redis.ts";
import { readPauses } from "../telegram/limiter/read-pauses.ts";
import { type CommandContext, type CommonOptions, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { type Cell, when } from "./output.ts";
import { ofTenants, rowsOf, type TenantsOption, withAllTenants, withTenant } from "./tenant.ts";

export function waitsCommand(): Command {
  return withAllTenants(withTenant(withCommonOptions(new Command("waits"))))
    .option("--limit <n>", "at most this many accounts' waits, those that end last", wholeNumber(1), 100)
    .action(waits);
}

async function waits(options: CommonOptions & TenantsOption & { limit: number }): Promise<void> {
  await withContext(options, ["redis"], async (context) => {
    const { out } = context;
    const read = await rowsOf(context, options, async (tx) => [
      { accounts: await listRunningWaits(tx, options.limit), count: await countRunningWaits(tx) },
    ]);
    const accounts = read
      .flatMap(({ accounts, tenantId }) =>
        accounts.map((wait) => (tenantId === undefined ? wait : { ...wait, tenantId })),
      )
      .sort((one, other) => other.until.getTime() - one.until.getTime())
      .slice(0, options.limit);
    const total = (of: "waits" | "accounts") => read.reduce((sum, { count }) => sum + count[of], 0);
    const count = { waits: total("waits"), accounts: total("accounts") };
    const apiIds = await pausesOf(context);
    out.result({ ...count, apiIds, listed: accounts }, () => [
      ...apiIds.map(
        ({ apiId, method, until }) =>
          `API ID ${apiId}: ${method ? `${method} is` : "everything is"} paused ${until ? `until ${when(until)}` : "until one account has tried it"}`,
      ),
      ...(accounts.length === 0
        ? ["no account waits"]
        : out.table(
            ofTenants(options, "tenant", ["telegram_id", "api_id", "method", "chat", "until", "asked for s"]),
            accounts.map((wait) =>
              ofTenants<Cell>(options, "tenantId" in wait ? wait.tenantId : null, [
                wait.telegramId,
                wait.apiId,
                wait.method,
                wait.chatId === 0n ? null : wait.chatId,
                wait.until,
                wait.seconds,
              ]),
            ),
          )),
      ...(count.waits > accounts.length ? [`${count.waits} waits of ${count.accounts} accounts in all`] : []),
    ]);
  });
}

/** Of the configured API IDs and of those that sessions have. */
async function pausesOf({ config, database, lifecycle, log }: CommandContext) {
  const { masters, backup } = config.apiIds;
  const inUse = await database.once(countByApiId);
  const apiIds = new Set([...[...masters, ...(backup ? [backup] : [])].map(({ apiId }) => apiId), ...inUse.keys()]);
  const redis = ownRedis(lifecycle, config, "producer", log);
  await assertRedis(redis);
  return readPauses(redis, config.redisPrefix, [...apiIds]);
}
