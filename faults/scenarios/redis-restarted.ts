import { databaseNow } from "../../db/overview.ts";
import { sleep } from "../../runtime/sleep.ts";
import { dueNow, parsedAgain } from "../due-work.ts";
import { countExits } from "../exits.ts";
import { startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { type Memory, startOwnRedis } from "../own-servers.ts";
import { atLeast, atMost, exactly, figure, type Scenario } from "../scenario.ts";
import { busyWorker, spread } from "../victims.ts";

const BACK_WITHIN_MS = 30_000;
const BETWEEN_MS = [200, 2_000] as const;
/** Shorter than a job's lock, and longer. */
const AWAY_MS = [0, 6_000] as const;
const SIGNALS = ["SIGTERM", "SIGKILL"] as const;
/** One that ends in order has written everything. */
const MEMORIES = {
  SIGTERM: ["all", "nothing"],
  SIGKILL: ["all", "all but the last", "nothing"],
} satisfies Record<(typeof SIGNALS)[number], readonly Memory[]>;

export const redisRestarted: Scenario = {
  number: 6,
  fault: "Redis restarted, and killed, in turn",
  passesWhen: "no process exits, all due work back within 30 s, exact",
  kills: 20,
  provenWithout: [],

  async run(stage) {
    const redis = await startOwnRedis(stage);
    const fleet = await startFleet(stage, {
      ...{ users: 16, channels: 10, postsPerMinute: 240, answerMs: [20, 120], workers: 2 },
      env: { REDIS_URL: redis.url },
    });
    const exits = countExits(fleet);
    const back: (number | null)[] = [];
    for (let each = 0; each < stage.kills; each += 1) {
      await sleep(stage.random.int(...BETWEEN_MS), stage.signal);
      await busyWorker(stage, fleet);
      const signal = SIGNALS[each % SIGNALS.length] ?? "SIGKILL";
      const memory = stage.random.pick<Memory>(MEMORIES[signal]);
      const awayMs = stage.random.int(...AWAY_MS);
      await redis.end(signal);
      await sleep(awayMs, stage.signal);
      redis.remember(memory);
      const due = await dueNow(fleet, await fleet.database.asWorker(databaseNow));
      await redis.start();
      const after = await fleet.database.asWorker(databaseNow);
      const took = await parsedAgain(stage, fleet, { due, after, withinMs: BACK_WITHIN_MS });
      back.push(took);
      stage.progress(
        `${each + 1} of ${stage.kills}: ${signal}, away ${awayMs} ms, remembers ${memory}: ` +
          `${due.size} users back after ${took === null ? "too long" : `${Math.round(took)} ms`}`,
      );
    }
    const times = spread(back.flatMap((each) => each ?? []));
    return [
      atLeast("restarts and kills", back.length, stage.kills),
      exactly("processes that ended", exits(), 0),
      exactly("times with work not back", back.filter((each) => each === null).length, 0),
      figure("back after, median ms", Math.round(times.median)),
      atMost("back after, most ms", Math.round(times.most), BACK_WITHIN_MS),
      ...(await judge(stage, fleet)),
      exactly("processes that ended by the end", exits(), 0),
    ];
  },
};
