import { sql } from "kysely";
import { sleep } from "../../runtime/sleep.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { callsDuring, flood, verify, writtenWaits } from "../flooded-accounts.ts";
import { judge } from "../judge.ts";
import type { WorkerProcess } from "../processes.ts";
import { atLeast, atMost, exactly, figure, type Scenario } from "../scenario.ts";
import { openDatabaseClock, openProcessClock, type SetClock } from "../set-clocks.ts";
import { busyWorker, heldBy, spread, watchOrphans } from "../victims.ts";

const WORKERS = 3;
const MINUTE_MS = 60_000;
const JUMPS_MS = [60 * MINUTE_MS, -60 * MINUTE_MS, -5 * MINUTE_MS] as const;
/** Whose clock, in turn; each of them jumps by each of the above. */
const WHOSE = ["one worker's", "every process's", "PostgreSQL's"] as const;
/** How long a clock is wrong beyond what a take-over takes. */
const WRONG_MS = [500, 3_000] as const;
/** As where no clock jumps (scenario 1), and one lease more. */
const SLACK_MS = 5_000;
const BETWEEN_MS = [200, 2_000] as const;

export const clocksJump: Scenario = {
  number: 12,
  fault:
    "a worker's clock, every process's, PostgreSQL's jump by +1 h, -1 h, -5 min, and back; a worker killed at each",
  passesWhen: "exact, no key killed, a take-over at most one lease late, no wait shortened",
  kills: 9,
  provenWithout: [],

  async run(stage) {
    const ofScheduler = openProcessClock(stage);
    const { DATABASE_URL = "" } = await stage.ground.environment("faults_clocks");
    const ofPostgres = await openDatabaseClock(stage, DATABASE_URL);
    const fleet = await startFleet(stage, {
      ...{ users: 12, channels: 10, postsPerMinute: 240, answerMs: [20, 120], workers: 0 },
      env: { ...ofScheduler.env, DATABASE_URL, FLOOD_SCOPE: "account", RECONCILE_EVERY_HOURS: "0.25" },
    });
    const clocks = new Map<WorkerProcess, SetClock>();
    const addWorker = async () => {
      const clock = openProcessClock(stage);
      clocks.set(await fleet.addWorker(clock.env), clock);
    };
    await Promise.all(Array.from({ length: WORKERS }, addWorker));

    const { leaseMs, quietMs, jobLockMs, stalledCheckMs } = fleet.config.limits;
    const within = jobLockMs + stalledCheckMs + quietMs + SLACK_MS + leaseMs;
    const orphans = watchOrphans(stage, fleet);
    let jumps = 0;
    let waited = 0;
    let early = 0;
    let killed = 0;
    for (; jumps < stage.kills; jumps += 1) {
      const turn = Math.floor((jumps * WHOSE.length) / stage.kills);
      const whose = WHOSE[turn] ?? "PostgreSQL's";
      const byMs = JUMPS_MS[(jumps - Math.ceil((turn * stage.kills) / WHOSE.length)) % JUMPS_MS.length] ?? 0;
      await sleep(stage.random.int(...BETWEEN_MS), stage.signal);
      const flooded = await flood(stage, fleet);
      const toldOf = fleet.workers.filter((worker) => flooded.some(({ holder }) => holder === worker.holder));
      const victim = await busyWorker(stage, fleet, toldOf.length > 0 ? toldOf : fleet.workers);
      const jumping = {
        "one worker's": () => [clocks.get(stage.random.pick(fleet.workers.filter((each) => each !== victim)))],
        "every process's": () => [ofScheduler, ...clocks.values()],
        "PostgreSQL's": () => [ofPostgres],
      }
        [whose]()
        .flatMap((clock) => clock ?? []);
      const written = await writtenWaits(fleet, flooded);
      const jumpedAt = Date.now();
      await Promise.all(jumping.map((clock) => clock.setOff(byMs)));
      victim.signal("SIGKILL");
      await victim.child.exited;
      const orphaned = heldBy(await fleet.leases(), victim);
      orphans.add(orphaned);
      if (orphaned.length > 0) killed += 1;
      await verify(fleet, flooded);
      stage.progress(
        `${jumps + 1} of ${stage.kills}: ${whose} clock by ${byMs / MINUTE_MS} min, ${orphaned.length} orphans`,
      );
      await orphans.settled(within * 3);
      await sleep(stage.random.int(...WRONG_MS), stage.signal);
      await Promise.all(jumping.map((clock) => clock.setOff(0)));
      waited += written.length;
      early += written.flatMap((wait) => callsDuring(fleet, wait, jumpedAt)).length;
      clocks.delete(victim);
      await fleet.stop(victim);
      await addWorker();
    }
    await endNothingInTheFuture(fleet);
    const { took } = orphans;
    const resumed = spread(took.flatMap((each) => each ?? []));
    return [
      exactly("jumps", jumps, stage.kills),
      atLeast("killed in mid-job at one", killed, 1),
      exactly("never taken over", took.filter((each) => each === null).length, 0),
      figure("taken over after, median ms", Math.round(resumed.median)),
      atMost("taken over after, most ms", Math.round(resumed.most), within),
      atLeast("waits across a jump", waited, stage.kills),
      exactly("calls within one", early, 0),
      ...(await judge(stage, fleet)),
    ];
  },
};

/** What was written while PostgreSQL's clock was ahead must not count as what has happened after now. */
const endNothingInTheFuture = ({ database }: Fleet) =>
  database.once(async (tx) => {
    const now = sql<Date>`now()`;
    await tx
      .updateTable("runs")
      .set({ started_at: sql`least(started_at, ${now})`, finished_at: sql`least(finished_at, ${now})` })
      .where(sql<Date>`greatest(started_at, finished_at)`, ">", now)
      .execute();
  });
