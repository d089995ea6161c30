import { openRedis } from "../queue/redis.ts";

/**
 * What BullMQ's own records say of the jobs that it still keeps: `atm` counts attempts made (the one that ended the job
 * is one), `stc` how often one was found without its worker.
 */
export async function attempts(
  url: string,
  prefix: string,
): Promise<{ readonly seen: number; readonly usedUp: number; readonly stalled: number }> {
  const redis = openRedis(url, "worker");
  const counts = { seen: 0, usedUp: 0, stalled: 0 };
  try {
    for await (const keys of redis.scanStream({ match: `{${prefix}}:*`, type: "hash", count: 500 })) {
      for (const key of keys as string[]) {
        const [made, stalled, added] = await redis.hmget(key, "atm", "stc", "timestamp");
        if (added == null) continue;
        counts.seen += 1;
        if (Number(made ?? 0) > 1) counts.usedUp += 1;
        if (Number(stalled ?? 0) > 0) counts.stalled += 1;
      }
    }
  } finally {
    redis.disconnect();
  }
  return counts;
}
