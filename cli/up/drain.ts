import type { Database } from "../../db/database.ts";
import { makeDueUnlessParsedSince } from "../../db/overview.ts";
import type { Producer } from "../../queue/producer.ts";
import { sleep } from "../../runtime/sleep.ts";

const LOOK_EVERY_MS = 200;

export interface Drained {
  /** Users who were not parsed once more in time (waiting, held, failing). */
  readonly usersLeft: number;
  /** Jobs still in the queues. */
  readonly jobsLeft: number;
}

/** Drives the fleet to a standstill: every user parsed once more since `since`, then the queues run empty. */
export async function drain(options: {
  database: Database;
  producer: Pick<Producer, "queueCounts">;
  since: Date;
  parsesWithinMs: number;
  backfillWithinMs: number;
  signal: AbortSignal;
  progress: (text: string) => void;
}): Promise<Drained> {
  const remaining = await untilZero(
    () => options.database.asWorker((tx) => makeDueUnlessParsedSince(tx, options.since)),
    options.parsesWithinMs,
    options.signal,
    (left) => options.progress(`parsing every user once more: ${left} to go`),
  );
  const jobs = await untilZero(
    () => jobsIn(options.producer),
    options.backfillWithinMs,
    options.signal,
    (left) => options.progress(`draining backfill: ${left} jobs to go`),
  );
  return { usersLeft: remaining, jobsLeft: jobs };
}

async function untilZero(
  count: () => Promise<number>,
  withinMs: number,
  signal: AbortSignal,
  progress: (left: number) => void,
): Promise<number> {
  const end = performance.now() + withinMs;
  let said = 0;
  for (;;) {
    const left = await count();
    if (left === 0 || signal.aborted || performance.now() > end) return left;
    if (performance.now() - said > 2_000) {
      progress(left);
      said = performance.now();
    }
    await sleep(LOOK_EVERY_MS, signal);
  }
}

async function jobsIn(producer: Pick<Producer, "queueCounts">): Promise<number> {
  const counts = await producer.queueCounts();
  return counts.reduce((sum, queue) => sum + queue.waiting + queue.active + queue.delayed, 0);
}
