import type { Witness } from "../cli/up/witness.ts";
import { auditOf, channelLine } from "../emulator/audit.ts";
import type { BotOptions } from "../emulator/bot-api/start.ts";
import type { Faults } from "../emulator/dc/faults.ts";
import { type Emulator, startEmulator } from "../emulator/start.ts";
import { createRandom } from "../emulator/world/random.ts";
import { silentLog } from "../runtime/log.ts";
import { sleep } from "../runtime/sleep.ts";

export interface WorldSize {
  readonly users: number;
  readonly channels: number;
  readonly postsPerMinute: number;
  /** Each answer takes between so long and so long, as over a real network: jobs last, and faults meet them half-way. */
  readonly answerMs: readonly [least: number, most: number];
  /** Plan intervals run this many times faster; {@link PACE} unless given. */
  readonly pace?: number;
  /** What goes wrong at the data centers besides. */
  readonly dataCenterFaults?: Faults;
  /** A bot, and the Bot API. */
  readonly bot?: BotOptions;
}

/** Plan intervals run this many times faster: 15 minutes in 3 seconds. */
export const PACE = 300;

/** An emulated Telegram in the harness's own process, so that its whole log can be questioned. No waits. */
export function startEmulated(size: WorldSize, seed: number): Promise<Emulator> {
  const latency = createRandom(`latency ${seed}`);
  return startEmulator({
    dir: null,
    users: size.users,
    channels: size.channels,
    pace: size.pace ?? PACE,
    worldFiles: [],
    seed,
    buckets: null,
    postsPerMinute: size.postsPerMinute,
    ...(size.bot ? { bot: size.bot } : {}),
    faults: {
      ...size.dataCenterFaults,
      beforeAnswer: async (request, context) => {
        const meant = await size.dataCenterFaults?.beforeAnswer?.(request, context);
        await sleep(latency.int(...size.answerMs));
        return meant;
      },
    },
    log: silentLog,
  });
}

/** The same emulator as `up` asks one over its control socket. */
export function witnessOf(emulator: Emulator): Witness {
  const { world } = emulator;
  return {
    accounts: async () => emulator.accounts,
    channels: async () => [...world.channels.values()].map(channelLine),
    channel: async (id) => {
      const channel = world.channels.get(id);
      if (!channel) throw new Error(`no channel ${id}`);
      return auditOf(channel);
    },
    summary: async () => emulator.summary(),
    setTraffic: async (running) => {
      if (running) throw new Error("the traffic does not begin again");
      emulator.stopTraffic();
    },
  };
}
