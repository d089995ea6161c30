import type { Database } from "../db/database.ts";
import { askRevocation } from "../db/revocations.ts";
import type { SessionInfo } from "../db/sessions.ts";
import { JobFailed, type Producer } from "../queue/producer.ts";
import { revokeJob } from "../queue/revoke-job.ts";
import type { Clock } from "../runtime/clock.ts";

/** Has a worker log a session out at Telegram, under its lease; false where that is not done yet. */
export type RevokeSession = (session: SessionInfo) => Promise<boolean>;

/** Whoever asks waits so long; the job goes on. */
const WAIT_MS = 15_000;

export function createRevokeSession(
  database: Pick<Database, "inTenant">,
  producer: Pick<Producer, "add" | "waitFor">,
  clock: Clock,
): RevokeSession {
  return async (session) => {
    await database.inTenant(session.tenantId, (tx) => askRevocation(tx, session.id, "asked"));
    const job = await producer.add(revokeJob(session, new Date(clock.now())));
    try {
      await producer.waitFor(job, WAIT_MS);
      return true;
    } catch (error) {
      if (error instanceof JobFailed) return false;
      throw error;
    }
  };
}
