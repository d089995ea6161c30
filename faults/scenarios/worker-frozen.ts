import { sleep } from "../../runtime/sleep.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { isFrozen, type WorkerProcess } from "../processes.ts";
import { atLeast, type Check, exactly, type Scenario, type Stage } from "../scenario.ts";
import { until } from "../until.ts";
import { busyWorker, heldBy } from "../victims.ts";

const FROZEN_WITHIN_MS = 30_000;
const TAKEN_WITHIN_MS = 30_000;
/** How long a thawed process is listened to: its pings come every half second. */
const LISTEN_MS = 1_500;
/** At the latest at so many transactions does one freeze between its last statement and its commit. */
const TRANSACTIONS = 6;

interface Thawed {
  readonly takenOver: number;
  readonly frames: number;
  readonly commits: number;
}

export const workerFrozen: Scenario = {
  number: 3,
  fault: "SIGSTOP for 3 lease times, another takes over, SIGCONT",
  passesWhen: "the thawed one sends 0 bytes under its old lease (pings included) and commits 0 transactions",
  kills: 20,
  provenWithout: ["fence", "gate"],

  async run(stage) {
    const fleet = await startFleet(stage, {
      ...{ users: 12, channels: 10, postsPerMinute: 240, answerMs: [20, 120], workers: 2 },
    });
    const thawed: Thawed[] = [];
    // Every other one is frozen within a transaction: the hardest moment.
    while (thawed.length < stage.kills) {
      const left = stage.kills - thawed.length;
      const round = [freezeInTransaction, freezeAnywhere]
        .slice(0, left)
        .map((freeze) => freezeOne(stage, fleet, freeze));
      thawed.push(...(await Promise.all(round)));
      stage.progress(`frozen and thawed: ${thawed.length} of ${stage.kills}`);
    }
    const sum = (of: (each: Thawed) => number) => thawed.reduce((total, each) => total + of(each), 0);
    return [
      atLeast("thawed", thawed.length, stage.kills),
      atLeast("with an account taken over", thawed.filter((each) => each.takenOver > 0).length, stage.kills),
      exactly(
        "bytes sent after the thaw",
        sum(({ frames }) => frames),
        0,
      ),
      exactly(
        "commits after the thaw",
        sum(({ commits }) => commits),
        0,
      ),
      ...(await judge(stage, fleet)),
    ] satisfies Check[];
  },
};

async function freezeOne(
  stage: Stage,
  fleet: Fleet,
  freeze: (stage: Stage, fleet: Fleet) => Promise<WorkerProcess>,
): Promise<Thawed> {
  const victim = await freeze(stage, fleet);
  const frozenAt = await fleet.commits.now();
  const held = heldBy(await fleet.leases(), victim).map((row) => row.token);
  let taken = 0;
  await Promise.all([
    sleep(fleet.config.limits.leaseMs * 3, stage.signal),
    until(
      async () => {
        const living = new Set((await fleet.leases()).map((row) => row.token));
        taken = held.filter((token) => !living.has(token)).length;
        return taken === held.length;
      },
      { withinMs: TAKEN_WITHIN_MS, everyMs: 50, signal: stage.signal },
    ),
  ]);
  const open = victim.telegram.flatMap((relay) => relay.connections.filter((connection) => !connection.closed));
  const before = open.map((connection) => connection.sent);
  const thawedAt = await fleet.commits.now();
  victim.signal("SIGCONT");
  await sleep(LISTEN_MS, stage.signal);
  const frames = open.reduce((sum, connection, index) => sum + connection.sent - before[index]!, 0);
  const commits = (await fleet.commits.across(victim.name, frozenAt, thawedAt)).length;
  await fleet.stop(victim);
  return { takenOver: taken, frames, commits };
}

/** Stands still between a transaction's last statement and its commit. */
async function freezeInTransaction(stage: Stage, fleet: Fleet): Promise<WorkerProcess> {
  const failpoint = `committing@${stage.random.int(1, TRANSACTIONS)}=stop`;
  const victim = await fleet.addWorker({ FAULTS_FAILPOINT: failpoint });
  const frozen = await until(() => isFrozen(victim.child.pid), { withinMs: FROZEN_WITHIN_MS, signal: stage.signal });
  if (!frozen) throw new Error(`${victim.name} did not come to its transaction`);
  return victim;
}

/** Stands still wherever it happens to be in a job. */
async function freezeAnywhere(stage: Stage, fleet: Fleet): Promise<WorkerProcess> {
  const victim = await fleet.addWorker();
  for (;;) {
    await busyWorker(stage, fleet, [victim]);
    victim.signal("SIGSTOP");
    if (heldBy(await fleet.leases(), victim).length > 0) return victim;
    victim.signal("SIGCONT");
  }
}
