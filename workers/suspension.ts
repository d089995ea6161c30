import type { Consumer } from "../queue/consumer.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Log } from "../runtime/log.ts";
import { type Loop, startLoop } from "../runtime/loop.ts";

/**
 * Suspends the consumer while PostgreSQL does not answer this process. Without it a worker that is cut off from
 * PostgreSQL, and not from Redis, would take job after job and hang in each, and nobody else could do them.
 */
export function suspendWithoutDatabase(options: {
  readonly check: () => Promise<void>;
  readonly consumer: Pick<Consumer, "suspend" | "resume">;
  readonly everyMs: number;
  /** An answer that takes longer is none. */
  readonly answerWithinMs: number;
  readonly log: Log;
}): Loop {
  const { consumer, log } = options;
  let suspended = false;
  return startLoop({
    name: "PostgreSQL's answer",
    everyMs: options.everyMs,
    log,
    async turn() {
      try {
        await withDeadline("PostgreSQL's answer", options.answerWithinMs, options.check());
        if (suspended) log.info("PostgreSQL answers again: jobs are taken");
        suspended = false;
        consumer.resume();
      } catch (error) {
        if (!suspended) log.error({ err: error }, "PostgreSQL does not answer: no jobs are taken");
        suspended = true;
        consumer.suspend("PostgreSQL does not answer");
      }
      return "rest";
    },
  });
}
