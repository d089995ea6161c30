import type { Redis } from "ioredis";
import { keyPrefix } from "./prefix.ts";

/**
 * Keys that live as long as Redis remembers: where one is missing, the jobs are gone too (FLUSHALL, a private Redis that
 * started anew). One beside each queue's: of a cluster's nodes any may forget alone.
 */
export function createEpoch(options: { redis: Redis; prefix: string; queues: readonly string[] }) {
  const { redis, prefix, queues } = options;
  const keys = [...new Set(queues.map((queue) => `${keyPrefix(prefix, redis, queue)}:epoch`))];
  return {
    /** Whether Redis still has what it had when `begin` was called. */
    holds: async (): Promise<boolean> =>
      (await Promise.all(keys.map((key) => redis.exists(key)))).every((there) => there === 1),
    begin: async (): Promise<void> => {
      await Promise.all(keys.map((key) => redis.set(key, new Date().toISOString(), "NX")));
    },
  };
}

export type Epoch = ReturnType<typeof createEpoch>;
