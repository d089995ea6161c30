import { sleep } from "../../runtime/sleep.ts";
import { PACE } from "../emulated.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { atLeast, type Check, exactly, figure, type Scenario, type Stage } from "../scenario.ts";
import { until } from "../until.ts";

/** Two of the longest plan intervals at this pace: everybody is parsed in it, with floods or without. */
const WINDOW_MS = 24_000;
const KEPT = 0.95;
const SIZE = { users: 24, channels: 8, postsPerMinute: 120, answerMs: [10, 40], workers: 3 } as const;

type Accounts = Fleet["emulator"]["accounts"];

export const accountsFlooded: Scenario = {
  number: 10,
  fault: "FLOOD_WAIT of 5 to 3,600 s: half of the accounts (account), all of one API ID (auto)",
  passesWhen: "no early call, and the others keep 95% of their jobs",
  kills: 1,
  provenWithout: [],

  async run(stage) {
    const half = await halfFlooded(stage);
    // A database of its own, and a lifecycle that ends with the scenario's.
    const whole = await apiIdFlooded({ ...stage, scenario: stage.scenario * 10 + 1 });
    return [
      ...half.map((check) => ({ ...check, name: `account: ${check.name}` })),
      ...whole.map((check) => ({ ...check, name: `auto: ${check.name}` })),
    ];
  },
};

/** FLOOD_SCOPE=account: every account of one half is told to wait again and again, each time for another while. */
async function halfFlooded(stage: Stage): Promise<Check[]> {
  const fleet = await startFleet(stage, { ...SIZE, env: { FLOOD_SCOPE: "account" } });
  const { accounts, floods } = fleet.emulator;
  // Every other account is premium: both kinds are in both halves.
  const flooded = accounts.filter((_, index) => index % 4 < 2);
  const others = accounts.filter((account) => !flooded.includes(account));
  await settled(stage, fleet, accounts);
  const before = await runsWithin(stage, fleet, others);
  stage.progress(`without floods: ${before} jobs of the others`);
  const windowEnds = performance.now() + WINDOW_MS;
  const floodAgain = async () => {
    while (performance.now() < windowEnds && !stage.signal.aborted) {
      for (const { telegramId } of flooded)
        if (stage.random.chance(0.3))
          floods.forceFlood({
            accountIds: [telegramId],
            seconds: Math.max(1, Math.ceil(stage.random.int(5, 3_600) / PACE)),
          });
      await sleep(1_000, stage.signal);
    }
  };
  const [during] = await Promise.all([runsWithin(stage, fleet, others), floodAgain()]);
  const { waits, earlyCalls } = fleet.emulator.summary();
  return [
    atLeast("waits handed out", waits, flooded.length),
    exactly("calls refused as early", earlyCalls, 0),
    figure("the others' jobs without floods", before),
    atLeast("the others' jobs with floods", during, Math.ceil(before * KEPT)),
    ...(await judge(stage, fleet)),
  ];
}

/** FLOOD_SCOPE=auto: all accounts of one API ID. That one account probes is held by `floods-spread.test.ts`. */
async function apiIdFlooded(stage: Stage): Promise<Check[]> {
  const fleet = await startFleet(stage, { ...SIZE, env: { FLOOD_SCOPE: "auto" } });
  const { accounts, floods } = fleet.emulator;
  const apiId = accounts[0]?.apiId ?? 0;
  const others = accounts.filter((account) => account.apiId !== apiId);
  await settled(stage, fleet, accounts);
  const before = await runsWithin(stage, fleet, others);
  floods.forceFlood({ apiId, seconds: WINDOW_MS / 1_000 });
  const during = await runsWithin(stage, fleet, others);
  const { waits, earlyCalls } = fleet.emulator.summary();
  return [
    atLeast("waits handed out", waits, 3),
    exactly("calls refused as early", earlyCalls, 0),
    figure("the others' jobs without floods", before),
    atLeast("the others' jobs with floods", during, Math.ceil(before * KEPT)),
  ];
}

/** Everybody is parsed once: the first parses read whole histories. */
async function settled(stage: Stage, fleet: Fleet, accounts: Accounts): Promise<void> {
  const done = await until(async () => (await runs(fleet, accounts, new Date(0))).users === accounts.length, {
    ...{ withinMs: 120_000, everyMs: 200, signal: stage.signal },
  });
  if (done === null) throw new Error("not everybody was parsed");
}

/** Runs of these accounts that are done, in a window from now on. */
async function runsWithin(stage: Stage, fleet: Fleet, accounts: Accounts): Promise<number> {
  const since = new Date();
  await sleep(WINDOW_MS, stage.signal);
  return (await runs(fleet, accounts, since)).runs;
}

async function runs(fleet: Fleet, accounts: Accounts, since: Date): Promise<{ runs: number; users: number }> {
  const ids = accounts.map(({ telegramId }) => telegramId);
  const rows = await fleet.database.once((tx) =>
    tx
      .selectFrom("runs")
      .innerJoin("users", "users.id", "runs.user_id")
      .select("users.telegram_id")
      .where("users.telegram_id", "in", ids)
      .where("runs.outcome", "=", "done")
      .where("runs.finished_at", ">=", since)
      .execute(),
  );
  return { runs: rows.length, users: new Set(rows.map((row) => row.telegram_id)).size };
}
