import { attempts } from "../attempts.ts";
import { startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { atLeast, exactly, figure, type Scenario } from "../scenario.ts";
import { busyWorker, heldBy } from "../victims.ts";

export const rollingRestart: Scenario = {
  number: 14,
  fault: "rolling restart of all workers under load (SIGTERM, one after the other)",
  passesWhen: "no attempt used up, no lease left behind, exact",
  kills: 9,
  provenWithout: [],

  async run(stage) {
    const fleet = await startFleet(stage, {
      ...{ users: 16, channels: 10, postsPerMinute: 300, answerMs: [20, 200], workers: 3 },
    });
    let restarts = 0;
    let midJob = 0;
    let leftBehind = 0;
    let unclean = 0;
    while (restarts < stage.kills) {
      // The oldest one is the next: all of them are replaced, round after round.
      const oldest = fleet.workers[0];
      if (!oldest) throw new Error("there is no worker");
      await busyWorker(stage, fleet, [oldest]);
      midJob += heldBy(await fleet.leases(), oldest).length > 0 ? 1 : 0;
      await fleet.stop(oldest);
      leftBehind += heldBy(await fleet.leases(), oldest).length;
      const { code } = await oldest.child.exited;
      if (code !== 0) unclean += 1;
      await fleet.addWorker();
      restarts += 1;
      stage.progress(`restarted ${restarts} of ${stage.kills}`);
    }
    const judged = await judge(stage, fleet);
    const jobs = await attempts(fleet.config.redisUrl ?? "", fleet.config.redisPrefix);
    return [
      exactly("restarts", restarts, stage.kills),
      figure("in mid-job", midJob),
      exactly("ended otherwise than by exit 0", unclean, 0),
      exactly("leases left behind", leftBehind, 0),
      atLeast("jobs looked at", jobs.seen, 1),
      exactly("jobs with an attempt used up", jobs.usedUp, 0),
      // A starved machine renews a lock of 3 s too late now and then: no attempt is used up by that.
      figure("jobs found stalled", jobs.stalled),
      ...judged,
    ];
  },
};
