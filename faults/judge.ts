import { auditAgainst } from "../cli/up/audit-against.ts";
import { drain } from "../cli/up/drain.ts";
import { databaseNow } from "../db/overview.ts";
import type { Fleet } from "./fleet.ts";
import { type Check, exactly, figure, type Stage } from "./scenario.ts";

const PARSES_WITHIN_MS = 60_000;
const JOBS_WITHIN_MS = 30_000;

/**
 * The end of every scenario: posts stop, every user is parsed once more, backfill drains, and then the database must be
 * what is on the emulated Telegram, row for row, no key killed, no call made early, no job failed.
 */
export async function judge(stage: Stage, fleet: Fleet): Promise<Check[]> {
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
  const queues = await producer.queueCounts();
  for (const { queue } of queues.filter((each) => each.failed > 0))
    for (const { name, reason } of await producer.failures(queue, 3)) stage.progress(`! ${name} failed: ${reason}`);
  const failed = queues.reduce((sum, queue) => sum + queue.failed, 0);
  return [
    exactly("lost", audit.lost, 0),
    exactly("doubled", audit.doubled, 0),
    exactly("keys killed", seen.keysKilled, 0),
    exactly("early calls", seen.violations, 0),
    exactly("jobs failed", failed, 0),
    exactly("users not parsed again", drained.usersLeft, 0),
    exactly("jobs left", drained.jobsLeft, 0),
    exactly("cursors back", await fleet.commits.cursorsBack(), 0),
    figure("commits", await fleet.commits.count()),
    figure("posts", seen.posts),
    figure("calls", seen.calls),
  ];
}
