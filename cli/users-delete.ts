import { askErasure, eraseUser as eraseRows, findToErase, type ToErase } from "../db/erase-user.ts";
import { loadSession, type SessionInfo } from "../db/sessions.ts";
import { ownProducer } from "../queue/open.ts";
import { revokeJob } from "../queue/revoke-job.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { sleep } from "../runtime/sleep.ts";
import { forgetAccount } from "../telegram/limiter/forget-account.ts";
import { type CommandContext, type CommonOptions, withContext } from "./context.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { requireUser } from "./user.ts";

export interface EraseOptions extends CommonOptions {
  readonly yes: boolean;
  readonly force: boolean;
  readonly timeout: number;
}

const LOOK_EVERY_MS = 250;
/** Jobs that are under way when their user goes end soon: nothing of theirs can be opened. */
const JOBS_END_WITHIN_MS = 15_000;

/** What is not theirs alone, or not ours to reach. */
const REMAINS = [
  "posts of channels stay: they are the channel's, who follows it or wrote in it is not kept with them by us",
  "private channels that nobody else follows go within minutes",
  "backups hold their sealed session until they are pruned (BACKUP_RETENTION_DAYS); it opens nothing once logged out",
  "logs name their telegram_id until the logs go",
  "logins that were under way stay sealed in Redis for up to 15 minutes",
];

/** Erases a person everywhere: sessions logged out by a worker, then every row and every key of theirs. */
export async function eraseUser(id: string, options: EraseOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  if (!options.yes)
    throw new OperatorError(`this deletes ${telegramId} with everything of theirs: say --yes to do it`, {
      exitCode: 2,
    });
  await withContext(options, ["redis"], async (context) => {
    const { database, inTenant, config, lifecycle, log, out } = context;
    const user = await requireUser(inTenant, telegramId);
    const { redis, producer } = await ownProducer(lifecycle, config, log);
    const whom = await inTenant(async (tx) => {
      await askErasure(tx, user);
      return findToErase(tx, user.id);
    });
    if (!whom) throw new OperatorError(`${telegramId} has been erased meanwhile`);
    const sessions = await sessionsOf(context, whom);
    const alive = sessions.filter(hasKey);
    if (alive.length > 0) {
      await producer.addBulk(alive.map((session) => revokeJob(session, new Date())));
      out.progress(`waiting for a worker to log ${telegramId} out`);
    }
    const left = await untilLoggedOut(context, whom, options.timeout * 1_000);
    if (left.length > 0 && !options.force)
      throw new OperatorError(
        `${telegramId} is not logged out yet (${left.map(({ state, holds }) => [state, ...holds].join(", ")).join("; ")}): they are erased as soon as a worker has done it; see gramfleet health, or say --force to delete the key without`,
      );
    const ended = (await sessionsOf(context, whom)).map(({ id, reason, state }) => ({
      sessionId: id,
      loggedOut: !STANDS.includes(state) && !reason?.endsWith("not logged out"),
    }));
    const jobs = await eraseJobs(producer, whom);
    const rows = await database.asOwner((tx) => eraseRows(tx, whom));
    const later = await eraseJobs(producer, whom);
    await forgetAccount(redis, config.redisPrefix, { telegramId, apiIds: sessions.map(({ apiId }) => apiId) });
    const erased = { ...rows, jobs: jobs + later };
    out.result({ telegramId, erased, sessions: ended, remains: REMAINS }, () => [
      `${telegramId}: erased`,
      ...out.table(
        ["what", "deleted"],
        Object.entries(erased).map(([what, count]) => [what, count]),
      ),
      ...(ended.every(({ loggedOut }) => loggedOut)
        ? []
        : [
            "not logged out at Telegram: the person ends the session there, in Settings, Devices, where it still stands",
          ]),
      ...REMAINS.map((line) => `- ${line}`),
    ]);
  });
}

/** States of a session that still stands among the account's devices, as far as is known. */
const STANDS: readonly string[] = ["AUTHORIZED", "PENDING_QR", "PENDING_CODE", "PENDING_PASSWORD"];

const hasKey = ({ state }: Pick<SessionInfo, "state">): boolean => state !== "REVOKED" && state !== "ABSENT";

async function sessionsOf({ inTenant }: Pick<CommandContext, "inTenant">, whom: ToErase): Promise<SessionInfo[]> {
  return inTenant(async (tx) => {
    const found: SessionInfo[] = [];
    for (const sessionId of whom.sessionIds) {
      const session = await loadSession(tx, sessionId);
      if (session) found.push(session);
    }
    return found;
  });
}

/** Those that still have a key when the time is up. */
async function untilLoggedOut(context: CommandContext, whom: ToErase, milliseconds: number): Promise<SessionInfo[]> {
  const giveUpAt = performance.now() + milliseconds;
  for (;;) {
    const left = (await sessionsOf(context, whom)).filter(hasKey);
    if (left.length === 0 || performance.now() > giveUpAt) return left;
    await sleep(LOOK_EVERY_MS);
  }
}

/** Also those that are under way, as soon as they have ended. Gives how many were removed. */
async function eraseJobs(
  producer: { erase(whom: ToErase): Promise<{ removed: number; active: number }> },
  whom: ToErase,
): Promise<number> {
  const giveUpAt = performance.now() + JOBS_END_WITHIN_MS;
  for (let all = 0; ; ) {
    const { removed, active } = await producer.erase(whom);
    all += removed;
    if (active === 0 || performance.now() > giveUpAt) return all;
    await sleep(LOOK_EVERY_MS);
  }
}
