import { Command, Option } from "commander";
import { planInForce } from "../config/plans.ts";
import { askAgain } from "../db/channels.ts";
import { loadSchedule, markEnqueued } from "../db/schedules.ts";
import { sessionOfUser } from "../db/sessions.ts";
import { listUsers } from "../db/user-summary.ts";
import type { User } from "../db/users.ts";
import { holdsParse, runningWaits, type Wait } from "../db/waits.ts";
import { JobFailed, type JobRef, type Producer } from "../queue/producer.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommandContext, type CommonOptions, DEFAULT_TENANT, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { table, when } from "./output.ts";
import { openQueues } from "./queues.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { requireUser } from "./user.ts";

/** Waits up to this long are waited in place, and seen by nobody. */
const SHORT_WAIT_MS = 2_000;
/** While a job is followed, whether a wait has put it off is looked at this often. */
const LOOK_EVERY_MS = 1_000;

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
  /** Telegram has asked the account, or its API ID, to wait, or its job is parked: nothing is parsed before. */
  readonly waits?: boolean;
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
      ? await Promise.all(asked.map((one) => follow(context, producer, one, options.timeout * 1_000)))
      : asked;
    const [only] = settled;
    if (ids.length === 1 && only?.waits) throw new OperatorError(`${only.telegramId} ${only.outcome}`);
    context.out.result(
      settled.map(({ telegramId, outcome, waits }) => ({ telegramId, outcome, ...(waits ? { waits } : {}) })),
      () =>
        settled.length === 0
          ? "nobody to parse"
          : table(
              ["telegram_id", "outcome"],
              settled.map((one) => [one.telegramId, one.outcome]),
            ),
    );
    if (settled.some((one) => one.failed || one.waits)) process.exitCode = 1;
  });
}

/** Waits for the end of a user's job, where one was enqueued, or for a wait that puts it off. */
async function follow(context: CommandContext, producer: Producer, asked: Asked, timeoutMs: number): Promise<Asked> {
  const { job, telegramId } = asked;
  if (!job) return asked;
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const began = performance.now();
    const patienceMs = Math.max(1, Math.min(LOOK_EVERY_MS, giveUpAt - began));
    try {
      await producer.waitFor(job, patienceMs);
      return { ...asked, outcome: "done" };
    } catch (error) {
      if (!(error instanceof JobFailed)) throw error;
      if (performance.now() - began < patienceMs)
        return { ...asked, outcome: `failed: ${error.message}`, failed: true };
    }
    const waits = await context.database.inTenant(DEFAULT_TENANT, (tx) => runningWaits(tx, telegramId));
    const waiting = waitingFor(waits, await producer.pausedUntil(job.queue), job.queue);
    const held = waiting ?? (await parkedAs(producer, job));
    if (held) return { ...asked, ...held };
    if (performance.now() >= giveUpAt) {
      const outcome = `not over after ${timeoutMs / 1_000} s: does a worker run?`;
      return { ...asked, outcome, failed: true };
    }
  }
}

/** What is said of a user who cannot be parsed before a wait is over; null where there is none, or it is over at once. */
function waitingFor(
  waits: readonly Wait[],
  queuePausedUntil: Date | null,
  queue: string,
): Pick<Asked, "outcome" | "waits"> | null {
  const soon = Date.now() + SHORT_WAIT_MS;
  const [wait] = waits
    .filter((one) => holdsParse(one) && one.until.getTime() > soon)
    .sort((a, b) => b.until.getTime() - a.until.getTime());
  if (wait) return { outcome: `waits until ${when(wait.until)} (${wait.method}, as Telegram asked)`, waits: true };
  if (!queuePausedUntil || queuePausedUntil.getTime() <= soon) return null;
  return { outcome: `waits until ${when(queuePausedUntil)} (${queue} is paused: gramfleet waits)`, waits: true };
}

/** What is said of a user whose job is there already, and set aside. */
async function parkedAs(producer: Producer, job: JobRef): Promise<Pick<Asked, "outcome" | "waits"> | null> {
  const until = await producer.parkedUntil(job);
  if (!until) return null;
  return { outcome: `is parked until ${when(until)}: the job ended its worker each time`, waits: true };
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
  if (!facts.schedule?.queue) return { telegramId, outcome: "not schedulable", job: null };
  const { queue } = facts.schedule;
  const waiting = waitingFor(facts.waits, await producer.pausedUntil(queue), queue);
  if (waiting) return { telegramId, ...waiting, job: null };
  const job = await producer.add({
    name: "parse-user",
    queue,
    data: { tenantId: user.tenantId, userId: user.id.toString() },
    urgency: "manual",
    dueAt: new Date(),
  });
  const parked = await parkedAs(producer, job);
  if (parked) return { telegramId, ...parked, job: null };
  await context.database.inTenant(DEFAULT_TENANT, (tx) => markEnqueued(tx, [user.id]));
  return { telegramId, outcome: "enqueued", job };
}
