import { readFile } from "node:fs/promises";
import { DEFAULT_TENANT } from "../../cli/context.ts";
import { makeDue } from "../../db/schedules.ts";
import { listSessions } from "../../db/sessions.ts";
import type { Faults } from "../../emulator/dc/faults.ts";
import { sleep } from "../../runtime/sleep.ts";
import { PACE } from "../emulated.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { type ArrivedCall, pauseSeen } from "../pause-calls.ts";
import { atLeast, atMost, type Check, exactly, figure, type Scenario, type Stage } from "../scenario.ts";
import { until } from "../until.ts";

/** Three of the longest plan intervals at this pace: a parse more or less at its ends is no twentieth of all. */
const WINDOW_MS = 36_000;
const KEPT = 0.95;
/** Every job begins with it: while it is paused nothing is called. */
const OPENING = "users.GetUsers";
const FLOOD_SECONDS = 8;
/** So many accounts, and half of those that call the method, make it the API ID's flood. */
const FLOODS = 3;
/** Longer than any pause of the first flood. */
const PROBED_SECONDS = 20;
/** A paused API ID is called by nobody from here on, in any process. */
const QUIET_FROM_MS = 2_000;
const PROBE_TAKES_MS = 500;
const SIZE = { users: 24, channels: 8, postsPerMinute: 120, answerMs: [10, 40], workers: 3 } as const;

type Accounts = Fleet["emulator"]["accounts"];

export const accountsFlooded: Scenario = {
  number: 10,
  fault: "FLOOD_WAIT of 5 to 3,600 s: half of the accounts (account), all of one API ID (auto)",
  passesWhen: "no early call, the others keep 95% of their jobs, the API ID pauses within 2 s and one account probes",
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
  const without = (before + (await runsWithin(stage, fleet, others))) / 2;
  const { waits, earlyCalls } = fleet.emulator.summary();
  return [
    atLeast("waits handed out", waits, flooded.length),
    exactly("calls refused as early", earlyCalls, 0),
    figure("the others' jobs without floods", without),
    atLeast("the others' jobs with floods", during, Math.ceil(without * KEPT)),
    ...(await judge(stage, fleet)),
  ];
}

/** FLOOD_SCOPE=auto: all accounts of one API ID, for long enough that the first probe meets it too. */
async function apiIdFlooded(stage: Stage): Promise<Check[]> {
  const log = createArrivals();
  const fleet = await startFleet(stage, {
    ...{ ...SIZE, users: 18, env: { FLOOD_SCOPE: "auto" }, dataCenterFaults: log.faults },
  });
  const { accounts, floods, witness } = fleet.emulator;
  const apiId = smallApiId(accounts);
  const others = accounts.filter((account) => account.apiId !== apiId);
  await settled(stage, fleet, accounts);
  const before = await runsWithin(stage, fleet, others);
  const processes = await callingWith(fleet, apiId);
  const since = Date.now();
  log.watch(apiId);
  const calls = () => [
    ...log.arrived,
    ...witness
      .calls({ since })
      .filter((call) => call.apiId === apiId && call.waitSeconds !== null)
      .map((call) => ({ ...call, answeredAt: call.at })),
  ];
  const users = await usersOf(fleet, apiId);
  floods.forceFlood({ apiId, seconds: FLOOD_SECONDS });
  await makeUsersDue(fleet, users.slice(0, FLOODS));
  const probing = async () => {
    const told = () => calls().filter(({ method, waitSeconds }) => method === OPENING && waitSeconds !== null);
    await until(() => told().length >= FLOODS, { withinMs: WINDOW_MS, signal: stage.signal });
    const third = told()[FLOODS - 1]?.at ?? since;
    const goesOn = floods.forceFlood({ apiId, seconds: PROBED_SECONDS });
    // Those that were told nothing yet: the pause alone holds them.
    await sleep(third + QUIET_FROM_MS - Date.now(), stage.signal);
    await makeUsersDue(fleet, users.slice(FLOODS));
    // Whoever is flooded a second later than the third one was tries the method after its pause.
    await until(() => told().some(({ at }) => at > third + QUIET_FROM_MS), {
      ...{ withinMs: WINDOW_MS, signal: stage.signal },
    });
    goesOn();
    return until(() => pauseSeen(calls(), OPENING), { withinMs: WINDOW_MS, everyMs: 50, signal: stage.signal });
  };
  const [during, seen] = await Promise.all([runsWithin(stage, fleet, others), probing()]);
  if (!seen) throw new Error("the pause did not end");
  const without = (before + (await runsWithin(stage, fleet, others))) / 2;
  const { waits, earlyCalls } = fleet.emulator.summary();
  return [
    atLeast("waits handed out", waits, FLOODS + 1),
    exactly("processes that called with the API ID", processes, fleet.workers.length),
    atLeast("pause, ms", seen.pauseMs, 2 * QUIET_FROM_MS),
    atMost("last call after the third flood, ms", Math.round(seen.lastCallMs), QUIET_FROM_MS),
    exactly("probes flooded, then one let through", seen.probes.length, 2),
    exactly("probes early by, ms", Math.round(seen.earlyMs), 0),
    exactly("accounts that called beside the probes", seen.besides, 0),
    exactly("calls refused as early", earlyCalls, 0),
    figure("the others' jobs without floods", without),
    atLeast("the others' jobs with floods", during, Math.ceil(without * KEPT)),
    ...(await judge(stage, fleet)),
  ];
}

