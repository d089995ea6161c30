import type { Tx, WorkerTx } from "./database.ts";
import { unwritten } from "./unwritten.ts";

export interface Run {
  readonly tenantId: string;
  readonly userId: bigint;
  /** The `next_parse_at` that this run served: lag counts from here. */
  readonly slot: Date;
  readonly startedAt: Date;
  readonly plan: string;
  readonly outcome: "done" | "failed" | "waiting";
  readonly error: string | null;
  readonly channels: number;
  readonly channelsChanged: number;
  readonly calls: number;
  readonly waits: number;
  readonly added: number;
  readonly edited: number;
  readonly deleted: number;
}
/** Records a run; `finished_at` is the database's clock. */
export async function recordRun(_tx: WorkerTx, _run: Run): Promise<void> {
  return unwritten();
}
export interface RunTotals {
  readonly parses: number;
  readonly failed: number;
  readonly added: number;
  readonly edited: number;
  readonly deleted: number;
}
/** Sums over runs finished at or after `since`. */
export async function runTotals(_tx: Tx, _since: Date): Promise<RunTotals> {
  return unwritten();
}
/** Lag quantiles by plan in seconds, from slot to `finished_at`, of runs finished since; each user's first run since is left out. Key "all" sums up. */
export async function lagSince(
  _tx: Tx,
  _since: Date,
): Promise<Map<string, { p50: number; p99: number; runs: number }>> {
  return unwritten();
}
export async function lastRuns(_tx: Tx, _userId: bigint, _limit: number): Promise<(Run & { finishedAt: Date })[]> {
  return unwritten();
}
