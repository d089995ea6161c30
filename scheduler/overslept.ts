import type { Producer } from "../queue/producer.ts";
import type { Log } from "../runtime/log.ts";

/** Wakes jobs that sleep for longer than they were snoozed for, since a clock was set. */
export async function wakeOverslept(deps: {
  readonly producer: Pick<Producer, "wakeOverslept">;
  readonly queues: readonly string[];
  readonly log: Log;
}): Promise<"rest"> {
  const jobs = await deps.producer.wakeOverslept(deps.queues);
  if (jobs > 0) deps.log.warn({ jobs }, "jobs that overslept put back: a clock was set");
  return "rest";
}
