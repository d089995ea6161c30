import type { Log } from "./log.ts";
import { sleep } from "./sleep.ts";

export interface Loop {
  /** Asks the loop to end and waits for the turn in progress. */
  stop(): Promise<void>;
}

/** What was away is found again this soon, however long it was. A loop that turns more rarely keeps its interval. */
const LONGEST_BACK_OFF_MS = 10_000;

/** How long a loop rests after so many failures in a row. */
export function backOffMs(everyMs: number, failures: number): number {
  const doubled = everyMs * Math.min(10, 2 ** (failures - 1));
  return Math.max(everyMs, Math.min(doubled, LONGEST_BACK_OFF_MS));
}

/**
 * Runs `turn` every `everyMs` (counted from the end of the last turn) until stopped. A turn that returns "again" is
 * followed by the next one at once. A turn that throws is logged and tried again, after up to ten times the interval or
 * ten seconds, whichever is less, and never before the interval is over.
 *
 * @param options.restTimes it rests for so many times as long as the turn took, at least: what looks at everybody takes
 *   longer the more there are, and is not to take more than its share of PostgreSQL
 */
export function startLoop(options: {
  name: string;
  everyMs: number;
  log: Log;
  turn: (signal: AbortSignal) => Promise<"again" | "rest">;
  restTimes?: number;
}): Loop {
  const stopping = new AbortController();
  let failures = 0;
  const run = async () => {
    while (!stopping.signal.aborted) {
      let pause = options.everyMs;
      const startedAt = performance.now();
      try {
        if ((await options.turn(stopping.signal)) === "again") pause = 0;
        failures = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        failures += 1;
        pause = backOffMs(options.everyMs, failures);
        options.log.warn({ err: error, loop: options.name, failures }, "loop turn failed");
      }
      if (pause > 0) pause = Math.max(pause, (performance.now() - startedAt) * (options.restTimes ?? 0));
      if (pause > 0) await sleep(pause, stopping.signal);
    }
  };
  const running = run();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}
