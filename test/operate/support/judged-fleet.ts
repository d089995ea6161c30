import { openCommitWitness } from "../../../faults/commit-witness.ts";
import { startEmulated, type WorldSize, witnessOf } from "../../../faults/emulated.ts";
import { judge } from "../../../faults/judge.ts";
import { ownProducer } from "../../../queue/open.ts";
import { Lifecycle } from "../../../runtime/lifecycle.ts";
import { silentLog } from "../../../runtime/log.ts";
import { prepareFleet } from "../../support/running-fleet.ts";

const SEED = 6;
/** Leases and what is measured against them are a tenth of what they are in production. */
const TIMES_DIVISOR = "10";

/** A running scheduler and workers, posts that come, and the verdict over what is stored. Close it. */
export async function startJudgedFleet(options: {
  readonly world: WorldSize;
  readonly workers: number;
  readonly env?: Record<string, string>;
  readonly databaseUrls?: (url: string) => Record<string, string>;
}) {
  const lifecycle = new Lifecycle(silentLog);
  const emulator = await startEmulated(options.world, SEED);
  lifecycle.own("emulator", emulator, (started) => started.close());
  const env = { TIMES_DIVISOR, EMULATOR_PACE: String(options.world.pace ?? 300), ...options.env };
  const { workers, databaseUrls } = options;
  const fleet = await prepareFleet(emulator, { workers, env, ...(databaseUrls ? { databaseUrls } : {}) });
  lifecycle.own("fleet", fleet, (prepared) => prepared.close());
  const commits = await openCommitWitness(fleet.databaseUrl);
  lifecycle.own("commit witness", commits, (opened) => opened.close());
  const { producer, redis } = await ownProducer(lifecycle, fleet.config, silentLog);
  await fleet.seed(emulator.accounts);
  await fleet.start();
  return {
    ...{ ...fleet, emulator, producer, redis },
    /** Ends the posts, has everybody parsed once more, and gives what is not as it must be. */
    async verdict(mayFail?: RegExp): Promise<readonly string[]> {
      const notes: string[] = [];
      const checks = await judge(
        { signal: lifecycle.signal, progress: (text) => text.startsWith("!") && notes.push(text) },
        {
          ...{ config: fleet.config, database: fleet.database, commits, producer, emulator },
          telegram: witnessOf(emulator),
        },
        mayFail ? { mayFail } : {},
      );
      const wrong = checks
        .filter(({ pass }) => !pass)
        .map(({ name, value, wanted }) => `${name} ${value}, not ${wanted}`);
      return [...wrong, ...(wrong.length > 0 ? notes : [])];
    },
    close: () => lifecycle.close(),
  };
}

export type JudgedFleet = Awaited<ReturnType<typeof startJudgedFleet>>;
