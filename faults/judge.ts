import { auditAgainst } from "../cli/up/audit-against.ts";
import { drain } from "../cli/up/drain.ts";
import { databaseNow } from "../db/overview.ts";
import type { Fleet } from "./fleet.ts";
import { type Check, exactly, figure, type Stage } from "./scenario.ts";

const PARSES_WITHIN_MS = 60_000;
const JOBS_WITHIN_MS = 30_000;

/** What of a fleet is judged: whoever runs its processes. */
export type Judged = Pick<Fleet, "config" | "database" | "producer" | "emulator" | "telegram" | "commits">;

/**
 * The end of every scenario: posts stop, every user is parsed once more, backfill drains, and then the database must be
 * what is on the emulated Telegram, row for row, no key killed, no call made early, no job failed.
 *
 * @param options.mayFail the reasons for which the scenario's fault lets jobs fail
 */
export async function judge(
  stage: Pick<Stage, "signal" | "progress">,
  fleet: Judged,
  options: { readonly mayFail?: RegExp } = {},
): Promise<Check[]> {
  const { database, producer, telegram } = fleet;
  await telegram.setTraffic(false);
  const drained = await drain({
    database,
    producer,
    since: await database.asWorker(databaseNow),
    parsesWithinMs: PARSES_WITHIN_MS,
    backfillWithinMs: JOBS_WITHIN_MS,
    signal: stage.signal,
    progress: (text) => stage.progress(text),
  });
  const audit = await auditAgainst(telegram, { database, depthFree: fleet.config.historyDepthFree });
  for (const example of audit.examples) stage.progress(`! ${example}`);
  const seen = fleet.emulator.summary();
  const failed = await failures(fleet, options.mayFail);
  for (const { name, reason } of failed.slice(0, 3)) stage.progress(`! ${name} failed: ${reason}`);
  return [
    exactly("lost", audit.lost, 0),
    exactly("doubled", audit.doubled, 0),
    exactly("keys killed", seen.keysKilled, 0),
    exactly("early calls", seen.violations, 0),
    exactly("jobs failed", failed.length, 0),
    exactly("users not parsed again", drained.usersLeft, 0),
    exactly("jobs left", drained.jobsLeft, 0),
    exactly("cursors back", await fleet.commits.cursorsBack(), 0),
    figure("commits", await fleet.commits.count()),
    figure("posts", seen.posts),
    figure("calls", seen.calls),
  ];
}

async function failures({ producer }: Judged, mayFail?: RegExp) {
  const counts = (await producer.queueCounts()).filter((queue) => queue.failed > 0);
  const failed = await Promise.all(counts.map((each) => producer.failures(each.queue, each.failed)));
  return failed.flat().filter(({ reason }) => !mayFail?.test(reason));
}
