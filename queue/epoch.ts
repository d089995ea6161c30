import type { Redis } from "ioredis";
import { keyPrefix } from "./prefix.ts";

/**
 * A key that lives as long as Redis remembers: where it is missing, the jobs are gone too (FLUSHALL, a private Redis
 * that started anew).
 */
export function createEpoch(options: { redis: Redis; prefix: string }) {
  const key = `${keyPrefix(options.prefix)}:epoch`;
  return {
    /** Whether Redis still has what it had when `begin` was called. */
    holds: async (): Promise<boolean> => (await options.redis.exists(key)) === 1,
    begin: async (): Promise<void> => {
      await options.redis.set(key, new Date().toISOString(), "NX");
    },
  };
}

export type Epoch = ReturnType<typeof createEpoch>;
