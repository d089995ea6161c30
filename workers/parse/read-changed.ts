import pLimit from "p-limit";
import { span } from "../../runtime/tracing.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import { PeerGone, PtsUnusable, RpcRefused, Transient, WaitRunning } from "../../telegram/errors.ts";
import type { ReadEnd, ReaderDependencies } from "./channel-reading.ts";
import { decide } from "./decide.ts";
import { type Looked, recordGone } from "./look.ts";
import { readChannel } from "./read-channel.ts";
import type { Tally } from "./tally.ts";

/** The job sleeps through a wait that is no longer; through a longer one the user would miss what needs no such call. */
const LONG_WAIT_MS = 60_000;

type Dependencies = ReaderDependencies & Parameters<typeof recordGone>[0] & { limits: { channelsInParallel: number } };

/**
 * Reads the changed ones among `looked`, some in parallel. A channel that is out of reach is recorded and stops no other;
 * neither does what concerns one channel alone, but the first such error is thrown in the end. Anything else (a short
 * wait, a lost lease) stops what has not begun.
 *
 * @returns the channels that somebody else was reading
 */
export async function readChanged(
  deps: Dependencies,
  account: OpenAccount,
  who: { readonly userId: bigint },
  looked: readonly Looked[],
  tally: Tally,
): Promise<Looked[]> {
  const lane = pLimit(deps.limits.channelsInParallel);
  const claimed: Looked[] = [];
  let stopped: { readonly error: unknown } | null = null;
  let failed: { readonly error: unknown } | null = null;

  const read = async (each: Looked): Promise<ReadEnd> => {
    try {
      return await span("read channel", { "gramfleet.channel_id": each.channel.id }, () =>
        readChannel(deps, account, each, tally),
      );
    } catch (error) {
      if (error instanceof WaitRunning && leavesOthers(error, deps.clock.now())) return "behind";
      if (!(error instanceof PeerGone)) throw error;
      await recordGone(deps, account, who, each.channel.id, error);
      return "behind";
    }
  };
  await Promise.all(
    looked
      .filter((each) => decide(each.channel, each.seen) !== "unchanged")
      .map((each) =>
        lane(async () => {
          if (stopped) return;
          try {
            if ((await read(each)) === "claimed") claimed.push(each);
          } catch (error) {
            if (concernsOneChannel(error)) failed ??= { error };
            else stopped ??= { error };
          }
        }),
      ),
  );
  const first = (stopped ?? failed) as { readonly error: unknown } | null;
  if (first) throw first.error;
  return claimed;
}

/**
 * The slow mode of one chat, or hours for one method: the channel is looked at again with the next parse. Whatever else
 * needs that method is refused without a call.
 */
const leavesOthers = ({ scope, until }: WaitRunning, now: number): boolean =>
  scope === "chat" || (scope !== "api_id" && until.getTime() - now > LONG_WAIT_MS);

/** Trouble with one channel, to be looked at again with the next parse. */
export const concernsOneChannel = (error: unknown): boolean =>
  error instanceof Transient || error instanceof RpcRefused || error instanceof PtsUnusable;
