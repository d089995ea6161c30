import type { Fleet } from "./fleet.ts";

/** Counts the processes of a fleet that end from now on. An unhandled rejection ends its process, too. */
export function countExits(fleet: Pick<Fleet, "workers" | "scheduler">): () => number {
  let exits = 0;
  for (const child of [fleet.scheduler, ...fleet.workers.map((worker) => worker.child)])
    void child.exited.then(() => {
      exits += 1;
    });
  return () => exits;
}
