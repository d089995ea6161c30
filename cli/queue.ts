import { Argument, Command } from "commander";
import { intervalOf, nextParseAt, planInForce } from "../config/plans.ts";
import { claimedTurns, skipTurns } from "../db/skip-turn.ts";
import { queuesOf } from "../queue/jobs.ts";
import type { Producer, QueueCounts } from "../queue/producer.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommandContext, type CommonOptions, withContext } from "./context.ts";
import { withCommonOptions } from "./options.ts";
import { ought0, painted, when } from "./output.ts";
import { openQueues } from "./queues.ts";

/** How many users' turns are skipped in one transaction. */
const TURNS = 1_000;

interface SomeQueues extends CommonOptions {
  readonly all: boolean;
}

export function queueCommand(): Command {
  const queue = new Command("queue");
  queue.addCommand(withCommonOptions(new Command("status").description("jobs by queue and state")).action(status));
  queue.addCommand(
    ofQueues("pause", "have workers take no more jobs from queues; what is under way ends").action(pause),
  );
  queue.addCommand(ofQueues("resume", "have workers take jobs from paused queues again").action(resume));
  queue.addCommand(ofQueues("retry", "try failed jobs once more").action(retry));
  queue.addCommand(
    ofQueues("drain", "remove the jobs that wait: users whose parse is among them are parsed at their next turn")
      .option("--delayed", "those that are snoozed, too", false)
      .option("--yes", "really", false)
      .action(drain),
  );
  return queue;
}

const ofQueues = (name: string, says: string): Command =>
  withCommonOptions(
    new Command(name)
      .description(says)
      .addArgument(new Argument("[queue...]", "its name, as gramfleet queue status shows it"))
      .option("--all", "every queue", false),
  );

async function status(options: CommonOptions): Promise<void> {
  await withContext(options, ["redis"], async (context) => {
    const producer = await openQueues(context);
    const counts = await producer.queueCounts();
    const waitsUntil = await Promise.all(counts.map((one) => producer.pausedUntil(one.queue)));
    context.out.result(
      counts.map((one, index) => ({ ...one, waitsUntil: waitsUntil[index] })),
      () =>
        counts.length === 0
          ? "no queue has had a job yet"
          : context.out.table(
              ["queue", "waiting", "active", "delayed", "parked", "failed", "completed", "paused"],
              counts.map((one, index) => [
                one.queue,
                one.waiting,
                one.active,
                one.delayed,
                ought0(one.parked),
                ought0(one.failed),
                one.completed,
                servesNobody(one, waitsUntil[index] ?? null),
              ]),
            ),
    );
  });
}

function servesNobody(counts: QueueCounts, waitsUntil: Date | null) {
  if (counts.paused) return painted("yellow", "yes");
  return waitsUntil ? painted("yellow", `until ${when(waitsUntil)}`) : "no";
}

const pause = (names: string[], options: SomeQueues) =>
  withQueues(names, options, async ({ out }, producer, queues) => {
    for (const queue of queues) await producer.pause(queue);
    out.result(
      queues.map((queue) => ({ queue, paused: true })),
      () => queues.map((queue) => `${queue}: paused; next: gramfleet queue resume ${queue}`),
    );
  });

const resume = (names: string[], options: SomeQueues) =>
  withQueues(names, options, async ({ out }, producer, queues) => {
    for (const queue of queues) await producer.resume(queue);
    out.result(
      queues.map((queue) => ({ queue, paused: false })),
      () => queues.map((queue) => `${queue}: goes on`),
    );
  });

const retry = (names: string[], options: SomeQueues) =>
  withQueues(names, options, async ({ out }, producer, queues) => {
    const retried: { queue: string; retried: number }[] = [];
    for (const queue of queues) retried.push({ queue, retried: await producer.retryFailed(queue) });
    out.result(retried, () => retried.map((one) => `${one.queue}: ${jobs(one.retried)} tried once more`));
  });

const drain = async (names: string[], options: SomeQueues & { readonly delayed: boolean; readonly yes: boolean }) => {
  if (!options.yes)
    throw new OperatorError("this removes jobs that wait, and skips their users' turn: say --yes to do it", {
      exitCode: 2,
    });
  await withQueues(names, options, async (context, producer, queues) => {
    const { out } = context;
    const drained: { queue: string; removed: Readonly<Record<string, number>>; kept: number }[] = [];
    for (const queue of queues) {
      const progress = (count: number) => out.progress(`${queue}: ${jobs(count)} removed`);
      const { users, ...rest } = await producer.drain(queue, { delayed: options.delayed, progress });
      await skip(context, users);
      drained.push({ queue, ...rest });
    }
    out.result(drained, () =>
      drained.map(({ queue, removed, kept }) => {
        const names = Object.entries(removed).map(([name, count]) => `${count} ${name}`);
        const left = kept === 0 ? "" : `; ${jobs(kept)} kept: what nothing else would ask for again`;
        return `${queue}: ${names.length === 0 ? "nothing to remove" : `removed ${names.join(", ")}`}${left}`;
      }),
    );
  });
};

/** Whoever was in the queue would be enqueued again within a minute. */
async function skip({ config, database }: CommandContext, users: readonly bigint[]): Promise<void> {
  for (let at = 0; at < users.length; at += TURNS) {
    await database.asWorker(async (tx) => {
      const turns = await claimedTurns(tx, users.slice(at, at + TURNS));
      await skipTurns(
        tx,
        turns.map((user) => {
          const interval = intervalOf(planInForce(user, user.now), config.intervals);
          return { userId: user.userId, nextParseAt: nextParseAt(user.now, interval, user.now, Math.random()) };
        }),
      );
    });
  }
}

/** @throws OperatorError where none is named, or one that is named is not there */
async function withQueues(
  names: readonly string[],
  options: SomeQueues,
  work: (context: CommandContext, producer: Producer, queues: readonly string[]) => Promise<void>,
): Promise<void> {
  if (names.length > 0 === options.all) throw new OperatorError("say which: queues by name, or --all", { exitCode: 2 });
  await withContext(options, ["redis"], async (context) => {
    const producer = await openQueues(context);
    const { masters, backup } = context.config.apiIds;
    const configured = queuesOf([...masters, ...(backup ? [backup] : [])].map(({ apiId }) => apiId));
    const used = (await producer.queueCounts()).map(({ queue }) => queue);
    const known = [...new Set([...used, ...configured])].sort();
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new OperatorError(`no queue "${unknown}" here: there is ${known.join(", ")}`);
    await work(context, producer, options.all ? known : names);
  });
}

const jobs = (count: number): string => (count === 1 ? "1 job" : `${count} jobs`);
