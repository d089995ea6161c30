import { Queue, QueueEvents } from "bullmq";
import type { Redis } from "ioredis";
import { withDeadline } from "../runtime/deadline.ts";
import type { Log } from "../runtime/log.ts";
import { addJobs } from "./add-jobs.ts";
import { type Drained, drainQueue } from "./drain.ts";
import { eraseJobs, type WhoseJobs } from "./erase-jobs.ts";
import { optionsOf } from "./job-options.ts";
import { traceHandovers } from "./job-traces.ts";
import type { JobRef, NewJob } from "./jobs.ts";
import { LIMITER } from "./limiter.ts";
import { wakeOverslept } from "./overslept.ts";
import { countParked, parkedUntil } from "./parking.ts";
import { keyPrefix } from "./prefix.ts";
import { duplicateRedis } from "./redis.ts";

const WAITING_STATES = ["prioritized", "waiting", "delayed", "active", "failed", "completed"] as const;

export interface QueueCounts {
  readonly queue: string;
  readonly paused: boolean;
  readonly waiting: number;
  /** Those that are parked among them. */
  readonly delayed: number;
  /** Set aside for a while, for they ended their process again and again. */
  readonly parked: number;
  readonly active: number;
  readonly failed: number;
  readonly completed: number;
}

/** A job that was waited for ended as failed. */
export class JobFailed extends Error {
  override name = "JobFailed";
}

/** Puts jobs into queues, and tells what is in them. Every method rejects within `timeoutMs` while Redis is away. */
export interface Producer {
  add(job: NewJob): Promise<JobRef>;
  /** All of them, or an error: then some may be in. Deduplication makes a replay harmless. */
  addBulk(jobs: readonly NewJob[]): Promise<JobRef[]>;
  /**
   * Waits for the end of a job and gives its result.
   * @throws JobFailed with the job's reason, or where it did not end within `milliseconds`
   */
  waitFor(job: JobRef, milliseconds: number): Promise<unknown>;
  /** Of `queues`, or of every queue that ever got a job. */
  queueCounts(queues?: readonly string[]): Promise<QueueCounts[]>;
  /** Those that serve nobody now: paused by an operator, or because Telegram refuses the whole API ID. */
  pausedQueues(queues?: readonly string[]): Promise<string[]>;
  /** When a queue goes on that serves nobody because its API ID waits for Telegram; null where it does not wait. */
  pausedUntil(queue: string): Promise<Date | null>;
  /** When a job is tried again that is parked: see `queue/parking.ts`; null where it is not. */
  parkedUntil(job: JobRef): Promise<Date | null>;
  /** Puts back what sleeps for longer than it was snoozed for: see `queue/overslept.ts`. Gives the number of jobs. */
  wakeOverslept(queues: readonly string[]): Promise<number>;
  pause(queue: string): Promise<void>;
  resume(queue: string): Promise<void>;
  /** Why the last of a queue's failed jobs failed, newest first. */
  failures(queue: string, limit: number): Promise<{ name: string; reason: string }[]>;
  /** Puts failed jobs back; gives their number before. */
  retryFailed(queue: string): Promise<number>;
  /** Removes what waits: see `queue/drain.ts`. Each look fails while Redis is away, but all of them may take their time. */
  drain(queue: string, options?: Parameters<typeof drainQueue>[1]): Promise<Drained>;
  /** Removes somebody's jobs from every queue that ever got one: see `queue/erase-jobs.ts`. */
  erase(whose: WhoseJobs): Promise<{ readonly removed: number; readonly active: number }>;
  /** Every queue that ever got a job, as BullMQ knows it: for its board alone. They stay the producer's. */
  openQueues(): Promise<Queue[]>;
  close(): Promise<void>;
}

/**
 * `redis` is a connection that fails (no offline queue, a command timeout), and stays the caller's.
 * `prefix` is the operator's; the keys' own is hash-tagged: see `queue/prefix.ts`.
 */
