import type { LeaseRow } from "../db/leases.ts";
import { sleep } from "../runtime/sleep.ts";
import type { Fleet } from "./fleet.ts";
import type { WorkerProcess } from "./processes.ts";
import type { Stage } from "./scenario.ts";
import { until } from "./until.ts";

const BUSY_WITHIN_MS = 30_000;
/** A fault comes up to so long after a job was seen, so that it meets all parts of jobs. */
const INTO_THE_JOB_MS = 120;

export const heldBy = (rows: readonly LeaseRow[], worker: WorkerProcess): LeaseRow[] =>
  rows.filter((row) => row.holder === worker.holder);

/** A random one of `workers` that is in the middle of a job now. @throws where none has one for half a minute */
export async function busyWorker(
  stage: Stage,
  fleet: Fleet,
  workers: readonly WorkerProcess[] = fleet.workers,
): Promise<WorkerProcess> {
  const busy = await until(
    async () => {
      const rows = await fleet.leases();
      const candidates = workers.filter((worker) => !worker.ended && heldBy(rows, worker).length > 0);
      return candidates.length > 0 && stage.random.pick(candidates);
    },
    { withinMs: BUSY_WITHIN_MS, signal: stage.signal },
  );
  if (!busy) throw new Error("no worker has had a job for half a minute");
  await sleep(stage.random.int(0, INTO_THE_JOB_MS), stage.signal);
  return busy;
}

/** Leases whose holder is gone, each until a successor has it or its row is gone. */
export interface Orphans {
  /** From now on; what was left before counts from now on, too, since this death may have taken its successor. */
  add(rows: readonly LeaseRow[]): void;
  /** Waits until none is left, or so long. */
  settled(withinMs: number): Promise<void>;
  /** How long each took; null for those that are left. */
  readonly took: readonly (number | null)[];
}

export function watchOrphans(stage: Stage, fleet: Fleet): Orphans {
  const left = new Map<string, number>();
  const took: (number | null)[] = [];
  const look = async () => {
    if (left.size === 0) return;
    const living = new Set((await fleet.leases()).map((row) => row.token));
    const now = performance.now();
    for (const [token, since] of left) {
      if (living.has(token)) continue;
      took.push(now - since);
      left.delete(token);
    }
  };
  const stop = new AbortController();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      await look();
      await sleep(50, stop.signal);
    }
  })();
  watching.catch(() => {});
  stage.lifecycle.own("watch of orphaned leases", stop, (controller) => controller.abort());
  return {
    add(rows) {
      const now = performance.now();
      for (const token of [...left.keys(), ...rows.map((row) => row.token)]) left.set(token, now);
    },
    async settled(withinMs) {
      await until(() => left.size === 0, { withinMs, everyMs: 50, signal: stage.signal });
    },
    get took() {
      return [...took, ...[...left].map(() => null)];
    },
  };
}

/** The 50th of 100, the most, of what there is; 0 where there is nothing. */
export function spread(values: readonly number[]): { readonly median: number; readonly most: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, most: sorted.at(-1) ?? 0 };
}
