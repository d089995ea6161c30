import { mostAtOnce, mostInASecond, watchConnections } from "../connections.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { keepDue } from "../keep-due.ts";
import { atLeast, exactly, figure, type Scenario, type Stage } from "../scenario.ts";
import { until } from "../until.ts";

/** Cuts come where a connection's first to its 2^17th byte is: as many in the first frames as in long answers. */
const HIGHEST_POWER = 17;
const CUT_WITHIN_MS = 1_200_000;

export const connectionsCut: Scenario = {
  number: 8,
  fault: "the data center cuts connections at random bytes, either way",
  passesWhen: "exact, no process ends (an unhandled rejection ends one), one connection at a time per session",
  kills: 1_000,
  provenWithout: ["lease"],

  async run(stage) {
    const { cuts, faults, stop } = cutting(stage);
    const fleet = await startFleet(stage, {
      ...{ users: 24, channels: 12, postsPerMinute: 240, answerMs: [2, 20], workers: 2 },
      dataCenterFaults: faults,
    });
    const connections = watchConnections(stage, fleet);
    const rest = keepDue(stage, fleet);
    await until(
      () => {
        stage.progress(`cut ${cuts.size} of ${stage.kills}`);
        return cuts.size >= stage.kills || ended(fleet) > 0;
      },
      { withinMs: CUT_WITHIN_MS, everyMs: 2_000, signal: stage.signal },
    );
    stop();
    rest();
    const judged = await judge(stage, fleet);
    const seen = connections.all();
    return [
      atLeast("cuts", cuts.size, stage.kills),
      exactly("processes ended", ended(fleet), 0),
      exactly("connections of a session at once", Math.max(...seen.map(mostAtOnce)), 1),
      figure("connections", fleet.emulator.summary().connectionsTotal),
      figure("of a session within a second, most", Math.max(...seen.map(mostInASecond))),
      // A cut fails the job that meets it, and the next one goes on where it stopped.
      ...judged.map((check) => (check.name === "jobs failed" ? figure(check.name, check.value) : check)),
    ];
  },
};

/** Nearly every connection is cut; the rest gets through, as over a network that is bad. */
function cutting({ random }: Pick<Stage, "random">) {
  const cuts = new Set<number>();
  let on = true;
  return {
    cuts,
    stop: () => {
      on = false;
    },
    faults: {
      cutAfterBytes: () => {
        if (!on || random.chance(0.2)) return undefined;
        const bytes = random.int(1, 2 ** random.int(1, HIGHEST_POWER));
        return random.chance(0.5) ? { received: bytes } : { sent: bytes };
      },
      onCut: (connectionId: number) => void cuts.add(connectionId),
    },
  };
}

const ended = (fleet: Fleet): number => fleet.workers.filter((worker) => worker.ended).length;
