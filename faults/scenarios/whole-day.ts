import { sleep } from "../../runtime/sleep.ts";
import { countExits } from "../exits.ts";
import { startFleet } from "../fleet.ts";
import { growth, probeHeaps, type Sample } from "../growth.ts";
import { judge } from "../judge.ts";
import { atMost, exactly, figure, type Scenario } from "../scenario.ts";

/** A minute of ours is an hour of theirs. */
const PACE = 60;
const MINUTE_MS = 60_000;
const CHANNELS = 100;
/** 54 posts a day in each channel. */
const POSTS_PER_MINUTE = (CHANNELS * 54 * PACE) / (24 * 60);
const PROBES_A_MINUTE = 6;
const MOST_HEAP = 1.05;
const MOST_RESIDENT = 1.1;
/** Connections come and go: a mean is never the same twice. */
const MOST_HANDLES = 1.1;

export const wholeDay: Scenario = {
  number: 15,
  fault: `hours of operation at pace ${PACE}, 500 users, minutes of ours`,
  passesWhen: "heap after collection, last quarter to second, ≤ 1.05, RSS ≤ 1.10, no handle leaks, exact",
  kills: 24,
  byHand: true,
  provenWithout: [],

  async run(stage) {
    const probes = probeHeaps(stage.ground.dir, MINUTE_MS / PROBES_A_MINUTE);
    const fleet = await startFleet(stage, {
      ...{ users: 500, channels: CHANNELS, postsPerMinute: POSTS_PER_MINUTE, answerMs: [1, 5], workers: 2 },
      ...{ pace: PACE, forNode: probes.forNode, env: { TIMES_DIVISOR: "1" } },
    });
    const exits = countExits(fleet);
    for (let minute = 1; minute <= stage.kills; minute += 1) {
      await sleep(MINUTE_MS, stage.signal);
      const now = [...probes.samples()].map(([name, samples]) => `${name} ${mebibytes(samples.at(-1))}`);
      stage.progress(`${minute} of ${stage.kills}, MiB after collection: ${now.join(", ")}`);
    }
    const samples = [...probes.samples()];
    const most = (of: (sample: Sample) => number) => {
      const grown = samples.map(([, each]) => growth(each.map(of)));
      return Math.round(Math.max(...grown) * 1_000) / 1_000;
    };
    const checks = [
      exactly("processes that ended", exits(), 0),
      figure("processes probed", samples.length),
      figure("samples of each", Math.min(...samples.map(([, each]) => each.length))),
      atMost(
        "heap, last quarter to second",
        most(({ heapUsed }) => heapUsed),
        MOST_HEAP,
      ),
      atMost(
        "resident, last quarter to second",
        most(({ rss }) => rss),
        MOST_RESIDENT,
      ),
      atMost(
        "handles, last quarter to second",
        most(({ handles }) => handles),
        MOST_HANDLES,
      ),
    ];
    return [...checks, ...(await judge(stage, fleet))];
  },
};

const mebibytes = (sample: Sample | undefined): string =>
  sample ? String(Math.round(sample.heapUsed / 1_048_576)) : "?";
