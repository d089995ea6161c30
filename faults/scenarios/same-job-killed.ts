import type { Fleet } from "../fleet.ts";
import { startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import type { WorkerProcess } from "../processes.ts";
import { exactly, figure, type Scenario, type Stage } from "../scenario.ts";
import { until } from "../until.ts";

const COMES_BACK_WITHIN_MS = 60_000;

export const sameJobKilled: Scenario = {
  number: 2,
  fault: "the same job killed again and again, running",
  passesWhen: "finished exactly, or parked and visible",
  kills: 5,
  provenWithout: [],

  async run(stage) {
    const fleet = await startFleet(stage, {
      ...{ users: 6, channels: 8, postsPerMinute: 120, answerMs: [50, 200], workers: 3 },
    });
    const unlucky = stage.random.pick(await sessions(fleet));
    let kills = 0;
    while (kills < stage.kills) {
      const victim = await holderOf(stage, fleet, unlucky.sessionId);
      if (!victim) break;
      victim.signal("SIGKILL");
      await victim.child.exited;
      kills += 1;
      stage.progress(`killed ${kills} of ${stage.kills} times`);
      await fleet.replace(victim);
    }
    const since = await fleet.commits.now();
    const finished = await until(() => ranSince(fleet, unlucky.userId, since), {
      withinMs: COMES_BACK_WITHIN_MS,
      everyMs: 50,
      signal: stage.signal,
    });
    return [
      exactly("kills", kills, stage.kills),
      exactly("finished in the end", finished ? 1 : 0, 1),
      figure("of the user", String(unlucky.userId)),
      ...(await judge(stage, fleet)),
    ];
  },
};

async function sessions(fleet: Fleet): Promise<{ sessionId: bigint; userId: bigint }[]> {
  const rows = await fleet.database.asWorker((tx) =>
    tx.selectFrom("sessions").select(["id as sessionId", "user_id as userId"]).orderBy("id").execute(),
  );
  return rows.flatMap(({ sessionId, userId }) => (userId === null ? [] : { sessionId, userId }));
}

/** The living worker that has just this session's job; null where none comes to it. */
function holderOf(stage: Stage, fleet: Fleet, sessionId: bigint): Promise<WorkerProcess | null> {
  return until(
    async () => {
      const row = (await fleet.leases()).find((lease) => lease.sessionId === sessionId);
      return fleet.workers.find((worker) => !worker.ended && worker.holder === row?.holder) ?? null;
    },
    { withinMs: COMES_BACK_WITHIN_MS, signal: stage.signal },
  );
}

async function ranSince(fleet: Fleet, userId: bigint, since: Date): Promise<boolean> {
  const row = await fleet.database.asWorker((tx) =>
    tx
      .selectFrom("runs")
      .select("id")
      .where("user_id", "=", userId)
      .where("outcome", "=", "done")
      .where("finished_at", ">", since)
      .executeTakeFirst(),
  );
  return row !== undefined;
}
