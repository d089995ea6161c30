import type { ParseFacts } from "../../db/parse-progress.ts";
import type { Wait } from "../../db/waits.ts";
import type { JobRef } from "../../queue/jobs.ts";
import type { Producer } from "../../queue/producer.ts";
import { when } from "../output.ts";

/** Waits up to this long are waited in place, and seen by nobody. */
const SHORT_WAIT_MS = 2_000;

/** What is said of a user whose parse does not go on by itself now. */
export interface Obstacle {
  readonly outcome: string;
  /** It goes on once a wait is over, or an operator lets it. */
  readonly waits?: true;
}

/** Why nobody is parsed who is like this; null where nothing keeps them. */
export function obstacleOf(facts: ParseFacts): Obstacle | null {
  if (facts.paused) return { outcome: "paused: gramfleet users resume" };
  if (facts.sessionState !== "AUTHORIZED")
    return { outcome: `session ${facts.sessionState ?? "ABSENT"}: gramfleet sessions login` };
  if (facts.holds.length > 0) return { outcome: `session held: ${facts.holds.join(", ")}` };
  return facts.queue === null ? { outcome: "not schedulable" } : null;
}

/** What is said of a user whom Telegram has asked to wait; null where the wait is over at once. */
export function obstacleOfWait(wait: Wait | undefined): Obstacle | null {
  if (!wait || wait.until.getTime() <= Date.now() + SHORT_WAIT_MS) return null;
  return { outcome: `waits until ${when(wait.until)} (${wait.method}, as Telegram asked)`, waits: true };
}

/** What keeps the jobs of these queues: looked at once a queue, whoever is in it. */
export async function obstaclesIn(
  producer: Producer,
  queues: readonly string[],
  options: { readonly pausedByHand: boolean },
): Promise<(job: { readonly queue: string; readonly id?: string }) => Promise<Obstacle | null>> {
  const counts = new Map((await producer.queueCounts(queues)).map((one) => [one.queue, one]));
  const until = new Map<string, Date | null>();
  for (const queue of queues) until.set(queue, await producer.pausedUntil(queue));
  return async ({ queue, id }) => {
    if (options.pausedByHand && counts.get(queue)?.paused)
      return { outcome: `${queue} is paused: gramfleet queue resume ${queue}`, waits: true };
    const goesOn = until.get(queue);
    if (goesOn && goesOn.getTime() > Date.now() + SHORT_WAIT_MS)
      return { outcome: `waits until ${when(goesOn)} (${queue} is paused: gramfleet waits)`, waits: true };
    if (id === undefined || (counts.get(queue)?.parked ?? 0) === 0) return null;
    return parkedAs(producer, { queue, id });
  };
}

async function parkedAs(producer: Producer, job: JobRef): Promise<Obstacle | null> {
  const until = await producer.parkedUntil(job);
  if (!until) return null;
  return { outcome: `is parked until ${when(until)}: the job ended its worker each time`, waits: true };
}
