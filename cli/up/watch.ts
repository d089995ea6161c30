import type { Database } from "../../db/database.ts";
import { ledgerProgress } from "../../db/ledger-totals.ts";
import { lagSince, runTotals } from "../../db/runs.ts";
import { countSchedules } from "../../db/schedules.ts";
import { countUsers } from "../../db/users.ts";
import { countRunningWaits } from "../../db/waits.ts";
import type { Producer } from "../../queue/producer.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { sleep } from "../../runtime/sleep.ts";
import type { Output } from "../output.ts";
import type { Child } from "./children.ts";
import { fetchMetrics, sumOf } from "./counters.ts";
import { createLiveView, type Snapshot } from "./live.ts";
import type { Witness } from "./witness.ts";

const LOOK_EVERY_MS = 1_000;
/** A user this late is worth a warning. */
const LATE_MS = 30_000;

export interface Watched {
  readonly database: Database;
  readonly producer: Pick<Producer, "queueCounts">;
  /** Null against a real Telegram. */
  readonly witness: Witness | null;
  readonly children: readonly Child[];
  /** Where each child's metrics are. */
  readonly ports: readonly number[];
  readonly telegram: { readonly child: Child } | null;
  /** How many messages back a free plan reaches. */
  readonly depthFree: number;
  /** What happened from here on is shown and counted, by the database's clock. */
  readonly since: Date;
  /** What else is to be said on the screen. */
  readonly news: readonly string[];
  readonly out: Output;
}

export type Lag = Awaited<ReturnType<typeof lagSince>>;

/**
 * Shows what happens until the time is up or `signal` aborts. Gives the lag seen.
 * @throws OperatorError where a process of ours ends by itself
 */
export async function watch(options: Watched & { forSeconds: number | null; signal: AbortSignal }): Promise<Lag> {
  const { database, since } = options;
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1_000;
  const view = createLiveView(options.out);
  const fallen = firstToFall([...options.children, ...(options.telegram ? [options.telegram.child] : [])]);
  while (!options.signal.aborted && (options.forSeconds === null || elapsed() < options.forSeconds)) {
    view.show(await look(options, elapsed()));
    const left = options.forSeconds === null ? LOOK_EVERY_MS : options.forSeconds * 1_000 - elapsed() * 1_000;
    const dead = await Promise.race([fallen, sleep(Math.max(0, Math.min(LOOK_EVERY_MS, left)), options.signal)]);
    if (dead && !options.signal.aborted) throw new OperatorError(dead);
  }
  view.end();
  return database.asWorker((tx) => lagSince(tx, since));
}

function firstToFall(children: readonly Child[]): Promise<string> {
  return Promise.race(
    children.map(async (child) => {
      const { code, signal } = await child.exited;
      return `${child.name} ended by itself (${signal ?? `exit ${code}`}): see ${child.logFile}`;
    }),
  );
}

async function look(watched: Watched, seconds: number): Promise<Snapshot> {
  const { since } = watched;
  const [numbers, metrics, jobs, witnessed] = await Promise.all([
    watched.database.asWorker(async (tx) => ({
      users: await countUsers(tx),
      schedules: await countSchedules(tx, LATE_MS),
      totals: await runTotals(tx, since),
      waits: await countRunningWaits(tx),
      lag: await lagSince(tx, since),
      history: await ledgerProgress(tx, { historyDepthFree: watched.depthFree }),
    })),
    Promise.all(watched.ports.map(fetchMetrics)),
    watched.producer.queueCounts(),
    watched.witness?.summary() ?? null,
  ]);
  const warnings: string[] = [];
  const { schedules, totals } = numbers;
  // Whoever was due while nothing ran is no news.
  if (schedules.late > 0 && seconds > LATE_MS / 1_000)
    warnings.push(`some users are more than ${LATE_MS / 1_000} s late`);
  if (totals.failed > 0) warnings.push(`${totals.failed} parses failed`);
  if (witnessed && witnessed.violations > 0) warnings.push(`${witnessed.violations} calls before a wait's end`);
  if (witnessed && witnessed.keysKilled > 0) warnings.push(`${witnessed.keysKilled} keys killed by 406`);
  return {
    seconds,
    users: numbers.users,
    due: schedules.due,
    running: schedules.inFlight,
    parses: totals.parses,
    messages: metrics.reduce((sum, text) => sum + sumOf(text, "messages_stored_total", 'change="new"'), 0),
    waits: numbers.waits.waits,
    history: numbers.history,
    queued: jobs.reduce((sum, queue) => sum + queue.waiting + queue.delayed, 0),
    lagByPlan: numbers.lag,
    news: [...watched.news],
    warnings,
  };
}
