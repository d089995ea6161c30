import type { Job, JobsOptions } from "bullmq";
import { type Attributes, beginHandover, noTracing, type OpenSpan, type Tracing } from "../runtime/tracing.ts";
import type { JobRef, NewJob } from "./jobs.ts";

/** Spans of jobs on their way into a queue. Each job carries its own, beside BullMQ's options, for whoever runs it. */
export function traceHandovers(jobs: readonly NewJob[]) {
  const spans = new Map<NewJob, OpenSpan>();
  for (const job of jobs) {
    const span = beginHandover(`enqueue ${job.name}`, () => attributesOf(job.queue, "send", job.data));
    if (!span) break;
    spans.set(job, span);
  }
  return {
    optionsOf(job: NewJob): Pick<JobsOptions, "telemetry"> {
      const span = spans.get(job);
      return span ? { telemetry: { metadata: span.traceparent } } : {};
    },
    /** Ends the spans as `adding` settles. */
    async until(adding: Promise<unknown>, refs: ReadonlyMap<NewJob, JobRef>): Promise<void> {
      try {
        await adding;
      } catch (error) {
        for (const span of spans.values()) span.fail(error);
        throw error;
      } finally {
        for (const [job, span] of spans) {
          span.set({ "messaging.message.id": refs.get(job)?.id });
          span.end();
        }
      }
    },
  };
}

/**
 * Runs a job in a span of the trace that it was put into its queue by, a new one at each start. What it ends with is for
 * `work` to say: BullMQ is told of a snooze by an error, too.
 */
export async function traceJob<T>(tracing: Tracing, job: Job, work: () => Promise<T>): Promise<T> {
  if (tracing === noTracing) return work();
  const attributes = {
    ...attributesOf(job.queueName, "process", job.data),
    "messaging.message.id": job.id,
    "gramfleet.job.starts": job.attemptsStarted,
  };
  const options = { kind: "consumer", from: job.opts.telemetry?.metadata, fansOut: true, attributes } as const;
  const [end] = await tracing.root(job.name, options, () => Promise.allSettled([work()]));
  if (end.status === "rejected") throw end.reason;
  return end.value;
}

/** Ids of ours alone: a Telegram id names a person wherever it is read. */
const IDS = { userId: "gramfleet.user_id", sessionId: "gramfleet.session_id", channelId: "gramfleet.channel_id" };

function attributesOf(
  queue: string,
  operation: "send" | "process",
  data: Readonly<Record<string, unknown>>,
): Attributes {
  const attributes: Record<string, string> = {
    "messaging.system": "bullmq",
    "messaging.destination.name": queue,
    "messaging.operation.type": operation,
  };
  for (const [field, name] of Object.entries(IDS)) {
    const id = data?.[field];
    if (typeof id === "string" && /^\d{1,19}$/.test(id)) attributes[name] = id;
  }
  return attributes;
}
