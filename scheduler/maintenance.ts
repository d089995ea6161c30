import type { Database } from "../db/database.ts";
import { askReconcile } from "../db/reconcile.ts";
import { deleteOldWaits } from "../db/waits.ts";
import type { Producer } from "../queue/producer.ts";

/** What did not end is asked for again after this part of the interval. */
const AGAIN = 1 / 6;

/** Waits that are over stay this long, for whoever looks into what happened. */
const KEEP_WAITS_MS = 86_400_000;

/**
 * Asks for the reconciling of channels whose last one is too long ago, a few a turn. Marked and enqueued in one
 * transaction: where enqueueing fails nothing is marked. Forgets waits that have long been over.
 */
export async function maintain(deps: {
  readonly database: Database;
  readonly producer: Pick<Producer, "addBulk">;
  readonly now: () => Date;
  readonly reconcile: { readonly everyMs: number };
  readonly limits: { readonly reconcileBatch: number };
}): Promise<"rest"> {
  const { everyMs } = deps.reconcile;
  await deps.database.once((tx) => deleteOldWaits(tx, KEEP_WAITS_MS));
  await deps.database.asWorker(async (tx) => {
    const due = await askReconcile(tx, { everyMs, againMs: everyMs * AGAIN, limit: deps.limits.reconcileBatch });
    if (due.length === 0) return;
    await deps.producer.addBulk(
      due.map(({ queue, tenantId, userId, channelId }) => ({
        name: "reconcile-channel",
        queue,
        data: { tenantId, userId: userId.toString(), channelId: channelId.toString() },
        urgency: "reconcile",
        dueAt: deps.now(),
      })),
    );
  });
  return "rest";
}
