import { type Outcome, type Scenario, simulate } from "./simulate.ts";

/** How full anything may be: room for the hour in which everybody is due together, and for a machine that dies. */
export interface Room {
  readonly workerUse: number;
  readonly limiterUse: number;
  readonly slotUse: number;
  /** Seconds from being due to the end of the run, of 99 in 100. */
  readonly lagP99: number;
}

export const ROOM: Room = { workerUse: 0.5, limiterUse: 0.7, slotUse: 0.7, lagP99: 30 };

export interface Plan {
  readonly workers: number;
  readonly apiIds: number;
  readonly outcome: Outcome;
  /** What is too full; empty where the plan holds. */
  readonly tooFull: readonly (keyof Room)[];
}

export function tooFull(outcome: Outcome, room: Room): (keyof Room)[] {
  const seen: Record<keyof Room, number> = { ...outcome, lagP99: outcome.lag.p99 };
  return (Object.keys(room) as (keyof Room)[]).filter((what) => seen[what] > room[what]);
}

/** Tries before it gives up: each adds what is short. */
const MOST_TRIES = 12;

/**
 * The fewest workers and API IDs with which nothing is too full, where they are not given. Begins with what arithmetic says
 * of a fleet that has more than enough, and adds what is short.
 */
export function planFor(
  scenario: Omit<Scenario, "workers" | "apiIds">,
  given: { readonly workers?: number; readonly apiIds?: number; readonly room?: Room },
): Plan {
  const due =
    (scenario.users * scenario.premiumShare) / scenario.premiumEvery +
    (scenario.users * (1 - scenario.premiumShare)) / scenario.freeEvery;
  const mostCalls = 2 + Math.ceil(scenario.channelsPerUser / 100) + scenario.channelsPerUser;
  const plenty = {
    workers: given.workers ?? Math.ceil((due * scenario.service.cpuPerParse) / 0.2) + 1,
    apiIds: given.apiIds ?? Math.ceil((due * mostCalls) / scenario.callsPerSecond) + 1,
  };
  const roomy = simulate({ ...scenario, ...plenty });
  const asked = given.room ?? ROOM;
  // What accounts are asked to wait makes their users late however many workers there are.
  const room = { ...asked, lagP99: Math.max(asked.lagP99, 2 * roomy.lag.p99) };
  const enough = (use: number, count: number, most: number) => Math.max(1, Math.ceil((use * count) / most));
  let apiIds = given.apiIds ?? enough(roomy.callsPerSecond / scenario.callsPerSecond, 1, room.limiterUse);
  let workers = given.workers ?? enough(roomy.workerUse, plenty.workers, room.workerUse);
  for (let tries = 1; ; tries += 1) {
    const outcome = simulate({ ...scenario, workers, apiIds });
    const short = tooFull(outcome, room);
    const moreApiIds = given.apiIds === undefined && short.includes("limiterUse");
    const moreWorkers = given.workers === undefined && !moreApiIds && short.length > 0;
    if (tries === MOST_TRIES || !(moreApiIds || moreWorkers)) return { workers, apiIds, outcome, tooFull: short };
    if (moreApiIds) apiIds += Math.max(1, Math.round(apiIds / 20));
    else workers += Math.max(1, Math.round(workers / 20));
  }
}
