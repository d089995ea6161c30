import { Command } from "commander";
import type { ChannelState, LifeEvent } from "../db/channel-life.ts";
import { channelLives, lifeOf, subscriptionLines } from "../db/channel-lives.ts";
import { listChannels, subscribe, unsubscribe } from "../db/channels.ts";
import { channelLedgers } from "../db/ledger.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { gapLines, type LedgerLine, progressText } from "./channel-gaps.ts";
import { lifeText } from "./channel-life.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { withCommonOptions } from "./options.ts";
import { type Cell, type Output, ought0, painted, state } from "./output.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { ofOneTenant, ofTenants, rowsOf, type TenantsOption } from "./tenant.ts";
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
  return ofOneTenant(channels, { butAlsoOfAll: ["list"] });
}

async function list(id: string | undefined, options: CommonOptions & TenantsOption & { gaps?: true }): Promise<void> {
  const telegramId = id === undefined ? null : parseTelegramId(id);
  await withContext(options, [], async (context) => {
    const { out, inTenant } = context;
    if (telegramId !== null) {
      const user = await requireUser(inTenant, telegramId);
      const rows = await inTenant((tx) => subscriptionLines(tx, user.id));
      out.result(rows, () =>
        out.table(
          ["asked for", "state", "since", "channel", "title", "access", "skipped", "what happened"],
          rows.map((row) => [
            row.name,
            state(row.state),
            row.stateSince,
            row.channelId,
            row.channel?.title ?? null,
            row.access && row.access.state !== "ok" ? painted("red", row.access.state) : (row.access?.state ?? null),
            row.skipped,
            lifeText(row.life),
          ]),
        ),
      );
      return;
    }
    const rows = await rowsOf(context, options, async (tx): Promise<ChannelLine[]> => {
      const channels = await listChannels(tx);
      const ids = channels.map((channel) => channel.id);
      const ledgers = await channelLedgers(tx, { channelIds: ids });
      const lives = await channelLives(tx, ids);
      const byId = new Map(ledgers.map((ledger) => [ledger.channelId, ledger]));
      return channels.flatMap((channel) => {
        const ledger = byId.get(channel.id);
        const facts = lives.get(channel.id);
        return ledger && facts ? [{ ...channel, ...lifeOf(facts), ledger }] : [];
      });
    });
    out.result(rows, () => {
      if (rows.length === 0) return "no channels yet: gramfleet channels add <telegram_id> <channel>";
      return options.gaps ? gapLines(rows) : overview(out, rows, options);
    });
  });
}

type ChannelLine = LedgerLine & {
  readonly state: ChannelState;
  readonly life: readonly LifeEvent[];
  readonly skipped: number;
};

function overview(
  out: Output,
  rows: readonly (ChannelLine & { readonly tenantId?: string })[],
  options: TenantsOption,
): string[] {
  return out.table(
    ofTenants(options, "tenant", [
      ...["id", "username", "title", "state", "users", "messages", "deleted"],
      ...["skipped", "covered", "missing", "unverified", "top", "pts", "what happened"],
    ]),
    rows.map((row) =>
      ofTenants<Cell>(options, row.tenantId ?? null, [
        row.id,
        row.username,
        row.title,
        row.state.replaceAll("_", " "),
        row.subscribers,
        row.messages,
        row.deleted,
        row.skipped,
        progressText(row.ledger),
        ought0(row.ledger.missing),
        row.ledger.unverified,
        row.topMessageId,
        row.pts,
        lifeText(row.life),
      ]),
    ),
  );
}

async function add(id: string, names: string[], options: CommonOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  await withContext(options, [], async ({ out, tenantId, inTenant }) => {
    const user = await requireUser(inTenant, telegramId);
    // All or none: a malformed name among them adds nothing.
    const added = await inTenant(async (tx) => {
      const results = [];
      for (const name of names) {
        results.push(await subscribe(tx, { tenantId, userId: user.id, name }));
      }
      return results;
    });
    const lines = await inTenant((tx) => subscriptionLines(tx, user.id));
    const said = new Map(lines.map((line) => [line.name, lifeText(line.life)]));
    out.result(added, () =>
      added.map((one) => {
        if (one.added) return `${one.name}: added`;
        const life = said.get(one.name);
        return `${one.name}: there already${life ? `; ${life}` : ""}`;
      }),
    );
  });
}

async function remove(id: string, name: string, options: CommonOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  await withContext(options, [], async ({ out, inTenant }) => {
    const user = await requireUser(inTenant, telegramId);
    if (!(await inTenant((tx) => unsubscribe(tx, { userId: user.id, name })))) {
      throw new OperatorError(`${telegramId} does not read "${name}": see "gramfleet channels list ${telegramId}"`);
    }
    out.result({ telegramId, name, removed: true }, () => `${name}: removed`);
  });
}
