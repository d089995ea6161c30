import { type NewJob, queueOf } from "./jobs.ts";

/** The job that logs a session out. `db/revocations` is asked first: then it needs to wait for nobody. */
export const revokeJob = (
  session: { readonly id: bigint; readonly tenantId: string; readonly apiId: number; readonly ownApi: boolean },
  now: Date,
): NewJob => ({
  name: "revoke-session",
  queue: queueOf(session),
  data: { tenantId: session.tenantId, sessionId: session.id.toString() },
  urgency: "manual",
  dueAt: now,
});
