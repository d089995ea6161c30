import type { Lifecycle } from "../../runtime/lifecycle.ts";
import type { MeasuredGround } from "../ground.ts";
import { type Agreement, compare, type Predicted } from "./agreement.ts";
import { serviceFrom } from "./calibrate.ts";
import {
  CHANNELS,
  type CheckFleet,
  CONCURRENCY,
  FREE_EVERY,
  PREMIUM_EVERY,
  startCheckFleet,
  USERS,
} from "./check-fleet.ts";
import { countUnder, type Load, type Seen } from "./count.ts";
import type { Service } from "./measured.ts";
import { simulate } from "./simulate.ts";

const COUNTED_MS = 16_000;

/** From these the costs are taken, on one worker. */
const LIGHT: Load = { name: "a third of the users, no posts", share: 1 / 3, postsPerSecond: 0 };
const HEAVY: Load = { name: "three quarters of the users, no posts", share: 0.75, postsPerSecond: 0 };
const CHANGING: Load = { name: "three quarters of the users, 12 posts a second", share: 0.75, postsPerSecond: 12 };
/** Predicted from them: more parses and more posts than any, on one worker and on two. */
const PREDICTED: Load = { name: "all users, 16 posts a second", share: 1, postsPerSecond: 16 };

export interface Compared extends Agreement {
  readonly predicted: Predicted;
  readonly seen: Seen;
}

export interface Checked {
  readonly service: Service;
  /** What the costs were taken from. */
  readonly calibration: readonly Seen[];
  readonly compared: readonly Compared[];
}

/**
 * Runs a real fleet on the emulator: three loads on one worker, from which costs are taken, and a fourth on one and on two
 * workers, which the simulation has to predict from them. The two come first, while both are warm.
 */
export async function check(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  note: (text: string) => void,
): Promise<Checked> {
  const fleet = await startCheckFleet(ground, lifecycle, note);
  const run = (load: Load) => {
    lifecycle.signal.throwIfAborted();
    note(`${load.name}, ${fleet.workers.length === 1 ? "one worker" : "two workers"}`);
    return countUnder(load, { fleet, lifecycle, milliseconds: COUNTED_MS });
  };
  // Two share the work, and their code is compiled half as fast: the first time is not counted.
  await run(PREDICTED);
  const onTwo = await run(PREDICTED);
  await fleet.stopSecondWorker();
  const [light, heavy, changing] = [await run(LIGHT), await run(HEAVY), await run(CHANGING)];
  const onOne = await run(PREDICTED);
  const service = serviceFrom({ light, heavy, changing });
  return {
    service,
    calibration: [light, heavy, changing],
    compared: [onOne, onTwo].map((seen) => {
      const predicted = predict(seen, fleet, service);
      return { predicted, seen, ...compare(seen, predicted) };
    }),
  };
}

function predict(
  load: Pick<Seen, "workers" | "premiumShare" | keyof Load>,
  fleet: CheckFleet,
  service: Service,
): Predicted {
  return simulate({
    ...{ users: Math.round(USERS * load.share), premiumShare: load.premiumShare },
    ...{ premiumEvery: PREMIUM_EVERY, freeEvery: FREE_EVERY },
    ...{ channelsPerUser: Math.round(fleet.channelsPerUser), channels: CHANNELS },
    postsPerChannelPerDay: (load.postsPerSecond * 86_400) / CHANNELS,
    ...{ workers: load.workers, apiIds: 3, callsPerSecond: 100_000, concurrency: CONCURRENCY },
    ...{ floodProbability: 0, floodSeconds: 0, service, warmUp: 120, seconds: 600, seed: 1 },
  });
}
