import type { Clock } from "../runtime/clock.ts";
import type { World } from "./world/model.ts";
import { startTraffic, type Traffic } from "./world/traffic.ts";

/** Telegram's own posts, which can be halted and let go on. */
export interface TrafficSwitch {
  readonly running: boolean;
  /** Off: nothing happens any more once this came back. */
  set(running: boolean): void;
}

/** Starts with traffic running, unless there is none to run (`postsPerMinute` 0). */
export function createTrafficSwitch(
  world: World,
  options: { seed: string | number; clock: Clock; postsPerMinute: number },
): TrafficSwitch {
  let traffic: Traffic | null = null;
  const set = (running: boolean) => {
    if (!running) {
      traffic?.stop();
      traffic = null;
    } else if (options.postsPerMinute > 0) traffic ??= startTraffic(world, options);
  };
  set(true);
  return {
    get running() {
      return traffic !== null;
    },
    set,
  };
}

/** Counts posts, edits and deleted messages from now on, whoever made them. */
export function countChanges(world: World): {
  readonly posts: number;
  readonly edits: number;
  readonly deletions: number;
} {
  const counts = { posts: 0, edits: 0, deletions: 0 };
  world.onChange((change) => {
    if (change.kind === "post") counts.posts += 1;
    if (change.kind === "edit") counts.edits += 1;
    if (change.kind === "delete") counts.deletions += change.messageIds.length;
  });
  return counts;
}
