import type { NewJob } from "../../queue/jobs.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { startFleet } from "../fleet.ts";
import type { MeasuredGround } from "../ground.ts";
import { type Run, type Sides, timedRun } from "../side-by-side.ts";
import { backfillJob, makeKnown, runAll, usersOf } from "../store/known.ts";
import { writeExport } from "../store/posts.ts";
import { assertStored, forgetMessages } from "../store/stored.ts";

/** The one that the baseline reads; the others follow it. */
const FIRST_CHANNEL = 1_555_000_001;

/**
 * Ours is the history of many channels, each by an account of its own, all asked for at once; the baseline is that of one
 * channel by one account. Both by the same worker, as `store` does it.
 */
export async function openAccounts(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  options: {
    readonly accounts: number;
    readonly messagesEach: number;
    readonly messages: number;
    readonly nodeFlags: readonly string[];
    readonly note: (text: string) => void;
  },
): Promise<Sides> {
  const channels = Array.from({ length: options.accounts + 1 }, (_, index) => ({
    id: FIRST_CHANNEL + index,
    name: `Harbour ${index}`,
    messages: index === 0 ? options.messages : options.messagesEach,
  }));
  const fleet = await startFleet(ground, lifecycle, {
    name: "accounts",
    users: options.accounts,
    ours: options.accounts,
    channels: 0,
    files: channels.map((channel, index) => writeExport(ground.dir, `harbour_${index}`, channel)),
    // Every other user is a free one, whose history would not go back all the way.
    worker: { nodeFlags: options.nodeFlags, env: { HISTORY_DEPTH_FREE: "1000000" } },
  });
  const users = await usersOf(fleet, options.accounts);
  options.note(`reading everything once for ${options.accounts} users`);
  await makeKnown(fleet, users);
  const run = async (chosen: typeof channels, jobs: NewJob[]): Promise<Run> => {
    await forgetMessages(fleet);
    const messages = chosen.reduce((sum, channel) => sum + channel.messages, 0);
    const result = await timedRun(messages, fleet.cpu, () => runAll(fleet, jobs));
    await assertStored(
      fleet,
      chosen.map(({ id }) => BigInt(id)),
      messages,
    );
    return result;
  };
  const [one, ...many] = channels;
  return {
    ours: () =>
      run(
        many,
        many.map((channel, index) => backfillJob(users[index]!, BigInt(channel.id))),
      ),
    baseline: () => run([one!], [backfillJob(users[0]!, BigInt(one!.id))]),
  };
}
