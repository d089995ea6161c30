import { sleep } from "../../runtime/sleep.ts";
import { watchConnections } from "../connections.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { keepDue } from "../keep-due.ts";
import { watchMemory } from "../memory.ts";
import { mutateFrames } from "../mutations.ts";
import { atLeast, atMost, exactly, figure, type Scenario } from "../scenario.ts";
import { until } from "../until.ts";
import { spread } from "../victims.ts";

/** What the workers need without any mutation is seen for so long first, under the same load. */
const WARM_UP_MS = 60_000;
/** A heap that may be large grows for minutes under a load, whatever comes: held small, what is more is the frames'. */
const HEAP = "--max-old-space-size=96";
const WITHIN_MS = 1_800_000;
const MEMORY_UP_MIB = 100;
/** A frame that says to be longer than it is is waited for until its call's deadline. */
const CLOSED_WITHIN_MS = 15_000;

export const framesMutated: Scenario = {
  number: 13,
  fault: "mutated frames from the data center, wrong lengths, gzip bombs",
  passesWhen: "no process ends, memory up by less than 100 MB, only that connection closed, exact",
  kills: 10_000,
  provenWithout: [],

  async run(stage) {
    const spared = (accountId: bigint) => accountId % 4n === 0n;
    let mutating = false;
    const { faults, frames, stop } = mutateFrames(stage.random, (accountId) => !mutating || spared(accountId));
    const fleet = await startFleet(stage, {
      ...{ users: 40, channels: 10, postsPerMinute: 240, answerMs: [1, 5], workers: 2 },
      ...{ dataCenterFaults: faults, forNode: () => [HEAP] },
    });
    const connections = watchConnections(stage, fleet);
    const rest = keepDue(stage, fleet);
    const memory = watchMemory(
      stage,
      fleet.workers.map((worker) => worker.child.pid),
    );
    await sleep(WARM_UP_MS, stage.signal);
    const before = memory.peaks();
    mutating = true;
    await until(
      () => {
        stage.progress(`mutated ${frames.length} of ${stage.kills}, ${memory.now().join(" and ")} MiB`);
        return frames.length >= stage.kills || ended(fleet) > 0;
      },
      { withinMs: WITHIN_MS, everyMs: 2_000, signal: stage.signal },
    );
    const during = memory.peaks();
    stop();
    rest();
    const judged = await judge(stage, fleet);
    const closedAt = new Map(connections.all().flatMap((of) => of.map((each) => [each.connectionId, each.closedAt])));
    const closed = spread(frames.map(({ connectionId, at }) => (closedAt.get(connectionId) ?? Date.now()) - at));
    const up = during.map((peak, at) => Math.round(peak - (before[at] ?? 0)));
    return [
      atLeast("mutated frames", frames.length, stage.kills),
      figure("kinds", new Set(frames.map(({ kind }) => kind)).size),
      exactly("processes ended", ended(fleet), 0),
      figure("memory before, most MiB", Math.round(Math.max(...before))),
      atMost("memory up, most MiB", Math.max(...up), MEMORY_UP_MIB),
      figure("closed after, median ms", closed.median),
      atMost("closed after, most ms", closed.most, CLOSED_WITHIN_MS),
      exactly("failed runs of those without", await failedRuns(fleet, spared), 0),
      // A mutated frame fails the job that meets it, and the next one goes on where it stopped.
      ...judged.map((check) => (check.name === "jobs failed" ? figure(check.name, check.value) : check)),
    ];
  },
};

const ended = (fleet: Fleet): number => fleet.workers.filter((worker) => worker.ended).length;

/** Of accounts none of whose frames was mutated, in the same processes at the same time. */
async function failedRuns(fleet: Fleet, spared: (accountId: bigint) => boolean): Promise<number> {
  const rows = await fleet.database.asWorker((tx) =>
    tx
      .selectFrom("runs")
      .innerJoin("users", "users.id", "runs.user_id")
      .select("users.telegram_id")
      .where("runs.outcome", "=", "failed")
      .execute(),
  );
  return rows.filter((row) => spared(row.telegram_id)).length;
}