export function createProducer(options: { redis: Redis; prefix: string; log: Log; timeoutMs?: number }): Producer {
  const registry = `${keyPrefix(options.prefix)}:queues`;
  const prefixOf = (queue: string) => keyPrefix(options.prefix, options.redis, queue);
  const timeoutMs = options.timeoutMs ?? 3_000;
  const queues = new Map<string, Queue>();
  const events = new Map<string, Promise<QueueEvents>>();

  const queueOf = (name: string): Queue => {
    let queue = queues.get(name);
    if (!queue) {
      queue = new Queue(name, { connection: options.redis, prefix: prefixOf(name) });
      queue.on("error", (error) => options.log.debug({ err: error, queue: name }, "queue connection failed"));
      queues.set(name, queue);
    }
    return queue;
  };
  const openEvents = async (name: string): Promise<QueueEvents> => {
    // From the newest event on: BullMQ's own "$" means whatever comes after its first read, so that a job which ends
    // between the look at its state and that read is never heard of.
    const redis = await connected(options.redis);
    const [newest] = await redis.xrevrange(queueOf(name).toKey("events"), "+", "-", "COUNT", 1);
    // BullMQ duplicates this template; a blocking read must neither time out nor fail while Redis is away.
    const template = duplicateRedis(options.redis, {
      lazyConnect: true,
      enableOfflineQueue: true,
      maxRetriesPerRequest: null,
      commandTimeout: 60_000,
    });
    const stream = new QueueEvents(name, {
      connection: template,
      prefix: prefixOf(name),
      lastEventId: newest?.[0] ?? "0-0",
    });
    stream.setMaxListeners(0);
    stream.on("error", (error) => options.log.debug({ err: error, queue: name }, "queue events failed"));
    return stream;
  };
  const eventsOf = (name: string): Promise<QueueEvents> => {
    let stream = events.get(name);
    if (!stream) {
      stream = openEvents(name);
      stream.catch(() => events.delete(name));
      events.set(name, stream);
    }
    return stream;
  };
  const inTime = <T>(what: string, work: Promise<T>) => withDeadline(what, timeoutMs, work);
  const known = async (names?: readonly string[]) =>
    names ??
    (
      await inTime(
        "listing queues",
        connected(options.redis).then((redis) => redis.smembers(registry)),
      )
    ).sort();

  const addBulk = async (jobs: readonly NewJob[]): Promise<JobRef[]> => {
    const traces = traceHandovers(jobs);
    const byQueue = new Map<string, NewJob[]>();
    for (const job of jobs) {
      const group = byQueue.get(job.queue);
      if (group) group.push(job);
      else byQueue.set(job.queue, [job]);
    }
    const refs = new Map<NewJob, JobRef>();
    const adds = [...byQueue].map(async ([name, group]) => {
      const redis = await connected(options.redis);
      const ids = await addJobs(
        redis,
        queueOf(name),
        group.map((job) => ({ name: job.name, data: job.data, opts: { ...optionsOf(job), ...traces.optionsOf(job) } })),
      );
      ids.forEach((id, index) => {
        refs.set(group[index] as NewJob, { queue: name, id });
      });
    });
    if (byQueue.size > 0) {
      const registered = connected(options.redis).then((redis) => redis.sadd(registry, ...byQueue.keys()));
      await traces.until(inTime("enqueueing", Promise.all([registered, ...adds])), refs);
    }
    return jobs.map((job) => refs.get(job) as JobRef);
  };

  return {
    addBulk,
    add: async (job) => (await addBulk([job]))[0] as JobRef,
    async waitFor(ref, milliseconds) {
      const [job, stream] = await inTime(
        "looking a job up",
        Promise.all([queueOf(ref.queue).getJob(ref.id), eventsOf(ref.queue)]),
      );
      if (!job) throw new JobFailed("the job is no longer known");
      try {
        return await job.waitUntilFinished(stream, milliseconds);
      } catch (error) {
        throw new JobFailed(error instanceof Error ? error.message : String(error), { cause: error });
      }
    },
    async queueCounts(names) {
      const counted = (await known(names)).map(async (name): Promise<QueueCounts> => {
        const queue = queueOf(name);
        const [counts, paused, parked] = await Promise.all([
          queue.getJobCounts(...WAITING_STATES),
          queue.isPaused(),
          connected(options.redis).then((redis) => countParked(redis, options.prefix, name)),
        ]);
        const of = (state: string) => counts[state] ?? 0;
        return {
          queue: name,
          paused,
          waiting: of("waiting") + of("prioritized"),
          delayed: of("delayed"),
          parked,
          active: of("active"),
          failed: of("failed"),
          completed: of("completed"),
        };
      });
      return inTime("counting jobs", Promise.all(counted));
    },
    async pausedQueues(names) {
      const states = (await known(names)).map(async (name) => {
        const queue = queueOf(name);
        const [paused, limitedMs] = await Promise.all([queue.isPaused(), queue.getRateLimitTtl(LIMITER.max)]);
        return paused || limitedMs > 0 ? name : null;
      });
      return (await inTime("looking for paused queues", Promise.all(states))).filter((name) => name !== null);
    },
    async pausedUntil(name) {
      const left = await inTime("looking for a pause", queueOf(name).getRateLimitTtl(LIMITER.max));
      return left > 0 ? new Date(Date.now() + left) : null;
    },
    parkedUntil: (job) =>
      inTime(
        "looking for a parked job",
        connected(options.redis).then((redis) => parkedUntil(redis, options.prefix, job)),
      ),
    async wakeOverslept(names) {
      const redis = await connected(options.redis);
      const woken = await Promise.all(names.map((name) => wakeOverslept(redis, queueOf(name))));
      return woken.reduce((sum, count) => sum + count, 0);
    },
    pause: (name) => inTime("pausing", queueOf(name).pause()),
    resume: (name) => inTime("resuming", queueOf(name).resume()),
    async failures(name, limit) {
      const jobs = await inTime("looking for failed jobs", queueOf(name).getFailed(0, limit - 1));
      return jobs.map((job) => ({ name: job.name, reason: job.failedReason ?? "" }));
    },
    async retryFailed(name) {
      const queue = queueOf(name);
      const failed = await inTime("counting jobs", queue.getFailedCount());
      await queue.retryJobs({ state: "failed" });
      return failed;
    },
    drain: (name, choice) => drainQueue(queueOf(name), choice),
    async erase(whose) {
      const erased = await Promise.all((await known()).map((name) => eraseJobs(queueOf(name), whose)));
      return {
        removed: erased.reduce((sum, { removed }) => sum + removed, 0),
        active: erased.reduce((sum, { active }) => sum + active, 0),
      };
    },
    openQueues: async () => (await known()).map(queueOf),
    async close() {
      const opened = await Promise.allSettled(events.values());
      const streams = opened.flatMap((stream) => (stream.status === "fulfilled" ? [stream.value] : []));
      await Promise.all([...streams, ...queues.values()].map((each) => each.close()));
    },
  };
}

/** A connection without an offline queue refuses what comes before it is ready for the first time. */
async function connected(redis: Redis): Promise<Redis> {
  if (redis.status === "connecting" || redis.status === "connect")
    await new Promise<void>((resolve) => redis.once("ready", resolve));
  return redis;
}
