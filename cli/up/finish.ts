import { databaseNow, storedSince } from "../../db/overview.ts";
import { runTotals } from "../../db/runs.ts";
import { countUsers } from "../../db/users.ts";
import type { Arrival } from "./arrival.ts";
import { auditAgainst } from "./audit-against.ts";
import { drain } from "./drain.ts";
import type { Summary } from "./summary.ts";
import type { Lag, Watched } from "./watch.ts";

const PARSES_WITHIN_MS = 60_000;
const BACKFILL_WITHIN_MS = 30_000;

/**
 * Posts stop, every user is parsed once more, backfill drains for up to 30 s; then what is stored is held against what
 * is on Telegram.
 */
export async function finish(
  options: Watched & { lag: Lag; depthFree: number; arrival: Arrival | null },
): Promise<{ summary: Summary; examples: readonly string[] }> {
  const { database, witness } = options;
  const giveUp = new AbortController();
  await witness?.setTraffic(false);
  const drained = await drain({
    database,
    producer: options.producer,
    since: await database.asWorker(databaseNow),
    parsesWithinMs: PARSES_WITHIN_MS,
    backfillWithinMs: BACKFILL_WITHIN_MS,
    signal: giveUp.signal,
    progress: options.out.note,
  });
  const audit = witness ? await auditAgainst(witness, options) : null;
  const seen = await witness?.summary();
  const { users, totals, stored } = await database.asWorker(async (tx) => ({
    users: await countUsers(tx),
    totals: await runTotals(tx, options.since),
    stored: await storedSince(tx, options.since),
  }));
  const lagAll = options.lag.get("all");
  const examples = [
    ...(drained.usersLeft > 0 ? [`${drained.usersLeft} users were not parsed once more within a minute`] : []),
    ...(drained.jobsLeft > 0 ? [`${drained.jobsLeft} jobs were still in the queues`] : []),
    ...(audit?.examples ?? []),
  ];
  return {
    examples,
    summary: {
      users,
      parses: totals.parses,
      messages: stored.messages,
      edits: stored.edits,
      deletions: stored.deletions,
      lost: audit?.lost ?? null,
      doubled: audit?.doubled ?? stored.doubled,
      violations: seen?.violations ?? null,
      duplicateKeys: seen?.keysKilled ?? null,
      lagP99Seconds: lagAll && lagAll.runs > 0 ? Number(lagAll.p99.toFixed(3)) : null,
      arrival: options.arrival,
    },
  };
}
