import { DelayedError, type Job, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { type Failpoint, noFailpoint } from "../runtime/failpoint.ts";
import type { Log } from "../runtime/log.ts";
import { sleep } from "../runtime/sleep.ts";
import { steadyNow } from "../runtime/steady-now.ts";
import { currentSpan, noTracing, type Tracing } from "../runtime/tracing.ts";
import { countJob, type JobMetrics, type JobOutcome } from "./job-metrics.ts";
import { traceJob } from "./job-traces.ts";
import { JOBS, type JobData, type JobName } from "./jobs.ts";
import { LIMITER } from "./limiter.ts";
import { Discard, PauseQueue, Snooze } from "./outcome.ts";
import { createParking } from "./parking.ts";
import { keyPrefix } from "./prefix.ts";
import { priorityOf } from "./priority.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** After their signals were aborted, jobs get this long to hand themselves back. */
const HAND_BACK_MS = 5_000;

export interface JobContext {
  /** Aborted when the process must end: what is under way stops, and the job is handed back. */
  readonly signal: AbortSignal;
  readonly jobId: string;
  readonly queue: string;
  /** How often this job was started, this time included; snoozes count. */
  readonly starts: number;
  /** What a Snooze's time is counted from, milliseconds since the epoch: see `runtime/steady-now`. */
  readonly now: () => number;
}

/** What a handler gives back is kept in Redis as the job's result: ids and counts only, no secrets, no bigint. */
export type Handlers = {
  readonly [Name in JobName]: (data: JobData<Name>, context: JobContext) => Promise<unknown>;
};

export interface ConsumerOptions {
  readonly queues: readonly string[];
  /** `maxRetriesPerRequest: null`; stays the caller's. */
  readonly redis: Redis;
  readonly prefix: string;
  readonly handlers: Handlers;
  /** What an error means for its job: a Snooze, Discard or PauseQueue, or the error itself (retried, then failed). */
  readonly outcomeOf: (error: unknown, context: JobContext) => unknown;
  /** Jobs at once, of each queue. */
  readonly concurrency: number;
  readonly limits: {
    readonly jobLockMs: number;
    readonly stalledCheckMs: number;
    readonly maxStalledCount: number;
    /** Whose process ended so often under it is set aside for `parkMs`. */
    readonly parkAfterStalls: number;
    readonly parkMs: number;
  };
  readonly metrics: JobMetrics;
  readonly log: Log;
  readonly tracing?: Tracing;
  readonly failpoint?: Failpoint;
}

export interface Consumer {
  /** Jobs under way now. */
  readonly active: number;
  /** Resolves when every queue is being served. */
  readonly ready: Promise<void>;
  /** Takes no job until {@link resume}, and hands back those under way: another process can do what this one cannot. */
  suspend(why: string): void;
  resume(): void;
  /**
   * Stops taking jobs, waits up to `graceMs` for those under way, then aborts their signals and lets them hand
   * themselves back. What still runs after that is found by another process as stalled.
   */
  close(graceMs: number): Promise<void>;
}

/** Serves queues: one BullMQ Worker each, so that a pause of one holds no other. */
export function startConsumer(options: ConsumerOptions): Consumer {
  const { failpoint = noFailpoint, tracing = noTracing, limits, metrics } = options;
  const parking = createParking(options.redis, options.prefix);
  let active = 0;
  let closing = false;
  const workers = options.queues.map((queue) => {
    const worker: Worker = new Worker(
      queue,
      async (job: Job, token?: string, signal?: AbortSignal) => {
        active += 1;
        try {
          const stop = signal ?? new AbortController().signal;
          return await traceJob(tracing, job, () => process(job, token ?? "", stop, worker));
        } finally {
          active -= 1;
        }
      },
      {
        connection: options.redis,
        prefix: keyPrefix(options.prefix, options.redis, queue),
        concurrency: options.concurrency,
        limiter: LIMITER,
        lockDuration: limits.jobLockMs,
        stalledInterval: limits.stalledCheckMs,
        maxStalledCount: limits.maxStalledCount,
        // A Redis that was away is looked for again soon.
        runRetryDelay: 1_000,
      },
    );
    worker.on("error", (error) => options.log.warn({ err: error, queue }, "queue worker failed"));
    worker.on("stalled", (jobId) => {
      metrics.jobsStalled.inc({ queue });
      options.log.warn({ queue, job: jobId }, "job stalled");
    });
    metrics.jobsStalled.inc({ queue }, 0);
    return worker;
  });

  metrics.whenScraped(() => {
    const taking = closing ? [] : workers.filter((worker) => !worker.isPaused());
    metrics.jobsActive.set(active);
    metrics.jobSlots.set(taking.length * options.concurrency);
  });

  async function process(job: Job, token: string, signal: AbortSignal, worker: Worker): Promise<unknown> {
    const context: JobContext = {
      signal,
      jobId: String(job.id),
      queue: job.queueName,
      starts: job.attemptsStarted,
      now: steadyNow(),
    };
    const ended = countJob(metrics, job.name);
    const count = (outcome: JobOutcome) => {
      ended(outcome);
      currentSpan().set({ "gramfleet.outcome": outcome });
    };
    const fields = { queue: job.queueName, job: job.id, name: job.name };
    try {
      // One that it was asking for already when it was suspended.
      if (worker.isPaused()) throw new Snooze(new Date(), "suspended");
      if (parking.isDue(job, limits.parkAfterStalls)) {
        const until = new Date(Date.now() + limits.parkMs);
        await parking.note(job, until);
        options.log.error(
          { ...fields, stalls: job.stalledCounter, until },
          "job parked: it ended its process each time",
        );
        throw new Snooze(until, "parked");
      }
      await parking.noteBack(job);
      const result = await unlessAborted(signal, handle(job, context));
      failpoint("acknowledging");
      count("done");
      return result;
    } catch (error) {
      // An interruption is not the job's fault.
      const outcome = signal.aborted ? new Snooze(new Date(), "interrupted") : options.outcomeOf(error, context);
      if (outcome instanceof Snooze) {
        count("snoozed");
        options.log.debug({ ...fields, until: outcome.until, why: outcome.message }, "job snoozed");
        if (outcome.urgency) await job.changePriority({ priority: priorityOf(outcome.urgency, new Date()) });
        const left = Math.max(0, outcome.until.getTime() - context.now());
        await job.moveToDelayed(Date.now() + left, token);
        throw new DelayedError();
      }
      if (outcome instanceof PauseQueue) {
        count("snoozed");
        options.log.warn({ ...fields, milliseconds: outcome.milliseconds, why: outcome.message }, "queue paused");
        // Redis takes whole ones.
        await worker.rateLimit(Math.max(1, Math.ceil(outcome.milliseconds)));
        throw Worker.RateLimitError();
      }
      if (outcome instanceof Discard) {
        count("discarded");
        currentSpan().fail(error);
        options.log.info({ ...fields, why: outcome.message }, "job discarded");
        throw new UnrecoverableError(outcome.message);
      }
      count("failed");
      currentSpan().fail(error);
      options.log.warn({ ...fields, err: error, attempt: job.attemptsMade + 1 }, "job failed");
      throw error;
    }
  }

  function handle(job: Job, context: JobContext): Promise<unknown> {
    const data: unknown = job.data;
    switch (job.name) {
      case "parse-user":
        return options.handlers["parse-user"](parsed("parse-user", data), context);
      case "backfill-channel":
        return options.handlers["backfill-channel"](parsed("backfill-channel", data), context);
      case "reconcile-channel":
        return options.handlers["reconcile-channel"](parsed("reconcile-channel", data), context);
      case "verify-session":
        return options.handlers["verify-session"](parsed("verify-session", data), context);
      case "revoke-session":
        return options.handlers["revoke-session"](parsed("revoke-session", data), context);
      default:
        throw new Discard(`no such kind of job: ${job.name}`);
    }
  }

  return {
    get active() {
      return active;
    },
    ready: Promise.all(workers.map((worker) => worker.waitUntilReady())).then(() => undefined),
    suspend(why) {
      for (const worker of workers) {
        if (!worker.isPaused()) worker.pause(true).catch((error) => options.log.warn({ err: error }, "not suspended"));
        worker.cancelAllJobs(why);
      }
    },
    resume() {
      for (const worker of workers) {
        if (worker.isPaused()) worker.resume().catch((error) => options.log.warn({ err: error }, "not resumed"));
      }
    },
    async close(graceMs) {
      closing = true;
      const closed = Promise.all(workers.map((worker) => worker.close())).then(() => undefined);
      const soon = Math.min(HAND_BACK_MS, graceMs);
      await within(soon, closed);
      // With no job under way only a Redis that is away holds this up.
      if (active === 0) return;
      await within(graceMs - soon, closed);
      for (const worker of workers) worker.cancelAllJobs("the process ends");
      await within(HAND_BACK_MS, closed);
    },
  };
}

function parsed<Name extends JobName>(name: Name, data: unknown): JobData<Name> {
  const result = JOBS[name].payload.safeParse(data);
  if (!result.success)
    throw new Discard(`malformed payload: ${result.error.issues.map((i) => i.path.join(".")).join(", ")}`);
  return result.data as JobData<Name>;
}

/** Waits for `work`, or for `milliseconds`. */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const patience = new AbortController();
  await Promise.race([work.finally(() => patience.abort()), sleep(milliseconds, patience.signal)]);
}
