import { holdPinned } from "../db/api-id-outage.ts";
import { drainApiId, type PinnedSession, pinnedTo, retireApiId } from "../db/api-ids.ts";
import { queueOf } from "../queue/jobs.ts";
import { JobFailed } from "../queue/producer.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { findApiId } from "./api-ids-in-use.ts";
import { type CommandContext, type CommonOptions, withContext } from "./context.ts";
import { openQueues } from "./queues.ts";

export interface RetireOptions extends CommonOptions {
  readonly sessions?: "log-out" | "hold";
  readonly timeout: number;
}

/** Named in a message; the rest is counted. */
const NAMED = 5;

/**
 * Ends an API ID's work. It takes no logins from the first moment on; sessions cannot change to another one, so what
 * becomes of them is the operator's to say: logged out at Telegram, or held with their keys.
 */
export async function retire(apiId: number, options: RetireOptions): Promise<void> {
  await withContext(options, options.sessions === "log-out" ? ["redis"] : [], async (context) => {
    const { database, out } = context;
    const { retiredAt, state } = await findApiId(context, apiId);
    if (retiredAt) throw new OperatorError(`API ID ${apiId} is retired already`);
    const pinned = () => database.asWorker((tx) => pinnedTo(tx, apiId));
    const before = await pinned();
    if (before.length > 0 && options.sessions === undefined)
      throw new OperatorError(
        `API ID ${apiId} has ${said(before)}: say what becomes of them, --sessions log-out or --sessions hold`,
      );
    await database.asWorker((tx) => drainApiId(tx, apiId));
    if (options.sessions === "log-out") {
      if (state === "out of service")
        throw new OperatorError(
          `Telegram refuses API ID ${apiId}, so nobody can be logged out by it: --sessions hold, or wait until it is back`,
        );
      await logOut(context, await pinned(), options.timeout);
    }
    const left = await pinned();
    const begun = left.filter((session) => session.state !== "AUTHORIZED");
    if (begun.length > 0)
      throw new OperatorError(
        `logins by API ID ${apiId} are under way (${said(begun)}): try again when they have ended`,
      );
    if (left.length > 0 && options.sessions !== "hold")
      throw new OperatorError(
        `${said(left)} could not be logged out: API ID ${apiId} drains and is not retired; see "gramfleet sessions list", and run this again`,
      );
    await database.asWorker((tx) => retireApiId(tx, apiId));
    while ((await database.asWorker((tx) => holdPinned(tx))) > 0) out.progress("holding sessions");
    const result = { apiId, retired: true, loggedOut: before.length - left.length, held: left.length };
    out.result(result, () => [
      `API ID ${apiId} is retired: ${result.loggedOut} sessions logged out, ${result.held} held`,
      "it may be taken out of MASTER_API_IDS now",
    ]);
  });
}

function said(sessions: readonly PinnedSession[]): string {
  const named = sessions.slice(0, NAMED).map((session) => session.telegramId);
  const more = sessions.length > NAMED ? `, and ${sessions.length - NAMED} more` : "";
  return `${sessions.length} ${sessions.length === 1 ? "session" : "sessions"} (${named.join(", ")}${more})`;
}

/** Nobody but a worker may use their keys. */
async function logOut(
  context: CommandContext,
  sessions: readonly PinnedSession[],
  timeoutSeconds: number,
): Promise<void> {
  const producer = await openQueues(context);
  const until = Date.now() + timeoutSeconds * 1_000;
  const authorized = sessions.filter(({ state }) => state === "AUTHORIZED");
  const jobs = await producer.addBulk(
    authorized.map((session) => ({
      name: "revoke-session",
      queue: queueOf({ apiId: session.apiId, ownApi: false }),
      data: { tenantId: session.tenantId, sessionId: session.id.toString() },
      urgency: "manual",
      dueAt: new Date(),
    })),
  );
  for (const [done, job] of jobs.entries()) {
    context.out.progress(`logged out: ${done} of ${jobs.length}`);
    const left = until - Date.now();
    if (left <= 0) return;
    await producer.waitFor(job, left).catch((error: unknown) => {
      if (!(error instanceof JobFailed)) throw error;
    });
  }
}
