import type { Job } from "bullmq";
import type { Redis } from "ioredis";
import { keyPrefix } from "./prefix.ts";

/**
 * A job that ends its process again and again is put aside for a while, so that it does not end the work of all others
 * with it. It is neither failed nor lost: it is tried again, and set aside again where that ends the same way.
 */
export interface Parking {
  /** Whether its process ended `afterStalls` times under it since it was last set aside. */
  isDue(job: Pick<Job, "stalledCounter" | "progress">, afterStalls: number): boolean;
  /** Notes that it is set aside until then. The job itself is moved by its consumer. */
  note(job: Job, until: Date): Promise<void>;
  /** Notes that it is tried again, where it was set aside. */
  noteBack(job: Job): Promise<void>;
}

export function createParking(redis: Redis, prefix: string): Parking {
  return {
    isDue: (job, afterStalls) => job.stalledCounter - countedBefore(job.progress) >= afterStalls,
    async note(job, until) {
      // BullMQ's own count never goes back.
      await job.updateProgress({ parkedAtStalls: job.stalledCounter });
      const key = keyOf(redis, prefix, job.queueName);
      await redis.multi().zremrangebyscore(key, "-inf", Date.now()).zadd(key, until.getTime(), String(job.id)).exec();
    },
    async noteBack(job) {
      if (countedBefore(job.progress) > 0) await redis.zrem(keyOf(redis, prefix, job.queueName), String(job.id));
    },
  };
}

/** How many jobs of a queue are set aside now. */
export function countParked(redis: Redis, prefix: string, queue: string): Promise<number> {
  return redis.zcount(keyOf(redis, prefix, queue), Date.now(), "+inf");
}

/** When a job is tried again that is set aside; null where it is not. */
export async function parkedUntil(
  redis: Redis,
  prefix: string,
  job: { queue: string; id: string },
): Promise<Date | null> {
  const until = Number((await redis.zscore(keyOf(redis, prefix, job.queue), job.id)) ?? 0);
  return until > Date.now() ? new Date(until) : null;
}

const keyOf = (redis: Redis, prefix: string, queue: string) => `${keyPrefix(prefix, redis, queue)}:parked:${queue}`;

function countedBefore(progress: unknown): number {
  const counted = (progress as { parkedAtStalls?: unknown } | null)?.parkedAtStalls;
  return typeof counted === "number" ? counted : 0;
}
