import { askRevocation } from "../db/revocations.ts";
import { sessionOfUser } from "../db/sessions.ts";
import { JobFailed } from "../queue/producer.ts";
import { revokeJob } from "../queue/revoke-job.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { openQueues } from "./queues.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { requireUser } from "./user.ts";

export interface RevokeOptions extends CommonOptions {
  readonly yes: boolean;
  readonly timeout: number;
}

/** Has a worker log the session out: nobody else may use its key. */
export async function revoke(id: string, options: RevokeOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  if (!options.yes)
    throw new OperatorError(`this logs ${telegramId} out for good: say --yes to do it`, { exitCode: 2 });
  await withContext(options, ["redis"], async (context) => {
    const { inTenant, out } = context;
    const user = await requireUser(inTenant, telegramId);
    const session = await inTenant((tx) => sessionOfUser(tx, user.id));
    if (session?.state !== "AUTHORIZED" && session?.state !== "STALE")
      throw new OperatorError(`${telegramId} has no session to revoke: it is ${session?.state ?? "ABSENT"}`);
    const producer = await openQueues(context);
    await inTenant((tx) => askRevocation(tx, session.id, "asked"));
    const job = await producer.add(revokeJob(session, new Date()));
    out.progress(`waiting for a worker to log ${telegramId} out`);
    await producer.waitFor(job, options.timeout * 1_000).catch((error: unknown) => {
      if (!(error instanceof JobFailed)) throw error;
    });
    const after = await inTenant((tx) => sessionOfUser(tx, user.id));
    const revoked = after?.state === "REVOKED";
    out.result({ telegramId, sessionId: session.id, revoked, state: after?.state }, () =>
      revoked
        ? `${telegramId}: logged out at Telegram, and its key deleted`
        : `${telegramId}: not logged out yet, but the job goes on; see gramfleet health, gramfleet sessions status ${telegramId}`,
    );
    if (!revoked) process.exitCode = 1;
  });
}
