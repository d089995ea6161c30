import type { ControlClient } from "../../emulator/control-client.ts";
import { createRandom } from "../../emulator/world/random.ts";
import { sleep } from "../../runtime/sleep.ts";

/** Posts that appear until they are stopped. */
export interface Posting {
  /** @throws where a post was refused */
  stop(): Promise<void>;
}

/** So many posts a second, each in a channel of chance. One that comes late is caught up with: the rate holds. */
export function startPosting(options: {
  readonly control: Pick<ControlClient, "post">;
  readonly channels: readonly bigint[];
  readonly perSecond: number;
  readonly signal: AbortSignal;
}): Posting {
  const { control, channels, perSecond } = options;
  const random = createRandom("posts of the check");
  const stopped = new AbortController();
  const signal = AbortSignal.any([options.signal, stopped.signal]);
  const post = async () => {
    if (perSecond === 0) return;
    for (let due = performance.now(); !signal.aborted; due += 1_000 / perSecond) {
      await sleep(Math.max(0, due - performance.now()), signal);
      if (!signal.aborted) await control.post(random.pick(channels), "News");
    }
  };
  const posting = post();
  // Told by `stop`, which comes later.
  posting.catch(() => {});
  return {
    stop() {
      stopped.abort();
      return posting;
    },
  };
}
