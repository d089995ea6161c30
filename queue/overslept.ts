import type { Queue } from "bullmq";
import type { Redis } from "ioredis";

/** Clocks of machines that work as they should differ by less. */
const TOLERANCE_MS = 5_000;
/** Of each kind, a look. */
const BATCH = 1_000;
/** BullMQ's scores of delayed jobs: the time, and a number that keeps those of one millisecond in order. */
const PER_MS = 0x1000;

/**
 * BullMQ notes until when a job is delayed by the clock of whoever delayed it, and wakes it by the clocks of those who
 * look. Where a clock was set between the two a job would sleep for as long as that. Puts those back that are due by
 * Redis's clock for a while and were woken by nobody, and those that have longer to go than they were ever delayed for.
 * Too early is harmless: a job that still has to wait says so. Gives their number.
 */
export async function wakeOverslept(redis: Redis, queue: Queue): Promise<number> {
  const key = queue.toKey("delayed");
  const [seconds, microseconds] = await redis.time();
  const now = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  const [due, later] = await Promise.all([
    redis.zrangebyscore(key, "-inf", (now - TOLERANCE_MS) * PER_MS, "LIMIT", 0, BATCH),
    redis.zrevrangebyscore(key, "+inf", (now + TOLERANCE_MS) * PER_MS, "WITHSCORES", "LIMIT", 0, BATCH),
  ]);
  const overslept = [...due];
  for (let at = 0; at < later.length; at += 2) {
    const id = later[at] ?? "";
    const delay = Number((await redis.hget(queue.toKey(id), "delay")) ?? 0);
    if (Number(later[at + 1]) / PER_MS - now > delay + TOLERANCE_MS) overslept.push(id);
  }
  let woken = 0;
  for (const id of overslept) {
    const job = await queue.getJob(id);
    // Woken by somebody else meanwhile.
    const didWake = await job?.promote().then(
      () => true,
      () => false,
    );
    if (didWake) woken += 1;
  }
  return woken;
}