/** Of those with so few accounts that three are half of them, the API ID with the most: the third flood pauses it. */
function smallApiId(accounts: Accounts): number {
  const counts = new Map<number, number>();
  for (const { apiId } of accounts) counts.set(apiId, (counts.get(apiId) ?? 0) + 1);
  const small = [...counts].filter(([, count]) => count <= 2 * FLOODS).sort((a, b) => b[1] - a[1])[0];
  if (!small || small[1] < FLOODS) throw new Error("no API ID has three to six accounts: take another seed");
  return small[0];
}

/** The calls of one API ID as they arrive. The answer to whoever probes is slow, so that others could come meanwhile. */
function createArrivals() {
  const arrived: ArrivedCall[] = [];
  let watched = 0;
  const faults: Faults = {
    async beforeAnswer({ className: method }, { apiId, now: at, key }) {
      if (apiId !== watched) return undefined;
      const call = { at, accountId: key.accountId, method, waitSeconds: null, answeredAt: Number.POSITIVE_INFINITY };
      arrived.push(call);
      if (method === OPENING) await sleep(PROBE_TAKES_MS);
      call.answeredAt = Date.now();
      return undefined;
    },
  };
  return {
    faults,
    arrived: arrived as readonly ArrivedCall[],
    watch(apiId: number) {
      watched = apiId;
    },
  };
}

async function usersOf({ database }: Fleet, apiId: number): Promise<bigint[]> {
  const sessions = await database.inTenant(DEFAULT_TENANT, (tx) => listSessions(tx));
  return sessions.filter((session) => session.apiId === apiId).map(({ userId }) => userId);
}

/** All of them at once: in every process. */
const makeUsersDue = ({ database }: Fleet, users: readonly bigint[]) => database.asWorker((tx) => makeDue(tx, users));

/** How many workers have made calls with an API ID: it is in the log of each. */
async function callingWith(fleet: Fleet, apiId: number): Promise<number> {
  const logs = await Promise.all(fleet.workers.map(({ child }) => readFile(child.logFile, "utf8")));
  return logs.filter((text) => text.includes(`"api_id":${apiId},`)).length;
}

/** Everybody is parsed once: the first parses read whole histories. */
async function settled(stage: Stage, fleet: Fleet, accounts: Accounts): Promise<void> {
  const done = await until(async () => (await runs(fleet, accounts, new Date(0))).users === accounts.length, {
    ...{ withinMs: 120_000, everyMs: 200, signal: stage.signal },
  });
  if (done === null) throw new Error("not everybody was parsed");
}

/**
 * Runs of these accounts that are done, in a window from now on. Windows without floods are taken before and after the
 * one with them: a machine that does other things besides is not equally fast all the time.
 */
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
