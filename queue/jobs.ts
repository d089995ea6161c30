import { z } from "zod";

const id = z.string().regex(/^\d{1,19}$/);
const tenantId = z.string().min(1);

/**
 * The job table: every kind of job, its payload (ids only: job data is shown in Bull Board), what makes two of them the
 * same, and how often one is tried.
 */
export const JOBS = {
  "parse-user": {
    payload: z.object({ tenantId, userId: id }),
    /** Failures are written into the schedule, which is the truth: the due scan brings the user back. */
    attempts: 1,
    dedup: (data: { userId: string }) => `parse:${data.userId}`,
  },
  "backfill-channel": {
    payload: z.object({ tenantId, userId: id, channelId: id }),
    attempts: 5,
    dedup: (data: { channelId: string }) => `backfill:${data.channelId}`,
  },
  "verify-session": {
    payload: z.object({ tenantId, sessionId: id }),
    attempts: 3,
    dedup: (data: { sessionId: string }) => `verify:${data.sessionId}`,
  },
  "revoke-session": {
    payload: z.object({ tenantId, sessionId: id }),
    attempts: 10,
    dedup: (data: { sessionId: string }) => `revoke:${data.sessionId}`,
  },
} as const;

export type JobName = keyof typeof JOBS;
export type JobData<Name extends JobName> = z.output<(typeof JOBS)[Name]["payload"]>;

export { queueName as queueOf } from "../runtime/queue-name.ts";
