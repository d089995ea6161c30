import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { ADDS_BY_SCRIPT, addJobs, type BulkJob } from "../../queue/add-jobs.ts";
import { optionsOf } from "../../queue/job-options.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { keyPrefix } from "../../queue/prefix.ts";
import { openRedis } from "../../queue/redis.ts";
import { eventually } from "../support/eventually.ts";
import { testRedis } from "../support/services.ts";

const { url } = testRedis();
let redis: Redis;
let queues: { ours: Queue; theirs: Queue };
beforeAll(() => {
  redis = openRedis(url, "producer");
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  const prefix = keyPrefix(testRedis().prefix);
  const open = (name: string) => new Queue(name, { connection: redis, prefix });
  queues = { ours: open("ours"), theirs: open("theirs") };
  return async () => void (await Promise.all([queues.ours.close(), queues.theirs.close()]));
});

const DUE = new Date("2026-03-01T12:00:00Z");
const parse = (userId: number, traceparent?: string): BulkJob => {
  const job: NewJob = {
    ...{ name: "parse-user", queue: "parse-1", urgency: userId % 2 ? "premium" : "free", dueAt: DUE },
    data: { tenantId: 'of "ours" – ü', userId: String(userId) },
  };
  const telemetry = traceparent ? { telemetry: { metadata: traceparent } } : {};
  return { name: job.name, data: job.data, opts: { ...optionsOf(job), ...telemetry } };
};
const revoke = (sessionId: number): BulkJob => {
  const job: NewJob = {
    ...{ name: "revoke-session", queue: "parse-1", urgency: "manual", dueAt: DUE },
    data: { tenantId: "default", sessionId: String(sessionId) },
  };
  return { name: job.name, data: job.data, opts: optionsOf(job) };
};
const many = Array.from({ length: 450 }, (_, index) => parse(index + 1));
/** What BullMQ knows of its scripts is what ours is made of: with another version this says that it must be looked at again. */
it("knows the installed BullMQ's script", () => expect(ADDS_BY_SCRIPT).toBe(true));

/** Everything that a queue has in Redis; what depends on the moment left out. */
async function contentsOf(queue: Queue): Promise<Record<string, unknown>> {
  const prefix = queue.toKey("");
  const keys = (await redis.keys(`${prefix.replaceAll(/[[\]*?{}]/g, "\\$&")}*`)).sort();
  const contents: Record<string, unknown> = {};
  for (const key of keys) contents[key.slice(prefix.length)] = await contentOf(key);
  return contents;
}

async function contentOf(key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case "hash": {
      const { timestamp, opts, ...fields } = await redis.hgetall(key);
      return { ...fields, timed: Number(timestamp) > 0, opts: opts && JSON.parse(opts) };
    }
    case "zset":
      return redis.zrange(key, "0", "-1", "WITHSCORES");
    case "stream":
      return (await redis.xrange(key, "-", "+")).map(([, fields]) => fields);
    default:
      return redis.get(key);
  }
}

it("leaves the same in Redis as BullMQ's addBulk, and gives the same ids", async () => {
  const batches = [many, [parse(3), parse(1_000, "00-trace-span-01"), revoke(7), revoke(7)]];
  for (const batch of batches) {
    const theirs = await queues.theirs.addBulk([...batch]);
    expect(await addJobs(redis, queues.ours, batch)).toEqual(theirs.map((job) => job.id));
  }
  const ours = await contentsOf(queues.ours);
  expect(Object.keys(ours).length).toBeGreaterThan(900);
  const renamed = JSON.parse(JSON.stringify(await contentsOf(queues.theirs)).replaceAll(":theirs:", ":ours:"));
  expect(ours).toEqual(renamed);
});

it("keeps one more of its like while a job is active, as the job table says", async () => {
  let finish = () => {};
  const finishing = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const seen: string[] = [];
  const connection = openRedis(url, "worker");
  const { prefix } = queues.ours.opts;
  const worker = new Worker(
    "ours",
    async (job) => {
      seen.push(job.name);
      if (seen.length === 1) await finishing;
    },
    { connection, ...(prefix === undefined ? {} : { prefix }) },
  );
  try {
    const [first] = await addJobs(redis, queues.ours, [parse(1)]);
    await eventually(() => seen.length === 1);
    expect(await addJobs(redis, queues.ours, [parse(1)])).toEqual([first]);
    finish();
    await eventually(() => seen.length === 2);
  } finally {
    await worker.close();
    connection.disconnect();
  }
});
