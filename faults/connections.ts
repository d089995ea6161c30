import type { WitnessedConnection } from "../emulator/witness.ts";
import { sleep } from "../runtime/sleep.ts";
import type { Fleet } from "./fleet.ts";
import type { Stage } from "./scenario.ts";

/** The witness remembers the last connections of a key only: it is asked this often. */
const ASK_EVERY_MS = 1_000;

/** What the data centers saw of connections, by auth key. One counts from its first frame with the key on. */
export interface SeenConnections {
  /** Up to now, oldest first, those of one key together. */
  all(): readonly (readonly WitnessedConnection[])[];
}

export function watchConnections(stage: Stage, fleet: Fleet): SeenConnections {
  const seen = new Map<bigint, Map<number, WitnessedConnection>>();
  const ask = () => {
    for (const { keyId } of fleet.emulator.keys.all()) {
      const ofKey = seen.get(keyId) ?? new Map<number, WitnessedConnection>();
      seen.set(keyId, ofKey);
      for (const each of fleet.emulator.witness.connectionsOf(keyId)) ofKey.set(each.connectionId, each);
    }
  };
  const stop = new AbortController();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      ask();
      await sleep(ASK_EVERY_MS, stop.signal);
    }
  })();
  watching.catch(() => {});
  stage.lifecycle.own("watch of connections", stop, (controller) => controller.abort());
  return {
    all() {
      ask();
      return [...seen.values()].map((ofKey) => [...ofKey.values()].sort((a, b) => a.firstFrameAt - b.firstFrameAt));
    },
  };
}

type Span = Pick<WitnessedConnection, "firstFrameAt" | "closedAt">;

/** How many of one key's connections were open at once, at most. Given oldest first. */
export function mostAtOnce(connections: readonly Span[]): number {
  let most = 0;
  for (const [at, { firstFrameAt }] of connections.entries()) {
    const open = connections.slice(0, at + 1).filter(({ closedAt }) => closedAt === null || closedAt > firstFrameAt);
    most = Math.max(most, open.length);
  }
  return most;
}

/** How many of one key's connections began within a second, at most. Given oldest first. */
export function mostInASecond(connections: readonly Span[]): number {
  let most = 0;
  for (const { firstFrameAt } of connections)
    most = Math.max(
      most,
      connections.filter((each) => each.firstFrameAt >= firstFrameAt && each.firstFrameAt < firstFrameAt + 1_000)
        .length,
    );
  return most;
}
