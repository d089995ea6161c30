import { Command, Option } from "commander";
import { planInForce } from "../config/plans.ts";
import { askAgain } from "../db/channels.ts";
import { loadSchedule, markEnqueued } from "../db/schedules.ts";
import { sessionOfUser } from "../db/sessions.ts";
import { listUsers } from "../db/user-summary.ts";
import type { User } from "../db/users.ts";
import { runningWaits } from "../db/waits.ts";
import { JobFailed, type JobRef, type Producer } from "../queue/producer.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommandContext, type CommonOptions, DEFAULT_TENANT, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { table, when } from "./output.ts";
import { openQueues } from "./queues.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { requireUser } from "./user.ts";

interface ParseOptions extends CommonOptions {
  readonly plan?: string;
  readonly all?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
}

interface Asked {
  readonly telegramId: bigint;
  readonly outcome: string;
  readonly job: JobRef | null;
  readonly failed?: boolean;
}

export function parseCommand(): Command {
  return withCommonOptions(new Command("parse").argument("[telegram_id...]", "whom; or --plan, or --all"))
    .addOption(
      new Option("--plan <plan>", "everybody whose plan in force is this").choices(["premium", "trial", "free"]),
    )
    .option("--all", "everybody")
    .option("--wait", "follow the jobs to their end")
    .option("--timeout <seconds>", "with --wait: give up after", wholeNumber(1), 120)
    .action(run);
}

async function run(ids: string[], options: ParseOptions): Promise<void> {
  const telegramIds = ids.map(parseTelegramId);
  const ways = [telegramIds.length > 0, options.plan !== undefined, options.all === true].filter(Boolean).length;
  if (ways !== 1) throw new OperatorError("say whom: telegram_ids, or --plan, or --all", { exitCode: 2 });
  await withContext(options, ["redis"], async (context) => {
    const producer = await openQueues(context);
    const users = await whom(context, telegramIds, options);
    const asked: Asked[] = [];
    for (const user of users) {
      // Of many at once, names that nobody has would cost too many look-ups.
      if (telegramIds.length > 0)
        await context.database.inTenant(DEFAULT_TENANT, (tx) => askAgain(tx, { userId: user.id }));
      asked.push(await ask(context, producer, user));
    }
    const settled = options.wait
      ? await Promise.all(asked.map((one) => follow(producer, one, options.timeout * 1_000)))
      : asked;
    context.out.result(
      settled.map(({ telegramId, outcome }) => ({ telegramId, outcome })),
      () =>
        settled.length === 0
          ? "nobody to parse"
          : table(
              ["telegram_id", "outcome"],
              settled.map((one) => [one.telegramId, one.outcome]),
            ),
    );
    if (settled.some((one) => one.failed)) process.exitCode = 1;
  });
}

/** Waits for the end of a user's job, where one was enqueued. */
async function follow(producer: Producer, asked: Asked, timeoutMs: number): Promise<Asked> {
  if (!asked.job) return asked;
  const began = performance.now();
  try {
    await producer.waitFor(asked.job, timeoutMs);
    return { ...asked, outcome: "done" };
  } catch (error) {
    if (!(error instanceof JobFailed)) throw error;
    const late = performance.now() - began >= timeoutMs;
    const outcome = late ? `not over after ${timeoutMs / 1_000} s: does a worker run?` : `failed: ${error.message}`;
    return { ...asked, outcome, failed: true };
  }
}

async function whom(context: CommandContext, telegramIds: readonly bigint[], options: ParseOptions): Promise<User[]> {
  if (telegramIds.length > 0) {
    const users = [];
    for (const telegramId of telegramIds) users.push(await requireUser(context.database, telegramId));
    return users;
  }
  const users = await context.database.inTenant(DEFAULT_TENANT, (tx) => listUsers(tx));
  const now = new Date();
  return users.filter((user) => options.all || planInForce(user, now) === options.plan);
}

/** Enqueues one user's parse, or says why not. */
async function ask(context: CommandContext, producer: Producer, user: User): Promise<Asked> {
  const { telegramId } = user;
  const facts = await context.database.inTenant(DEFAULT_TENANT, async (tx) => ({
    schedule: await loadSchedule(tx, user.id),
    session: await sessionOfUser(tx, user.id),
    waits: await runningWaits(tx, telegramId),
  }));
  if (user.paused) return { telegramId, outcome: "paused: gramfleet users resume", job: null };
  if (facts.session?.state !== "AUTHORIZED") {
    return { telegramId, outcome: `session ${facts.session?.state ?? "ABSENT"}: gramfleet sessions login`, job: null };
  }
  if (facts.session.holds.length > 0) {
    return { telegramId, outcome: `session held: ${facts.session.holds.join(", ")}`, job: null };
  }
  const [wait] = facts.waits.filter((one) => one.chatId === 0n).sort((a, b) => b.until.getTime() - a.until.getTime());
  if (wait) return { telegramId, outcome: `waits until ${when(wait.until)} (${wait.method})`, job: null };
  if (!facts.schedule?.queue) return { telegramId, outcome: "not schedulable", job: null };
  const job = await producer.add({
    name: "parse-user",
    queue: facts.schedule.queue,
    data: { tenantId: user.tenantId, userId: user.id.toString() },
    urgency: "manual",
    dueAt: new Date(),
  });
  await context.database.inTenant(DEFAULT_TENANT, (tx) => markEnqueued(tx, [user.id]));
  return { telegramId, outcome: "enqueued", job };
}
