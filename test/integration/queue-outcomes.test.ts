import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Consumer, type Handlers, type JobContext, startConsumer } from "../../queue/consumer.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { Discard, PauseQueue, Snooze } from "../../queue/outcome.ts";
import { createProducer, type Producer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { eventually } from "../support/eventually.ts";
import { sampleOf } from "../support/samples.ts";
import { testRedis } from "../support/services.ts";

const { url, prefix } = testRedis();
const LIMITS = {
  ...{ jobLockMs: 30_000, stalledCheckMs: 15_000, maxStalledCount: 1_000 },
  ...{ parkAfterStalls: 3, parkMs: 3_600_000 },
};
let queueNumber = 0;
let redis: { producer: Redis; consumer: Redis };
let producer: Producer;

beforeAll(() => {
  redis = { producer: openRedis(url, "producer"), consumer: openRedis(url, "worker") };
  producer = createProducer({ redis: redis.producer, prefix, log: silentLog });
});
afterAll(async () => {
  await producer.close();
  redis.producer.disconnect();
  redis.consumer.disconnect();
});

const parse = (queue: string, userId: string, dueAt = new Date()): NewJob => ({
  name: "parse-user",
  queue,
  data: { tenantId: "default", userId },
  urgency: "premium",
  dueAt,
});

const backfill = (queue: string): NewJob => ({
  name: "backfill-channel",
  queue,
  data: { tenantId: "default", userId: "1", channelId: "1" },
  urgency: "backfill",
  dueAt: new Date(),
});

/** Runs one queue with one handler for all kinds of jobs while `work` runs. */
async function serving<T>(
  handler: (data: { userId: string }, context: JobContext) => Promise<unknown>,
  work: (queue: string, consumer: Consumer, metrics: ReturnType<typeof createMetrics>) => Promise<T>,
  options: { concurrency?: number; queue?: string } = {},
): Promise<T> {
  queueNumber += 1;
  const queue = options.queue ?? `parse-${queueNumber}`;
  const metrics = createMetrics();
  const any = handler as (data: unknown, context: JobContext) => Promise<unknown>;
  const handlers: Handlers = {
    "parse-user": any,
    "backfill-channel": any,
    "reconcile-channel": any,
    "verify-session": any,
    "revoke-session": any,
  };
  const consumer = startConsumer({
    queues: [queue],
    redis: redis.consumer,
    prefix,
    handlers,
    outcomeOf: (error) => error,
    concurrency: options.concurrency ?? 4,
    limits: LIMITS,
    metrics,
    log: silentLog,
  });
  try {
    return await work(queue, consumer, metrics);
  } finally {
    await consumer.close(1_000);
  }
}

describe("outcomes", () => {
  it("gives a handler's result to whoever waits", async () => {
    await serving(
      async (data) => ({ user: data.userId }),
      async (queue) => {
        const job = await producer.add(parse(queue, "1"));
        await expect(producer.waitFor(job, 60_000)).resolves.toEqual({ user: "1" });
      },
    );
  });

  it("uses up no attempt when snoozed", async () => {
    const starts: number[] = [];
    await serving(
      async (_data, context) => {
        starts.push(context.starts);
        if (context.starts < 4) throw new Snooze(new Date(Date.now() + 5), "not now");
        return "done";
      },
      async (queue, _consumer, metrics) => {
        // parse-user has one attempt: were it used up, the job would end as failed.
        const job = await producer.add(parse(queue, "1"));
        await expect(producer.waitFor(job, 60_000)).resolves.toBe("done");
        const name = "parse-user";
        for (const [outcome, jobs] of Object.entries({ snoozed: 3, done: 1, failed: 0, discarded: 0 }))
          expect(await sampleOf(metrics.jobsFinished, { name, outcome })).toBe(jobs);
        expect(await sampleOf(metrics.jobSeconds, { name, outcome: "snoozed" })).toBe(3);
      },
    );
    expect(starts).toEqual([1, 2, 3, 4]);
  });

  it.each([
    { stalls: 2, parked: 0 },
    { stalls: 3, parked: 1 },
  ])("sets a job aside that has ended its process often enough, and not before: $stalls of 3", async (seen) => {
    let starts = 0;
    queueNumber += 1;
    const queue = `parse-${queueNumber}`;
    const job = await producer.add(parse(queue, "1"));
    const key = `{${prefix}}:${queue}:${job.id}`;
    // What BullMQ writes when it finds the job without its process.
    expect(await redis.producer.hset(key, "stc", seen.stalls)).toBe(1);
    await serving(
      async () => {
        starts += 1;
        return "done";
      },
      async () => {
        await eventually(async () => {
          const [counts] = await producer.queueCounts([queue]);
          return counts && (counts.delayed === 1 || counts.completed === 1);
        });
        const [counts] = await producer.queueCounts([queue]);
        expect({ starts, parked: counts?.parked, failed: counts?.failed }).toEqual({
          ...{ starts: 1 - seen.parked, parked: seen.parked, failed: 0 },
        });
        if (seen.parked === 0) return;
        // Its hour is over: it is tried again, for what it did before does not count twice.
        const bull = new Queue(queue, { connection: redis.producer, prefix: `{${prefix}}` });
        await (await bull.getJob(job.id))?.promote();
        await expect(producer.waitFor(job, 60_000)).resolves.toBe("done");
        await bull.close();
        expect({ starts, parked: (await producer.queueCounts([queue]))[0]?.parked }).toEqual({ starts: 1, parked: 0 });
      },
      { queue },
    );
  });

  it("hands back even a job that hangs when suspended, takes none, and goes on when resumed", async () => {
    let starts = 0;
    await serving(
      async () => {
        starts += 1;
        return starts === 1 ? new Promise(() => {}) : "done";
      },
      async (queue, consumer, metrics) => {
        const job = await producer.add(parse(queue, "1"));
        await eventually(() => starts === 1);
        const shown = async () => {
          await metrics.scrape();
          return [await sampleOf(metrics.jobsActive), await sampleOf(metrics.jobSlots)];
        };
        expect(await shown()).toEqual([1, 4]);
        consumer.suspend("no database");
        await eventually(async () => {
          const [counts] = await producer.queueCounts([queue]);
          return consumer.active === 0 && counts?.active === 0 && counts.waiting + counts.delayed === 1;
        });
        expect(starts).toBe(1);
        expect(await shown()).toEqual([0, 0]);
        consumer.resume();
        await expect(producer.waitFor(job, 60_000)).resolves.toBe("done");
        expect((await shown())[1]).toBe(4);
      },
    );
  });

  it("discards for good, and retries what is worth it", async () => {
    let tries = 0;
    await serving(
      async (data) => {
        tries += 1;
        if (data.userId === "1") throw new Discard("session not usable: STALE");
        throw new Error("a moment of its own");
      },
      async (queue) => {
        const verify: NewJob = {
          name: "verify-session",
          queue,
          data: { tenantId: "default", sessionId: "1" },
          urgency: "manual",
          dueAt: new Date(),
        };
        const discarded = await producer.add(parse(queue, "1"));
        await expect(producer.waitFor(discarded, 60_000)).rejects.toThrow("session not usable: STALE");
        expect(tries).toBe(1);
        const retried = await producer.add(verify);
        await expect(producer.waitFor(retried, 60_000)).rejects.toThrow("a moment of its own");
        expect(tries).toBe(4);
      },
    );
  });

  it("counts kinds of jobs that it does not know together", async () => {
    await serving(
      async () => "never asked",
      async (queue, _consumer, metrics) => {
        const bull = new Queue(queue, { connection: redis.producer, prefix: `{${prefix}}` });
        await bull.addBulk([1, 2].map((number) => ({ name: `kind-${number}`, data: {} })));
        const other = { name: "other", outcome: "discarded" };
        await eventually(async () => (await sampleOf(metrics.jobsFinished, other)) === 2);
        await bull.close();
        expect(await metrics.scrape()).not.toContain("kind-");
      },
    );
  });

  it("pauses one queue and no other", async () => {
    const served: string[] = [];
    let refusals = 0;
    await serving(
      async (data) => {
        if (refusals === 0) {
          refusals += 1;
          throw new PauseQueue(399.5, "API_ID_PUBLISHED_FLOOD");
        }
        served.push(data.userId);
      },
      async (queue) => {
        const began = performance.now();
        const first = await producer.add(parse(queue, "1"));
        await eventually(async () => (await producer.pausedQueues([queue])).includes(queue));
        const second = await producer.add(parse(queue, "2"));
        await serving(
          async () => "elsewhere",
          async (other) => {
            const job = await producer.add(parse(other, "3"));
            await expect(producer.waitFor(job, 60_000)).resolves.toBe("elsewhere");
          },
        );
        expect(served).toEqual([]);
        await Promise.all([producer.waitFor(first, 60_000), producer.waitFor(second, 60_000)]);
        expect(performance.now() - began).toBeGreaterThan(390);
        expect(await producer.pausedQueues([queue])).toEqual([]);
      },
      { concurrency: 1 },
    );
  });

  it("discards a payload that is not what the job table says", async () => {
    let served = 0;
    await serving(
      async () => {
        served += 1;
      },
      async (queue) => {
        const job = await producer.add(parse(queue, "not a number"));
        await expect(producer.waitFor(job, 60_000)).rejects.toThrow("malformed payload: userId");
        expect(served).toBe(0);
      },
    );
  });
});

describe("a clock that was set", () => {
  const HOUR = 3_600_000;

  it("does not prolong a snooze where it was set back in mid-job", async () => {
    const real = Date.now.bind(Date);
    await serving(
      async (_data, context) => {
        if (context.starts > 1) return "done";
        const until = new Date(Date.now() + 60_000);
        vi.spyOn(Date, "now").mockImplementation(() => real() - HOUR);
        throw new Snooze(until, "not now");
      },
      async (queue) => {
        try {
          const { id } = await producer.add(parse(queue, "1"));
          await eventually(async () => (await producer.queueCounts([queue]))[0]?.delayed === 1);
          const delay = Number(await redis.producer.hget(`{${prefix}}:${queue}:${id}`, "delay"));
          expect(delay).toBeGreaterThan(0);
          // A clock of whole milliseconds, and the moment between two looks at it.
          expect(delay).toBeLessThan(61_000);
        } finally {
          vi.restoreAllMocks();
        }
      },
    );
  });

  it.each([
    { what: "ahead when the job was snoozed", off: HOUR, snoozedFor: 60_000, woken: 1 },
    { what: "ahead, and the job snoozed for hours", off: HOUR, snoozedFor: 5 * HOUR, woken: 1 },
    { what: "right, and set back since", off: -HOUR, snoozedFor: 60_000, woken: 1 },
    { what: "right", off: 0, snoozedFor: 5 * HOUR, woken: 0 },
  ])("wakes what would oversleep, and nothing else: $what", async ({ off, snoozedFor, woken }) => {
    await serving(
      async (_data, context) => {
        if (context.starts === 1) throw new Snooze(new Date(Date.now() + snoozedFor), "not now");
        return "done";
      },
      async (queue) => {
        const job = await producer.add(parse(queue, "1"));
        await eventually(async () => (await producer.queueCounts([queue]))[0]?.delayed === 1);
        const delayed = `{${prefix}}:${queue}:delayed`;
        // As another clock would have written it. One that is due is woken by BullMQ itself, unless its own is behind.
        await redis.producer.zincrby(delayed, Math.max(0, off) * 0x1000, job.id);
        const redisNow = redis.producer.time.bind(redis.producer);
        if (off < 0) {
          const later = async () => [String(Math.floor((Date.now() - off) / 1_000)), "0"];
          redis.producer.time = later as unknown as Redis["time"];
        }
        try {
          expect(await producer.wakeOverslept([queue])).toBe(woken);
        } finally {
          redis.producer.time = redisNow;
        }
        if (woken === 1) await expect(producer.waitFor(job, 60_000)).resolves.toBe("done");
      },
    );
  });
});

describe("deduplication", () => {
  it("absorbs a second parse of a user while the first one waits", async () => {
    const queue = "parse-dedup";
    const [first, second] = await producer.addBulk([parse(queue, "1"), parse(queue, "1")]);
    const third = await producer.add(parse(queue, "1"));
    const other = await producer.add(parse(queue, "2"));
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(other).not.toEqual(first);
    expect((await producer.queueCounts([queue]))[0]?.waiting).toBe(2);
  });

  it.each([
    ["a parse", (queue: string) => parse(queue, "1")],
    ["a backfill", backfill],
  ])("%s keeps its place while snoozed, and runs again after an end that was already committed", async (_, job) => {
    let runs = 0;
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await serving(
      async () => {
        runs += 1;
        if (runs === 1) throw new Snooze(new Date(Date.now() + 300), "a wait");
        if (runs === 2) await held;
      },
      async (queue) => {
        await producer.add(job(queue));
        await eventually(async () => (await producer.queueCounts([queue]))[0]?.delayed === 1);
        await producer.add(job(queue));
        await eventually(() => runs === 2);
        // What it has done is in the database already, and there is more to do: this one must not be swallowed.
        await producer.add(job(queue));
        release();
        await eventually(() => runs === 3);
        await eventually(async () => (await producer.queueCounts([queue]))[0]?.completed === 2);
        expect(runs).toBe(3);
      },
    );
  });
});

describe("the end of a process", () => {
  it("waits for what is under way", async () => {
    let ended = false;
    let started = false;
    await serving(
      async () => {
        started = true;
        await new Promise((resolve) => setTimeout(resolve, 50));
        ended = true;
      },
      async (queue, consumer) => {
        await producer.add(parse(queue, "1"));
        await eventually(() => started);
        await consumer.close(2_000);
        expect(ended).toBe(true);
      },
    );
  });

  it("hands back what does not end in time, with no attempt used up", async () => {
    let queueName = "";
    let interrupted = false;
    let started = false;
    await serving(
      (_data, context) =>
        new Promise((_resolve, reject) => {
          started = true;
          context.signal.addEventListener("abort", () => {
            interrupted = true;
            reject(new Error("interrupted"));
          });
        }),
      async (queue, consumer) => {
        queueName = queue;
        await producer.add(parse(queue, "1"));
        await eventually(() => started);
        await consumer.close(20);
        expect(interrupted).toBe(true);
      },
    );
    const [counts] = await producer.queueCounts([queueName]);
    expect({ delayed: counts?.delayed, failed: counts?.failed, active: counts?.active }).toEqual({
      delayed: 1,
      failed: 0,
      active: 0,
    });
  });
});

describe("order", () => {
  it("serves the earlier deadline first, whoever came first, and a parse before a backfill", async () => {
    const now = Date.now();
    const queue = `parse-${queueNumber + 1}`;
    const backfill: NewJob = {
      name: "backfill-channel",
      queue,
      data: { tenantId: "default", userId: "9", channelId: "9" },
      urgency: "backfill",
      dueAt: new Date(now),
    };
    const free: NewJob = { ...parse(queue, "3", new Date(now)), urgency: "free" };
    await producer.addBulk([
      backfill,
      free,
      parse(queue, "2", new Date(now)),
      parse(queue, "1", new Date(now - 60_000)),
    ]);
    const served: string[] = [];
    await serving(
      async (data) => {
        served.push(data.userId);
      },
      async () => {
        await eventually(() => served.length === 4);
      },
      { concurrency: 1 },
    );
    expect(served).toEqual(["1", "2", "3", "9"]);
  });
});

it("fails soon while Redis is away", async () => {
  const away = openRedis("redis://127.0.0.1:1", "producer");
  away.on("error", () => {});
  const lonely = createProducer({ redis: away, prefix, log: silentLog, timeoutMs: 200 });
  await expect(lonely.add(parse("parse-away", "1"))).rejects.toThrow();
  away.disconnect();
});
