import { lastRuns } from "../db/runs.ts";
import { sleep } from "../runtime/sleep.ts";
import type { BotDeps } from "./deps.ts";

type Run = Awaited<ReturnType<typeof lastRuns>>[number];

const LOOK_EVERY_MS = 1_000;
const FOLLOWED_MS = 120_000;

/** A user's newest run. */
export async function newestRun({ database }: Pick<BotDeps, "database">, userId: bigint): Promise<Run | null> {
  return database.asWorker(async (tx) => (await lastRuns(tx, userId, 1))[0] ?? null);
}

/** The first run that ends after `before`, which was the newest; null where none does in two minutes. */
export async function nextRun(
  deps: Pick<BotDeps, "database" | "clock">,
  userId: bigint,
  before: Run | null,
  signal: AbortSignal,
): Promise<Run | null> {
  const until = deps.clock.monotonic() + FOLLOWED_MS;
  while (!signal.aborted && deps.clock.monotonic() < until) {
    const newest = await newestRun(deps, userId);
    if (newest && newest.finishedAt.getTime() !== before?.finishedAt.getTime()) return newest;
    await sleep(LOOK_EVERY_MS, signal);
  }
  return null;
}
