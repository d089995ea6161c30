import { type JobsOptions, Queue } from "bullmq";
import type { JobRef, NewJob } from "../../queue/jobs.ts";
import { keyPrefix } from "../../queue/prefix.ts";
import { serve } from "../serve.ts";
import type { Run } from "../side-by-side.ts";
import { openDueSide } from "./side.ts";
import { makeEverybodyDue } from "./users.ts";

interface BulkJob {
  readonly name: string;
  readonly data: unknown;
  readonly opts: JobsOptions;
}

/**
 * The other side of `due`: BullMQ's own addBulk, of the very jobs that the scan enqueues, in the same batches, and
 * nothing else: no database, no producer of ours.
 */
const side = await openDueSide(process.env);
const queues = new Map<string, Queue>();
const batches = await recordBatches();
serve({ run }, async () => {
  await Promise.all([...queues.values()].map((queue) => queue.close()));
  await side.close();
});

/** Runs the scan once, and reads back from Redis what it enqueued with which options. */
async function recordBatches(): Promise<Map<string, BulkJob[]>[]> {
  const enqueued: JobRef[][] = [];
  await makeEverybodyDue(side.database);
  await side.redis.flushdb();
  await side.scan({
    async addBulk(jobs: readonly NewJob[]) {
      const refs = await side.producer.addBulk(jobs);
      enqueued.push(refs);
      return refs;
    },
  });
  const recorded: Map<string, BulkJob[]>[] = [];
  for (const refs of enqueued) {
    const batch = new Map<string, BulkJob[]>();
    const jobs = await Promise.all(refs.map((ref) => queueNamed(ref.queue).getJob(ref.id)));
    for (const [index, { queue }] of refs.entries()) {
      const job = jobs[index];
      if (!job) throw new Error("an enqueued job is gone");
      const line = batch.get(queue) ?? [];
      batch.set(queue, line);
      line.push({ name: job.name, data: job.data, opts: job.opts });
    }
    recorded.push(batch);
  }
  return recorded;
}

async function run(): Promise<Run> {
  await side.redis.flushdb();
  const startedAt = performance.now();
  for (const batch of batches)
    await Promise.all([...batch].map(([queue, jobs]) => queueNamed(queue).addBulk([...jobs])));
  const seconds = (performance.now() - startedAt) / 1_000;
  const counts = await Promise.all([...queues.values()].map((queue) => queue.getJobCounts("prioritized", "waiting")));
  return { count: counts.reduce((sum, { prioritized = 0, waiting = 0 }) => sum + prioritized + waiting, 0), seconds };
}

function queueNamed(name: string): Queue {
  const queue = queues.get(name) ?? new Queue(name, { connection: side.redis, prefix: keyPrefix(side.prefix) });
  queues.set(name, queue);
  return queue;
}
