import { runTotals } from "../../db/runs.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import type { WorkerProcess } from "../processes.ts";
import { atLeast, exactly, figure, type Scenario, type Stage } from "../scenario.ts";
import { until } from "../until.ts";

const DIES_WITHIN_MS = 60_000;
/** They die at the latest at so many commits, or ends of jobs. */
const PASSES = 4;
/** Dying at once, so that a hundred deaths take minutes. */
const VICTIMS = 2;

export const killedBeforeAcknowledgement: Scenario = {
  number: 4,
  fault: "killed between commit and acknowledgement",
  passesWhen: "no row more, no cursor back",
  kills: 100,
  provenWithout: [],

  async run(stage) {
    const fleet = await startFleet(stage, {
      ...{ users: 12, channels: 10, postsPerMinute: 300, answerMs: [5, 30], workers: 1 },
    });
    let begun = 0;
    let killed = 0;
    const lane = async () => {
      while (begun < stage.kills) {
        begun += 1;
        const victim = await fleet.addWorker({ FAULTS_FAILPOINT: failpoint(stage) });
        if (await diesByItself(stage, victim)) killed += 1;
        await fleet.stop(victim);
        stage.progress(`killed ${killed} of ${stage.kills}`);
      }
    };
    await Promise.all(Array.from({ length: VICTIMS }, lane));
    return [
      atLeast("killed", killed, stage.kills),
      ...(await judge(stage, fleet)),
      figure("runs", await runsOf(fleet)),
      exactly("leases of the dead", await leasesOfTheDead(fleet), 0),
    ];
  },
};

/** After a page's commit and before the next one, or after all of a job's commits and before Redis knows. */
function failpoint({ random }: Stage): string {
  return `${random.pick(["committed", "acknowledging"])}@${random.int(1, PASSES)}=kill`;
}

const diesByItself = (stage: Stage, victim: WorkerProcess) =>
  until(() => victim.ended, { withinMs: DIES_WITHIN_MS, signal: stage.signal });

async function runsOf(fleet: Fleet): Promise<number> {
  const { parses } = await fleet.database.asWorker((tx) => runTotals(tx, new Date(0)));
  return parses;
}

/** Users go on being parsed: leases of the living are none of this. */
async function leasesOfTheDead(fleet: Fleet): Promise<number> {
  const living = new Set(fleet.workers.map((worker) => worker.holder));
  return (await fleet.leases()).filter((row) => !living.has(row.holder)).length;
}
