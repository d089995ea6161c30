import { randomUUID } from "node:crypto";
import { loadChannels, subscribe } from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { deleteLease, insertLease } from "../../db/leases.ts";
import { auditRows } from "../../db/messages.ts";
import { ensureSession, loadSession, transition } from "../../db/sessions.ts";
import { addUser, setPaused } from "../../db/users.ts";
import type { JobContext } from "../../queue/consumer.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { type Accounts, LeaseHeld, SessionUnusable } from "../../telegram/account.ts";
import type { TelegramApi } from "../../telegram/api.ts";
import { createHandlers } from "../../workers/handlers.ts";
import { outcomeOf } from "../../workers/outcome-of.ts";
import { manualClock } from "./manual-clock.ts";
import { testDatabase } from "./services.ts";

export const TENANT = "default";
const HOUR = 3_600_000;

export interface TestUser {
  readonly userId: bigint;
  readonly sessionId: bigint;
  readonly telegramId: bigint;
}

/** The handlers of a worker over a real database, with accounts that are whatever a test says they are. */
export async function startParsing(
  options: {
    historyDepthFree?: number;
    backfillPagesPerJob?: number;
    reconcileWindow?: number;
    pageSize?: number;
    /** What stands between the handlers and the database. */
    through?: (database: Database) => Database;
  } = {},
) {
  const { url, drop } = await testDatabase();
  const opened = openDatabase({ url, poolSize: 6, fencedStatementMs: 5_000, log: silentLog });
  const database = options.through?.(opened) ?? opened;
  const clock = manualClock(Date.now());
  const metrics = createMetrics();
  const apis = new Map<bigint, TelegramApi>();
  const enqueued: NewJob[] = [];
  const hinted: [channelId: bigint, revision: bigint][] = [];
  const outcome = (error: unknown, { starts, queue = "parse-1001" }: { starts: number; queue?: string }) =>
    outcomeOf(error, { now: clock.now(), random: 0, starts, queue, leaseHeldSnoozeMs: 5_000, apiIdPauseMs: 60_000 });
  const handlers = createHandlers({
    accounts: leasedAccounts(database, apis),
    producer: {
      addBulk: async (jobs) => {
        enqueued.push(...jobs);
        return jobs.map((job, index) => ({ queue: job.queue, id: String(index) }));
      },
    },
    random: () => 0.5,
    changed: (channelId, revision) => hinted.push([channelId, revision]),
    outcomeOf: outcome,
    intervals: { premiumMs: HOUR / 4, trialMs: HOUR / 4, freeMs: HOUR },
    historyDepthFree: options.historyDepthFree ?? 1_000,
    limits: {
      channelClaimMs: 10_000,
      channelsInParallel: 4,
      pageSize: options.pageSize ?? 100,
      peerDialogsBatch: 100,
      peerRecheckMs: HOUR,
      backfillPagesPerJob: options.backfillPagesPerJob ?? 10,
      backfillMsPerJob: 5_000,
      reconcileCallsPerJob: 10,
      reconcileMsPerJob: 5_000,
      readClaimMs: 10_000,
    },
    reconcileWindow: options.reconcileWindow ?? 500,
    ...{ database, clock, metrics, log: silentLog },
  });

  return {
    /** Of the database, for whatever is to look into it from outside. */
    url,
    database,
    clock,
    metrics,
    handlers,
    enqueued,
    /** What readers were told of. */
    hinted,
    outcomeOf: outcome,
    /** A user with a session and these subscriptions, whose calls go to `api`. */
    async addUser(
      telegramId: bigint,
      api: TelegramApi,
      names: readonly string[],
      plan: "free" | "premium" = "premium",
    ) {
      const paidUntil = plan === "premium" ? new Date(clock.now() + 24 * HOUR) : null;
      const user = await database.inTenant(TENANT, async (tx) => {
        const { user } = await addUser(tx, { tenantId: TENANT, telegramId, plan, paidUntil });
        const who = { tenantId: TENANT, userId: user.id };
        for (const name of names) await subscribe(tx, { ...who, name });
        return user;
      });
      const added = await database.asWorker(async (tx): Promise<TestUser> => {
        const of = { tenantId: TENANT, userId: user.id, telegramId };
        const session = await ensureSession(tx, { ...of, apiId: 1001, ownApi: false });
        await transition(tx, session.id, { from: ["ABSENT"], to: "AUTHORIZED" });
        return { userId: user.id, sessionId: session.id, telegramId };
      });
      apis.set(added.sessionId, api);
      return added;
    },
    pause: (user: TestUser, paused: boolean) =>
      database.inTenant(TENANT, (tx) => setPaused(tx, user.telegramId, paused)),
    parse: (user: TestUser, context: Partial<JobContext> = {}) =>
      handlers["parse-user"]({ tenantId: TENANT, userId: user.userId.toString() }, contextOf(context)),
    backfill: (user: TestUser, channelId: bigint, context: Partial<JobContext> = {}) =>
      handlers["backfill-channel"](
        { tenantId: TENANT, userId: user.userId.toString(), channelId: channelId.toString() },
        contextOf(context),
      ),
    reconcile: (user: TestUser, channelId: bigint, context: Partial<JobContext> = {}) =>
      handlers["reconcile-channel"](
        { tenantId: TENANT, userId: user.userId.toString(), channelId: channelId.toString() },
        contextOf(context),
      ),
    channel: async (id: bigint) => (await database.once((tx) => loadChannels(tx, [id])))[0],
    rows: (id: bigint) => database.once((tx) => auditRows(tx, id)),
    async close() {
      await database.close();
      await drop();
    },
  };
}

const contextOf = (given: Partial<JobContext>): JobContext => ({
  signal: new AbortController().signal,
  jobId: "1",
  queue: "parse-1001",
  starts: 1,
  now: Date.now,
  ...given,
});

/** Leases for real, so that commits are fenced; nothing is connected. */
function leasedAccounts(database: Database, apis: ReadonlyMap<bigint, TelegramApi>): Pick<Accounts, "open"> {
  return {
    async open(asked, work) {
      const sessionId = typeof asked === "bigint" ? asked : asked.id;
      const session = await database.once((tx) => loadSession(tx, sessionId));
      const api = apis.get(sessionId);
      if (!session || !api || session.state !== "AUTHORIZED") throw new SessionUnusable(session?.state ?? "unknown");
      if (session.holds[0]) throw new SessionUnusable(session.holds[0]);
      const lease = { sessionId, token: randomUUID() };
      if (!(await database.once((tx) => insertLease(tx, { ...lease, holder: "test" }))))
        throw new LeaseHeld("leased elsewhere");
      const { signal } = new AbortController();
      type Account = Parameters<typeof work>[0];
      const commit: Account["commit"] = (write) => database.underLease(lease, write);
      const commitOnce: Account["commitOnce"] = (write) => database.onceUnderLease(lease, write);
      try {
        return await work({ session, api, lease, signal, commit, commitOnce, tally: () => ({ calls: 3, waits: 0 }) });
      } finally {
        await database.once((tx) => deleteLease(tx, lease));
      }
    },
  };
}
