import { databaseNow } from "../../db/overview.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { sleep } from "../../runtime/sleep.ts";
import { watchAcknowledgements } from "../acknowledgements.ts";
import { dueNow, parsedAgain } from "../due-work.ts";
import { countExits } from "../exits.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { startOwnPostgres } from "../own-servers.ts";
import { atLeast, atMost, exactly, figure, type Scenario } from "../scenario.ts";
import { busyWorker, spread } from "../victims.ts";

const BACK_WITHIN_MS = 15_000;
const BETWEEN_MS = [200, 2_000] as const;
/** Restarts, shorter and longer than a lease. */
const RESTART_MS = [0, 6_000] as const;
/** The last time: not divided, since neither the patience of connections nor of loops is. */
const AWAY_MS = 60_000;
/** What a worker that stands by tries: the heartbeat, the check, the watch of leases and their release. */
const CONNECTIONS_A_SECOND = 20;
/** In order, and as a crash, after which PostgreSQL recovers from its log. */
const SIGNALS = ["SIGINT", "SIGQUIT"] as const;

export const postgresRestarted: Scenario = {
  number: 7,
  fault: "PostgreSQL restarted in order and crashed in turn, and away for 60 s at last",
  passesWhen: "nothing acknowledged without a commit, all due work back within 15 s, exact",
  kills: 10,
  provenWithout: [],

  async run(noisy) {
    // The harness loses its own connections, too.
    const stage = { ...noisy, ground: { ...noisy.ground, log: silentLog } };
    const postgres = await startOwnPostgres(stage);
    const fleet = await startFleet(stage, {
      ...{ users: 12, channels: 10, postsPerMinute: 120, answerMs: [20, 120], workers: 2 },
      env: { DATABASE_URL: postgres.url },
    });
    const redis = openRedis(fleet.config.redisUrl ?? "", "worker");
    stage.lifecycle.own("Redis of the harness", redis, (opened) => opened.disconnect());
    const acknowledgements = watchAcknowledgements(stage, fleet, redis);
    const exits = countExits(fleet);
    const back: (number | null)[] = [];
    let triedASecond = 0;
    for (let each = 0; each <= stage.kills; each += 1) {
      await sleep(stage.random.int(...BETWEEN_MS), stage.signal);
      await busyWorker(stage, fleet);
      const signal = SIGNALS[each % SIGNALS.length] ?? "SIGQUIT";
      const awayMs = each === stage.kills ? AWAY_MS : stage.random.int(...RESTART_MS);
      const before = connections(fleet);
      await postgres.end(signal);
      await sleep(awayMs, stage.signal);
      if (awayMs === AWAY_MS) {
        const begun = connections(fleet).map((count, at) => count - (before[at] ?? 0));
        triedASecond = Math.max(...begun) / (AWAY_MS / 1_000);
      }
      await postgres.start();
      const after = await fleet.database.asWorker(databaseNow);
      const due = await dueNow(fleet, after);
      const took = await parsedAgain(stage, fleet, { due, after, withinMs: BACK_WITHIN_MS });
      back.push(took);
      stage.progress(
        `${each + 1} of ${stage.kills + 1}: ${signal}, away ${awayMs} ms: ` +
          `${due.size} users back after ${took === null ? "too long" : `${Math.round(took)} ms`}`,
      );
    }
    const times = spread(back.flatMap((each) => each ?? []));
    const judged = await judge(stage, fleet);
    const acknowledged = await acknowledgements.judge();
    return [
      atLeast("times away", back.length, stage.kills + 1),
      exactly("processes that ended", exits(), 0),
      atLeast("parses acknowledged", acknowledged.count, 1),
      exactly("acknowledged without a commit", acknowledged.withoutCommit, 0),
      exactly("times with work not back", back.filter((each) => each === null).length, 0),
      figure("back after, median ms", Math.round(times.median)),
      atMost("back after, most ms", Math.round(times.most), BACK_WITHIN_MS),
      atMost("connections a worker tried a second while away", Math.round(triedASecond), CONNECTIONS_A_SECOND),
      ...judged,
    ];
  },
};

/** How many connections to PostgreSQL each worker has begun. */
const connections = ({ workers }: Fleet): number[] => workers.map((worker) => worker.postgres.connections.length);
