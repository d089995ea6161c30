import type { Log } from "../runtime/log.ts";

/** Work that outlives the command which began it, such as waiting for a reading's end. */
export interface Background {
  /** Its failure is logged, and nobody's. */
  run(what: string, work: (signal: AbortSignal) => Promise<void>): void;
  /** Ends it all, and waits for that. */
  close(): Promise<void>;
}

export function createBackground(log: Log): Background {
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  return {
    run(what, work) {
      if (closing.signal.aborted) return;
      const run = work(closing.signal)
        .catch((error: unknown) => {
          if (!closing.signal.aborted) log.warn({ err: error, what }, "work in the background failed");
        })
        .finally(() => running.delete(run));
      running.add(run);
    },
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}
