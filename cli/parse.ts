import { Command, Option } from "commander";
import { PLANS } from "../config/plans.ts";
import { askAgain } from "../db/channels.ts";
import { databaseNow } from "../db/overview.ts";
import { listUsers } from "../db/user-summary.ts";
import type { User } from "../db/users.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommandContext, type CommonOptions, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { type Cell, type Output, painted, state } from "./output.ts";
import { askFor } from "./parse/ask.ts";
import { type Followed, follow } from "./parse/follow.ts";
import { openQueues } from "./queues.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { withTenant } from "./tenant.ts";
import { requireUser } from "./user.ts";

interface ParseOptions extends CommonOptions {
  readonly plan?: string;
  readonly all?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
}

export function parseCommand(): Command {
  return withTenant(withCommonOptions(new Command("parse").argument("[telegram_id...]", "whom; or --plan, or --all")))
    .addOption(new Option("--plan <plan>", "everybody whose plan in force is this").choices(PLANS))
    .option("--all", "everybody")
    .option("--wait", "follow each parse to its end, and tell what came of it; Ctrl-C ends the following alone")
    .option("--timeout <seconds>", "with --wait: give up when nothing has happened for so long", wholeNumber(1), 120)
    .action(run);
}

async function run(ids: string[], options: ParseOptions): Promise<void> {
  const telegramIds = ids.map(parseTelegramId);
  const ways = [telegramIds.length > 0, options.plan !== undefined, options.all === true].filter(Boolean).length;
  if (ways !== 1) throw new OperatorError("say whom: telegram_ids, or --plan, or --all", { exitCode: 2 });
  await withContext(options, ["redis"], async (context) => {
    const { database, out } = context;
    const producer = await openQueues(context);
    const userIds = await whom(context, telegramIds, options);
    const since = await database.once(databaseNow);
    const asked = await askFor(context, producer, userIds);
    const outcomes: Followed[] | null = options.wait
      ? await followed(context, () => follow(context, producer, asked, { since, patienceMs: options.timeout * 1_000 }))
      : asked.map(({ telegramId, obstacle }) => ({ telegramId, outcome: "enqueued", ...obstacle }));
    if (outcomes === null) return;
    const [only] = outcomes;
    if (ids.length === 1 && only?.waits) throw new OperatorError(`${only.telegramId} ${only.outcome}`);
    out.result(
      outcomes.map(({ failed: _, ...outcome }) => outcome),
      () => (outcomes.length === 0 ? "nobody to parse" : lines(out, outcomes, options.wait ?? false)),
    );
    if (outcomes.some((one) => one.failed || one.waits)) process.exitCode = 1;
  });
}

/** Ended by Ctrl-C it says so, and that the parses themselves are not. */
async function followed<T>({ lifecycle, out }: CommandContext, work: () => Promise<T>): Promise<T> {
  const following = work();
  let over = false;
  lifecycle.own("following", following, async (running) => {
    await running.catch(() => undefined);
    if (!over) out.note("not followed any more: the parses go on (gramfleet users list)");
  });
  return following.finally(() => {
    over = !lifecycle.signal.aborted;
  });
}

async function whom(context: CommandContext, telegramIds: readonly bigint[], options: ParseOptions): Promise<bigint[]> {
  const { inTenant } = context;
  const users: User[] = [];
  for (const telegramId of telegramIds) users.push(await requireUser(inTenant, telegramId));
  if (telegramIds.length > 0) {
    // Of many at once, names that nobody has would cost too many look-ups.
    await inTenant(async (tx) => {
      for (const user of users) await askAgain(tx, { userId: user.id });
    });
    return users.map(({ id }) => id);
  }
  const filter = options.plan === undefined ? {} : { plan: options.plan };
  return (await inTenant((tx) => listUsers(tx, filter))).map(({ id }) => id);
}

function lines(out: Output, outcomes: readonly Followed[], waited: boolean): string[] {
  const word = ({ outcome, failed, waits }: Followed): Cell => {
    if (failed) return painted("red", outcome);
    return waits ? painted("yellow", outcome) : state(outcome);
  };
  if (!waited)
    return out.table(
      ["telegram_id", "outcome"],
      outcomes.map((one) => [one.telegramId, word(one)]),
    );
  const told = out.table(
    ["telegram_id", "new", "edited", "deleted", "channels", "changed", "calls", "waits", "seconds", "outcome"],
    outcomes.map((one) => {
      const { run } = one;
      const counts: Cell[] = run
        ? [run.new, run.edited, run.deleted, run.channels, run.changed, run.calls, run.waits, run.seconds]
        : Array<null>(8).fill(null);
      return [one.telegramId, ...counts, word(one)];
    }),
  );
  if (outcomes.length < 10) return told;
  const ended = (is: (one: Followed) => boolean) => outcomes.filter(is).length;
  const posts = outcomes.reduce((sum, { run }) => sum + (run?.new ?? 0), 0);
  return [
    ...told,
    `${ended(({ outcome }) => outcome === "done")} of ${outcomes.length} parsed, ${posts} new posts; ${ended((one) => one.failed === true)} failed, ${ended((one) => one.waits === true)} waiting`,
  ];
}
