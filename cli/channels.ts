import { Command } from "commander";
import { listChannels, subscribe, subscriptionsOf, unsubscribe } from "../db/channels.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, DEFAULT_TENANT, withContext } from "./context.ts";
import { withCommonOptions } from "./options.ts";
import { table } from "./output.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { requireUser } from "./user.ts";

export function channelsCommand(): Command {
  const channels = new Command("channels");
  channels.addCommand(
    withCommonOptions(
      new Command("list")
        .description("list all channels, or one user's subscriptions")
        .argument("[telegram_id]", "only this user's"),
    ).action(list),
  );
  channels.addCommand(
    withCommonOptions(new Command("add").description("read channels for a user"))
      .argument("<telegram_id>")
      .argument("<channel...>", "@name, name, t.me link, or id")
      .action(add),
  );
  channels.addCommand(
    withCommonOptions(new Command("remove").description("stop reading a channel for a user"))
      .argument("<telegram_id>")
      .argument("<channel>", "as it was added")
      .action(remove),
  );
  return channels;
}

async function list(id: string | undefined, options: CommonOptions): Promise<void> {
  const telegramId = id === undefined ? null : parseTelegramId(id);
  await withContext(options, [], async ({ out, database }) => {
    if (telegramId !== null) {
      const user = await requireUser(database, telegramId);
      const rows = await database.inTenant(DEFAULT_TENANT, (tx) => subscriptionsOf(tx, user.id));
      out.result(rows, () =>
        table(
          ["asked for", "state", "channel", "title", "access"],
          rows.map((row) => [
            row.name,
            row.state,
            row.channelId,
            row.channel?.title ?? null,
            row.access?.state ?? null,
          ]),
        ),
      );
      return;
    }
    const rows = await database.inTenant(DEFAULT_TENANT, (tx) => listChannels(tx));
    out.result(rows, () =>
      rows.length === 0
        ? "no channels yet: gramfleet channels add <telegram_id> <channel>"
        : table(
            ["id", "username", "title", "state", "users", "messages", "deleted", "missing", "top", "pts"],
            rows.map((row) => [
              row.id,
              row.username,
              row.title,
              row.state,
              row.subscribers,
              row.messages,
              row.deleted,
              row.missing,
              row.topMessageId,
              row.pts,
            ]),
          ),
    );
  });
}

async function add(id: string, names: string[], options: CommonOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  await withContext(options, [], async ({ out, database }) => {
    const user = await requireUser(database, telegramId);
    // All or none: a malformed name among them adds nothing.
    const added = await database.inTenant(DEFAULT_TENANT, async (tx) => {
      const results = [];
      for (const name of names) {
        results.push(await subscribe(tx, { tenantId: DEFAULT_TENANT, userId: user.id, name }));
      }
      return results;
    });
    out.result(added, () => added.map((one) => `${one.name}: ${one.added ? "added" : "there already"}`));
  });
}

async function remove(id: string, name: string, options: CommonOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  await withContext(options, [], async ({ out, database }) => {
    const user = await requireUser(database, telegramId);
    if (!(await database.inTenant(DEFAULT_TENANT, (tx) => unsubscribe(tx, { userId: user.id, name })))) {
      throw new OperatorError(`${telegramId} does not read "${name}": see "gramfleet channels list ${telegramId}"`);
    }
    out.result({ telegramId, name, removed: true }, () => `${name}: removed`);
  });
}
