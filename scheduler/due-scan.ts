import { planInForce } from "../config/plans.ts";
import type { Database } from "../db/database.ts";
import { claimDue, type DueUser } from "../db/schedules.ts";
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

/**
 * One turn of the due scan: claims users that are due and enqueues their parses, in one transaction. Where enqueueing
 * fails nothing is claimed; a crash between the two enqueues them again, which deduplication absorbs. "again" when more
 * may be due.
 *
 * @throws what Redis and PostgreSQL throw: everybody stays due
 */
export async function scanDue(deps: ScanDependencies): Promise<"again" | "rest"> {
  const claimed = await deps.database.asWorker(async (tx) => {
    const due = await claimDue(tx, deps.limits.dueBatch);
    if (due.length > 0) await deps.producer.addBulk(parseJobs(due, deps.now()));
    return due.length;
  });
  deps.metrics.dueScanned.inc(claimed);
  deps.metrics.lastScan.set(deps.now().getTime() / 1_000);
  currentSpan().set({ "gramfleet.users": claimed });
  return claimed === deps.limits.dueBatch ? "again" : "rest";
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
