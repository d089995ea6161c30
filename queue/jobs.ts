import { z } from "zod";
import { queueName } from "../runtime/queue-name.ts";
import type { Urgency } from "./priority.ts";

const id = z.string().regex(/^\d{1,19}$/);
const tenantId = z.string().min(1);

/**
 * The job table: every kind of job, its payload (ids only: job data is shown in Bull Board), how often one is tried,
 * what makes two of them the same, and whether one that is added while its like is active runs after it (else it is
 * absorbed).
 */
export const JOBS = {
  "parse-user": {
    payload: z.object({ tenantId, userId: id }),
    /** Failures are written into the schedule, which is the truth: the due scan brings the user back. */
    attempts: 1,
    dedup: (data: { userId: string }) => `parse:${data.userId}`,
    /** The end of a run is committed before its job ends: whoever is due again by then must not be swallowed. */
    afterActive: true,
  },
  "backfill-channel": {
    /** `whole`: the user's plan reaches back all the way. */
    payload: z.object({ tenantId, userId: id, channelId: id, whole: z.boolean().optional() }),
    attempts: 5,
    /** One that ends at its plan's depth must not stand for one that goes on below. */
    dedup: (data: { channelId: string; whole?: boolean | undefined }) =>
      `backfill:${data.channelId}${data.whole ? ":whole" : ""}`,
    /** One that has looked for the last time and is about to end does not know of the hole that this one is for. */
    afterActive: true,
  },
  "reconcile-channel": {
    payload: z.object({ tenantId, userId: id, channelId: id }),
    attempts: 3,
    dedup: (data: { channelId: string }) => `reconcile:${data.channelId}`,
    afterActive: false,
  },
  "verify-session": {
    payload: z.object({ tenantId, sessionId: id }),
    attempts: 3,
    dedup: (data: { sessionId: string }) => `verify:${data.sessionId}`,
    afterActive: false,
  },
  "revoke-session": {
    payload: z.object({ tenantId, sessionId: id }),
    attempts: 10,
    dedup: (data: { sessionId: string }) => `revoke:${data.sessionId}`,
    afterActive: false,
  },
} as const;

export type JobName = keyof typeof JOBS;
export type JobData<Name extends JobName> = z.output<(typeof JOBS)[Name]["payload"]>;

export type NewJob = {
  [Name in JobName]: {
    readonly name: Name;
    readonly queue: string;
    readonly data: JobData<Name>;
    readonly urgency: Urgency;
    readonly dueAt: Date;
  };
}[JobName];

/** Where a job is: its own id, or that of its like which was there already. */
export interface JobRef {
  readonly queue: string;
  readonly id: string;
}

/** Every queue of a fleet with these master API IDs (the backup's among them). */
export function queuesOf(apiIds: readonly number[]): string[] {
  return [
    ...new Set(apiIds.map((apiId) => queueName({ apiId, ownApi: false }))),
    queueName({ apiId: 0, ownApi: true }),
  ];
}

export { queueName as queueOf } from "../runtime/queue-name.ts";
