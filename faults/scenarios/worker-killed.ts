import { startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { atLeast, atMost, exactly, figure, type Scenario } from "../scenario.ts";
import { busyWorker, heldBy, spread, watchOrphans } from "../victims.ts";

/** Beyond what the protocol takes by itself. */
const SLACK_MS = 5_000;
const SOON_AFTER = 1 / 3;

export const workerKilled: Scenario = {
  number: 1,
  fault: "SIGKILL of a random worker in mid-job",
  passesWhen: "exact, no key killed, no job failed, resumed within lock + stall check + quiet time + 5 s",
  kills: 50,
  provenWithout: ["lease"],

  async run(stage) {
    const fleet = await startFleet(stage, {
      ...{ users: 12, channels: 10, postsPerMinute: 240, answerMs: [20, 120], workers: 3 },
      // Every 3 s: several jobs want each account at once, so that the lease has something to do.
      env: { RECONCILE_EVERY_HOURS: "0.25" },
    });
    const { limits } = fleet.config;
    const within = limits.jobLockMs + limits.stalledCheckMs + limits.quietMs + SLACK_MS;
    const orphans = watchOrphans(stage, fleet);
    let kills = 0;
    let cutOff = 0;
    // One that was between two jobs does not count.
    for (let tries = 0; kills < stage.kills && tries < stage.kills * 3; tries += 1) {
      const victim = await busyWorker(stage, fleet);
      victim.signal("SIGKILL");
      await victim.child.exited;
      const orphaned = heldBy(await fleet.leases(), victim);
      orphans.add(orphaned);
      cutOff += orphaned.length;
      if (orphaned.length > 0) kills += 1;
      stage.progress(`kill ${kills} of ${stage.kills}: ${orphaned.length} accounts in mid-job`);
      await fleet.replace(victim);
      // Now and then the next one dies before this one's work has gone on.
      if (!stage.random.chance(SOON_AFTER)) await orphans.settled(within * 3);
    }
    await orphans.settled(within * 3);
    const { took } = orphans;
    const resumed = spread(took.flatMap((each) => each ?? []));
    return [
      atLeast("kills", kills, stage.kills),
      figure("accounts cut off", cutOff),
      exactly("never resumed", took.filter((each) => each === null).length, 0),
      figure("resumed after, median ms", Math.round(resumed.median)),
      atMost("resumed after, most ms", Math.round(resumed.most), within),
      ...(await judge(stage, fleet)),
    ];
  },
};
