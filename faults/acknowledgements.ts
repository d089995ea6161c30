import { keyPrefix } from "../queue/prefix.ts";
import type { openRedis } from "../queue/redis.ts";
import { sleep } from "../runtime/sleep.ts";
import type { Fleet } from "./fleet.ts";
import type { Stage } from "./scenario.ts";

/** BullMQ keeps some hundred ended jobs: they are read before they go. */
const READ_EVERY_MS = 250;

/** A parse that Redis was told is done: nobody does it again. */
export interface Acknowledged {
  readonly job: string;
  readonly userId: bigint;
  /** From the job's last start to its end. Milliseconds of this machine's clock. */
  readonly from: number;
  readonly to: number;
}

export interface Acknowledgements {
  /** All so far, and those of them whose run is not in the database. */
  judge(): Promise<{ readonly count: number; readonly withoutCommit: number }>;
}

/**
 * Reads from Redis itself which parses were acknowledged as done. Each must have its run in the database: the same
 * user's, begun while the job ran.
 */
export function watchAcknowledgements(
  stage: Stage,
  fleet: Fleet,
  redis: ReturnType<typeof openRedis>,
): Acknowledgements {
  const seen = new Map<string, Acknowledged>();
  const prefix = keyPrefix(fleet.config.redisPrefix);

  async function look(): Promise<void> {
    for (const queue of await redis.smembers(`${prefix}:queues`)) {
      for (const id of await redis.zrange(`${prefix}:${queue}:completed`, "0", "-1")) {
        const key = `${prefix}:${queue}:${id}`;
        if (seen.has(key)) continue;
        const job = await redis.hgetall(key);
        if (job.name !== "parse-user" || !isDone(job.returnvalue)) continue;
        const { userId } = JSON.parse(job.data ?? "") as { userId: string };
        seen.set(key, {
          job: key,
          userId: BigInt(userId),
          from: Number(job.processedOn),
          to: Number(job.finishedOn),
        });
      }
    }
  }

  const stop = new AbortController();
  stage.lifecycle.own("watch of acknowledgements", stop, (controller) => controller.abort());
  const watching = (async () => {
    while (!stop.signal.aborted) {
      await look();
      await sleep(READ_EVERY_MS, stop.signal);
    }
  })();
  watching.catch(() => {});

  return {
    async judge() {
      await look();
      const runs = await fleet.database.asWorker((tx) =>
        tx.selectFrom("runs").select(["user_id", "started_at"]).where("outcome", "=", "done").execute(),
      );
      const begun = runs.map((run) => ({ userId: run.user_id, at: run.started_at.getTime() }));
      const without = withoutRun([...seen.values()], begun);
      for (const { job } of without.slice(0, 3)) stage.progress(`! ${job} was acknowledged, and has no run`);
      return { count: seen.size, withoutCommit: without.length };
    },
  };
}

/** Those to which no run belongs. */
export function withoutRun(
  acknowledged: readonly Acknowledged[],
  runs: readonly { readonly userId: bigint; readonly at: number }[],
): Acknowledged[] {
  const begun = new Map<bigint, number[]>();
  for (const { userId, at } of runs) begun.set(userId, [...(begun.get(userId) ?? []), at]);
  return acknowledged.filter(({ userId, from, to }) => !(begun.get(userId) ?? []).some((at) => from <= at && at <= to));
}

/** Some end because there was nothing to parse: those have no run. */
const isDone = (result: string | undefined): boolean =>
  (JSON.parse(result ?? "null") as { outcome?: string } | null)?.outcome === "done";
