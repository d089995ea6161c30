import { Command, CommanderError, InvalidArgumentError } from "commander";
import { wholeNumber } from "../../cli/options.ts";
import { createOutput, table } from "../../cli/output.ts";
import { MEASURED, measuredService } from "./measured.ts";
import { planFor } from "./plan.ts";
import { runCheck } from "./run-check.ts";

interface Flags {
  readonly users: number;
  readonly premiumShare: number;
  readonly channelsPerUser: number;
  readonly channels?: number;
  readonly postsPerDay: number;
  readonly workers?: number;
  readonly apiIds?: number;
  readonly callsPerSecond: number;
  readonly concurrency: number;
  readonly floodProbability: number;
  readonly floodSeconds: number;
  readonly roundTripMs?: number;
  readonly cpuMs?: number;
  readonly seed: number;
  readonly check: boolean;
  readonly json: boolean;
}

const program = new Command("simulate")
  .description("how many workers and API IDs so many users need, played through with what was measured")
  .option("--users <n>", "users (10,000)", wholeNumber(1), 10_000)
  .option("--premium-share <share>", "of them premium, 0 to 1 (0.5)", share, 0.5)
  .option("--channels-per-user <n>", "channels each follows (30)", wholeNumber(1), 30)
  .option("--channels <n>", "different channels of all of them (as many as users)", wholeNumber(1))
  .option("--posts-per-day <n>", "posts of a channel a day (20)", wholeNumber(0), 20)
  .option("--workers <n>", "so many, instead of as few as do", wholeNumber(1))
  .option("--api-ids <n>", "so many, instead of as few as do", wholeNumber(1))
  .option("--calls-per-second <n>", "of each API ID (100)", wholeNumber(1), 100)
  .option("--concurrency <n>", "parses at once of a worker in each queue (16)", wholeNumber(1), 16)
  .option("--flood-probability <share>", "of a call: that its account is asked to wait (0)", share, 0)
  .option("--flood-seconds <n>", "for so long (30)", wholeNumber(1), 30)
  .option("--round-trip-ms <n>", "of a call; as measured on loopback, where not given", wholeNumber(1))
  .option("--cpu-ms <n>", "of a worker for a parse with nothing new; as measured, where not given", wholeNumber(1))
  .option("--seed <n>", "of its chances (1)", wholeNumber(0), 1)
  .option("--check", "instead: run a real fleet on the emulator for three minutes, predict it, and compare", false)
  .option("--json", "print one line of JSON", false)
  .exitOverride()
  .action(async (flags: Flags) => {
    process.exitCode = await (flags.check ? runCheck(createOutput({ json: flags.json })) : planned(flags));
  });

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}

/** Gives 1 where what was given does not do. */
async function planned(flags: Flags): Promise<0 | 1> {
  const out = createOutput({ json: flags.json });
  const measured = measuredService();
  const service = {
    ...measured,
    ...(flags.roundTripMs === undefined ? {} : { roundTrip: flags.roundTripMs / 1_000 }),
    ...(flags.cpuMs === undefined ? {} : { cpuPerParse: flags.cpuMs / 1_000 }),
  };
  const plan = planFor(
    {
      ...{ users: flags.users, premiumShare: flags.premiumShare, premiumEvery: 900, freeEvery: 3_600 },
      ...{ channelsPerUser: flags.channelsPerUser, channels: flags.channels ?? flags.users },
      ...{ postsPerChannelPerDay: flags.postsPerDay, callsPerSecond: flags.callsPerSecond },
      ...{ concurrency: flags.concurrency, floodProbability: flags.floodProbability, floodSeconds: flags.floodSeconds },
      // Two intervals of free users: what is counted begins when everybody has been parsed once.
      ...{ service, warmUp: 3_600, seconds: 1_800, seed: flags.seed },
    },
    {
      ...(flags.workers === undefined ? {} : { workers: flags.workers }),
      ...(flags.apiIds === undefined ? {} : { apiIds: flags.apiIds }),
    },
  );
  const { outcome } = plan;
  out.result({ workers: plan.workers, apiIds: plan.apiIds, tooFull: plan.tooFull, ...outcome, service }, () => [
    `${flags.users} users: ${plan.workers} workers, ${plan.apiIds} API IDs`,
    ...table(
      ["", ""],
      [
        ["parses/s", outcome.parsesPerSecond.toFixed(1)],
        ["due/s", outcome.dueRate.toFixed(1)],
        ["calls/s", outcome.callsPerSecond.toFixed(1)],
        ["calls a parse", outcome.callsPerParse.toFixed(2)],
        ["a worker's processor", percent(outcome.workerUse)],
        ["the busiest API ID's calls", percent(outcome.limiterUse)],
        ["places for parses at once", percent(outcome.slotUse)],
        ["due to stored, p50 and p99", `${outcome.lag.p50.toFixed(2)} s, ${outcome.lag.p99.toFixed(2)} s`],
        ["waits asked for", String(outcome.floods)],
        ["waiting at the end", String(outcome.waiting)],
      ],
    ),
    ...Object.entries(MEASURED).map(([name, { value, from }]) => {
      const cost = service[name as keyof typeof service];
      return `${name}: ${(cost * 1_000).toFixed(1)} ms (${cost === value ? from : "as given"})`;
    }),
    ...(plan.tooFull.length > 0 ? [`TOO FULL: ${plan.tooFull.join(", ")}`] : []),
  ]);
  return plan.tooFull.length === 0 ? 0 : 1;
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

function share(given: string): number {
  const value = Number(given);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("a number from 0 to 1");
  return value;
}
