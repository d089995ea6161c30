import { Command } from "commander";
import { listChannels, subscribe, subscriptionsOf, unsubscribe } from "../db/channels.ts";
import { channelLedgers } from "../db/ledger.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { gapLines, type LedgerLine, progressText } from "./channel-gaps.ts";
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
        .argument("[telegram_id]", "only this user's")
        .option("--gaps", "which message ids are missing or to be read again, and since when"),
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

async function list(id: string | undefined, options: CommonOptions & { gaps?: true }): Promise<void> {
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
    const rows = await database.inTenant(DEFAULT_TENANT, async (tx): Promise<LedgerLine[]> => {
      const channels = await listChannels(tx);
      const ledgers = await channelLedgers(tx, { channelIds: channels.map((channel) => channel.id) });
      const byId = new Map(ledgers.map((ledger) => [ledger.channelId, ledger]));
      return channels.flatMap((channel) => {
        const ledger = byId.get(channel.id);
        return ledger ? [{ ...channel, ledger }] : [];
      });
    });
    out.result(rows, () => {
      if (rows.length === 0) return "no channels yet: gramfleet channels add <telegram_id> <channel>";
      return options.gaps ? gapLines(rows) : overview(rows);
    });
  });
}

function overview(rows: readonly LedgerLine[]): string[] {
  return table(
    [
      ...["id", "username", "title", "state", "users", "messages", "deleted"],
      ...["covered", "missing", "unverified", "top", "pts"],
    ],
    rows.map((row) => [
      row.id,
      row.username,
      row.title,
      row.state,
      row.subscribers,
      row.messages,
      row.deleted,
      progressText(row.ledger),
      row.ledger.missing,
      row.ledger.unverified,
      row.topMessageId,
      row.pts,
    ]),
  );
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
