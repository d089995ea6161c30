import type { SessionInfo } from "../db/sessions.ts";
import { queueOf } from "../queue/jobs.ts";
import { JobFailed, type Producer } from "../queue/producer.ts";
import type { Clock } from "../runtime/clock.ts";

/** Has a worker log a session out at Telegram, under its lease; false where that is not done yet. */
export type RevokeSession = (session: SessionInfo) => Promise<boolean>;

/** Whoever asks waits so long; the job goes on. */
const WAIT_MS = 15_000;

export function createRevokeSession(producer: Pick<Producer, "add" | "waitFor">, clock: Clock): RevokeSession {
  return async (session) => {
    const job = await producer.add({
      name: "revoke-session",
      queue: queueOf(session),
      data: { tenantId: session.tenantId, sessionId: session.id.toString() },
      urgency: "manual",
      dueAt: new Date(clock.now()),
    });
    try {
      await producer.waitFor(job, WAIT_MS);
      return true;
    } catch (error) {
      if (error instanceof JobFailed) return false;
      throw error;
    }
  };
}
