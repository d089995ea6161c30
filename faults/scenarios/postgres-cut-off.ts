import { sleep } from "../../runtime/sleep.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { judge } from "../judge.ts";
import { atLeast, atMost, exactly, figure, type Scenario, type Stage } from "../scenario.ts";
import { until } from "../until.ts";
import { busyWorker, heldBy, spread } from "../victims.ts";

/** A process that goes on for good is heard for so long beyond its lease. */
const LISTEN_MS = 4_000;
const TAKEN_WITHIN_MS = 15_000;

interface CutOff {
  readonly leases: number;
  readonly takenOver: number;
  /** From the cut to the last bytes that it sent to Telegram; 0 where it sent none. */
  readonly spokeForMs: number;
}

export const postgresCutOff: Scenario = {
  number: 9,
  fault: "a worker cut off from PostgreSQL while the data center answers",
  passesWhen: "its frames stop before its lease ends, no key killed, another goes on",
  kills: 10,
  provenWithout: ["gate"],

  async run(stage) {
    const fleet = await startFleet(stage, {
      ...{ users: 12, channels: 10, postsPerMinute: 240, answerMs: [100, 400], workers: 3 },
    });
    const cuts: CutOff[] = [];
    for (let tries = 0; cuts.length < stage.kills && tries < stage.kills * 3; tries += 1) {
      const cut = await cutOff(stage, fleet);
      if (cut) cuts.push(cut);
      stage.progress(`cut off ${cuts.length} of ${stage.kills}: silent after ${Math.round(cut?.spokeForMs ?? 0)} ms`);
    }
    const spoke = spread(cuts.map((cut) => cut.spokeForMs));
    const sum = (of: (cut: CutOff) => number) => cuts.reduce((total, cut) => total + of(cut), 0);
    return [
      atLeast("cut off in mid-job", cuts.length, stage.kills),
      figure(
        "leases",
        sum((cut) => cut.leases),
      ),
      exactly(
        "not taken over",
        sum((cut) => cut.leases - cut.takenOver),
        0,
      ),
      figure("silent after, median ms", Math.round(spoke.median)),
      atMost("silent after, most ms", Math.round(spoke.most), fleet.config.limits.leaseMs),
      ...(await judge(stage, fleet)),
    ];
  },
};

/** Null where the worker was between two jobs. */
async function cutOff(stage: Stage, fleet: Fleet): Promise<CutOff | null> {
  const { leaseMs, quietMs } = fleet.config.limits;
  const victim = await busyWorker(stage, fleet);
  victim.postgres.cut();
  const at = performance.now();
  // What it had sent before the cut may still be on its way into the database.
  const rows = heldBy(await fleet.leases(), victim);
  try {
    if (rows.length === 0) return null;
    await sleep(leaseMs + quietMs + LISTEN_MS, stage.signal);
    let left = rows.length;
    await until(
      async () => {
        const living = new Set((await fleet.leases()).map((row) => row.token));
        left = rows.filter((row) => living.has(row.token)).length;
        return left === 0;
      },
      { withinMs: TAKEN_WITHIN_MS, everyMs: 50, signal: stage.signal },
    );
    const last = Math.max(
      ...victim.telegram.flatMap((relay) => relay.connections.map((connection) => connection.lastSentAt ?? 0)),
    );
    return { leases: rows.length, takenOver: rows.length - left, spokeForMs: Math.max(0, last - at) };
  } finally {
    victim.postgres.mend();
  }
}
