import { databaseNow } from "../../db/overview.ts";
import { openRedis } from "../../queue/redis.ts";
import { sleep } from "../../runtime/sleep.ts";
import { dueNow, parsedAgain } from "../due-work.ts";
import { startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { atLeast, atMost, exactly, figure, type Scenario } from "../scenario.ts";
import { busyWorker, spread } from "../victims.ts";

const BACK_WITHIN_MS = 60_000;
/** Flushes come so far apart at least, so that each meets work under way. */
const BETWEEN_MS = [200, 2_000] as const;

export const redisFlushed: Scenario = {
  number: 5,
  fault: "FLUSHALL in mid-run",
  passesWhen: "all due work back within 60 s, exact, 0 keys killed",
  kills: 10,
  provenWithout: [],

  async run(stage) {
    const fleet = await startFleet(stage, {
      ...{ users: 16, channels: 10, postsPerMinute: 240, answerMs: [20, 120], workers: 2 },
    });
    const redis = openRedis(fleet.config.redisUrl ?? "", "worker");
    stage.lifecycle.own("Redis of the harness", redis, (opened) => opened.disconnect());
    const back: (number | null)[] = [];
    let lost = 0;
    while (back.length < stage.kills) {
      await sleep(stage.random.int(...BETWEEN_MS), stage.signal);
      await busyWorker(stage, fleet);
      const at = await fleet.database.asWorker(databaseNow);
      const due = await dueNow(fleet, at);
      const keys = await redis.dbsize();
      await redis.flushall();
      lost += keys;
      back.push(await parsedAgain(stage, fleet, { due, after: at, withinMs: BACK_WITHIN_MS }));
      stage.progress(`flushed ${back.length} of ${stage.kills}: ${due.size} users were due or in flight`);
    }
    const times = spread(back.flatMap((each) => each ?? []));
    return [
      atLeast("flushes", back.length, stage.kills),
      figure("keys lost", lost),
      exactly("flushes with work not back", back.filter((each) => each === null).length, 0),
      figure("back after, median ms", Math.round(times.median)),
      atMost("back after, most ms", Math.round(times.most), BACK_WITHIN_MS),
      ...(await judge(stage, fleet)),
    ];
  },
};
