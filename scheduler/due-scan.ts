import { planInForce } from "../config/plans.ts";
import type { Database } from "../db/database.ts";
import { claimDue, type DueUser, type LookFrom } from "../db/schedules.ts";
import type { NewJob } from "../queue/jobs.ts";
import type { Producer } from "../queue/producer.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { currentSpan } from "../runtime/tracing.ts";

export interface ScanDependencies {
  readonly database: Database;
  readonly producer: Pick<Producer, "addBulk">;
  readonly now: () => Date;
  readonly limits: { readonly dueBatch: number };
  readonly metrics: Pick<Metrics, "dueScanned" | "lastScan">;
}

/** PostgreSQL claims the next batch while Redis takes this one. More would wait for the same two. */
const BATCHES_AT_ONCE = 2;
/** A turn ends after so many, about a second of work, so that a scheduler which is to stop stops. */
const BATCHES_A_TURN = 10;

/**
 * A look from the beginning passes over whatever PostgreSQL may not remove yet, which takes seconds where a transaction
 * has been open for hours. It comes again once this many times as long as it took has passed: nearly each time where it
 * costs nothing, and never for more than a twentieth of the time.
 */
const LOOK_FROM_BEGINNING_EVERY = 20;

/**
 * The due scan's turns. Each claims users that are due and enqueues their parses, batch by batch, every batch in one
 * transaction of its own. Where enqueueing fails that batch is not claimed; a crash between the two enqueues it again,
 * which deduplication absorbs. A turn gives "again" when more may be due, and throws what Redis and PostgreSQL throw:
 * everybody who is not enqueued stays due.
 */
export function createDueScan(deps: ScanDependencies): () => Promise<"again" | "rest"> {
  const { dueBatch } = deps.limits;
  let from: "the beginning" | "the last look" | Date = "the beginning";
  let lookedAt = 0;
  let beginAgainAt = 0;

  async function claim(): Promise<Batch> {
    const startedAt = performance.now();
    const fromBeginning = startedAt >= beginAgainAt || from === "the beginning";
    // However long ago that was: whoever became due since is found, though a turn was held up.
    const since = from === "the last look" ? { lookedMsAgo: startedAt - lookedAt } : from;
    const batch = await startBatch(deps, fromBeginning ? "the beginning" : since);
    lookedAt = startedAt;
    const endedAt = performance.now();
    if (fromBeginning) beginAgainAt = endedAt + (endedAt - startedAt) * LOOK_FROM_BEGINNING_EVERY;
    const last = batch.users.at(-1);
    from = last && batch.users.length === dueBatch ? last.nextParseAt : "the last look";
    return batch;
  }

  return async () => {
    const open = new Set<Promise<void>>();
    const failures: unknown[] = [];
    let claimed = 0;
    let full = true;
    for (let batches = 0; full && batches < BATCHES_A_TURN && failures.length === 0; batches += 1) {
      try {
        const batch = await claim();
        full = batch.users.length === dueBatch;
        const enqueued = batch.committed
          .then(() => {
            claimed += batch.users.length;
            deps.metrics.dueScanned.inc(batch.users.length);
          })
          .catch((error: unknown) => void failures.push(error))
          .finally(() => open.delete(enqueued));
        open.add(enqueued);
        if (open.size >= BATCHES_AT_ONCE) await Promise.race(open);
      } catch (error) {
        failures.push(error);
      }
    }
    await Promise.all(open);
    currentSpan().set({ "gramfleet.users": claimed });
    if (failures.length > 0) {
      // Whoever was claimed and rolled back lies before where the next look would begin.
      from = "the beginning";
      throw failures[0];
    }
    deps.metrics.lastScan.set(deps.now().getTime() / 1_000);
    return full ? "again" : "rest";
  };
}

/** Claimed in a transaction that is still open, and commits once all of them are enqueued. */
interface Batch {
  readonly users: readonly DueUser[];
  readonly committed: Promise<void>;
}

function startBatch(deps: ScanDependencies, from: LookFrom): Promise<Batch> {
  return new Promise((resolve, reject) => {
    const committed: Promise<void> = deps.database.asWorker(async (tx) => {
      const users = await claimDue(tx, deps.limits.dueBatch, from);
      resolve({ users, committed });
      if (users.length > 0) await deps.producer.addBulk(parseJobs(users, deps.now()));
    });
    committed.catch(reject);
  });
}

/** The parse of each user, in the queue of the session's API ID, urgent as the plan in force says. */
export function parseJobs(due: readonly DueUser[], now: Date): NewJob[] {
  return due.map((user) => ({
    name: "parse-user",
    queue: user.queue,
    data: { tenantId: user.tenantId, userId: user.userId.toString() },
    urgency: planInForce(user, now),
    dueAt: user.nextParseAt,
  }));
}
