import type { BullBoardQueues } from "@bull-board/api/typings/app";
import { KEPT } from "../../queue/drain.ts";

/** What is done to a queue, or to a job in it: as an address of Bull Board's names it. */
export interface Target {
  readonly queues: BullBoardQueues;
  readonly params: Readonly<Record<string, string | undefined>>;
}

/** Why it is not done now; null where it is. */
type Guard = (target: Target) => Promise<string | null>;

const always: Guard = async () => null;

const onlyFailedOnes: Guard = async ({ queues, params }) => {
  const job = await queues.get(params.queueName ?? "")?.getJob(params.jobId ?? "");
  const state = await job?.getState();
  return state === undefined || state === "failed"
    ? null
    : "Only failed jobs are tried again. To parse somebody now: gramfleet parse <telegram_id>";
};

const unlessKept: Guard = async ({ queues, params }) => {
  const job = await queues.get(params.queueName ?? "")?.getJob(params.jobId ?? "");
  if (!job || !KEPT.includes(job.toJSON().name) || (await job.getState()) === "completed") return null;
  return "Nothing else would do what was asked for with this job, such as a logout: it stays until it is done";
};

/**
 * Whatever changes anything and is done for admins. All else that Bull Board offers, now or later, is done for nobody:
 * it could lose what people asked for, mislead whoever reads a queue, or go behind the back of what keeps the waits.
 */
const DONE: Readonly<Record<string, Guard>> = {
  "PUT /api/queues/pause": always,
  "PUT /api/queues/resume": always,
  "PUT /api/queues/:queueName/pause": always,
  "PUT /api/queues/:queueName/resume": always,
  "PUT /api/queues/:queueName/retry/:queueStatus": async ({ params }) =>
    params.queueStatus === "failed" ? null : "Only failed jobs are tried again",
  "PUT /api/queues/:queueName/:jobId/retry": onlyFailedOnes,
  // Too early is harmless: a job that still has to wait says so.
  "PUT /api/queues/:queueName/promote": always,
  "PUT /api/queues/:queueName/:jobId/promote": always,
  // A parse, a backfill or a look for edits that is removed is made again from what PostgreSQL knows.
  "PUT /api/queues/:queueName/:jobId/clean": unlessKept,
  "PUT /api/queues/:queueName/clean/:queueStatus": async ({ params }) =>
    params.queueStatus === "completed" ? null : "Only completed jobs are removed all at once: gramfleet queue --help",
};

/** What to do instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  "POST /api/queues/:queueName/add": "Jobs are made by gramfleet alone: gramfleet parse <telegram_id>",
  "PUT /api/queues/:queueName/empty":
    "Queues are emptied by gramfleet queue drain, which leaves in what nothing asks for again",
  "PUT /api/queues/:queueName/obliterate":
    "Queues are emptied by gramfleet queue drain, which leaves in what nothing asks for again",
  "PUT /api/queues/:queueName/concurrency": "How many jobs run at once is set by WORKER_CONCURRENCY",
  "PUT /api/queues/:queueName/rate-limit": "How fast an API ID is called is set by API_CALLS_PER_SECOND",
  "PUT /api/queues/:queueName/rate-limit/release": "Telegram asked for this wait: it ends by itself (gramfleet waits)",
};

/** Why an action of Bull Board's, named by its method and address, is not done for an admin; null where it is. */
export async function refusalOfAction(action: string, target: Target): Promise<string | null> {
  const guard = DONE[action];
  return guard ? guard(target) : (INSTEAD[action] ?? "This board does not do that: see docs/queues.md");
}
