import { intervalOf, nextParseAt, type Plan, type PlanIntervals, planInForce } from "../../config/plans.ts";
import { loadChannels, type Subscription, subscriptionsOf } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import { countFrom } from "../../db/messages.ts";
import { endRun, lastRuns } from "../../db/runs.ts";
import { finish, startRun } from "../../db/schedules.ts";
import type { SessionInfo } from "../../db/sessions.ts";
import type { User } from "../../db/users.ts";
import type { Handlers, JobContext } from "../../queue/consumer.ts";
import { queueOf } from "../../queue/jobs.ts";
import type { Producer } from "../../queue/producer.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { span } from "../../runtime/tracing.ts";
import type { Accounts, OpenAccount } from "../../telegram/account.ts";
import { untilAborted } from "../interrupted.ts";
import { isPostponed } from "../outcome-of.ts";
import type { Changed } from "../parse/announce.ts";
import type { ScanHints } from "../parse/change-scan.ts";
import { nextHole } from "../parse/coverage.ts";
import { decide } from "../parse/decide.ts";
import { depthOf, holeWithin } from "../parse/depth.ts";
import { type Looked, lookAtChannels, reachable } from "../parse/look.ts";
import { isToBeFound } from "../parse/look-again.ts";
import { lookForLostNames } from "../parse/lost-names.ts";
import { concernsOneChannel, readChanged } from "../parse/read-changed.ts";
import { resolvePending } from "../parse/resolve.ts";
import { type CountFrom, rememberCounts } from "../parse/stored-counts.ts";
import { emptyTally, type StoreMetrics, type Tally } from "../parse/tally.ts";

/** The look at the channels comes first: an account that has to wait for it need not be opened. */
const NEEDS = ["messages.getPeerDialogs"];

/** After a failed run the next one comes after this, doubled with each further failure, and never later than the plan says. */
const BACK_OFF_MS = 60_000;
const FAILURES_COUNTED = 8;

export interface ParseDependencies {
  readonly database: Database;
  readonly accounts: Pick<Accounts, "open">;
  readonly producer: Pick<Producer, "addBulk">;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly outcomeOf: (error: unknown, context: JobContext) => unknown;
  readonly intervals: PlanIntervals;
  readonly historyDepthFree: number;
  readonly limits: {
    readonly channelClaimMs: number;
    readonly channelsInParallel: number;
    readonly pageSize: number;
    readonly peerDialogsBatch: number;
    readonly peerRecheckMs: number;
  };
  readonly metrics: StoreMetrics & Pick<Metrics, "scheduleLag">;
  readonly changed: Changed;
  readonly log: Log;
}

/** What one parse of a process learns for the next. */
interface Learned {
  readonly hints: ScanHints;
  readonly countFrom: CountFrom;
}

/** One parse of one user: who it is for, which slot it serves, and what it has done so far. */
interface Run {
  readonly user: User;
  readonly session: SessionInfo;
  readonly plan: Plan;
  readonly intervalMs: number;
  readonly slot: Date;
  readonly startedAt: Date;
  /** The database's clock, as it went on by our monotonic one: a wall clock of ours that is wrong delays no schedule. */
  readonly now: () => Date;
  /** As they were at the start; whatever is read is looked at again under its claim. */
  readonly subscriptions: readonly Subscription[];
  readonly tally: Tally;
  channels: number;
  changed: number;
}

/**
 * The parse of one user, as ARCHITECTURE.md tells it: names resolved, one look at all channels, the changed ones read,
 * backfill asked for where history is missing, and the run recorded together with the next one's time.
 *
 * However it ends, the schedule knows: done and failed set the next time; a wait or a lease held elsewhere keeps the
 * claim, for the job itself comes back.
 */
export function createParseUser(deps: ParseDependencies): Handlers["parse-user"] {
  const learned: Learned = {
    hints: { servesUnjoined: true },
    countFrom: rememberCounts(({ id }, fromId) => deps.database.once((tx) => countFrom(tx, id, fromId))),
  };

  return async (data, context) => {
    const run = await begin(deps, BigInt(data.userId));
    if (!run) return { outcome: "nothing to parse" };
    try {
      await deps.accounts.open(
        run.session,
        (account) => untilAborted([context.signal, account.signal], () => parse({ ...deps, ...learned }, account, run)),
        run.subscriptions.length > 0 ? NEEDS : [],
        run.subscriptions.length > 0 ? "use" : "look",
      );
    } catch (error) {
      const outcome = context.signal.aborted ? null : deps.outcomeOf(error, context);
      if (outcome !== null && !isPostponed(outcome)) await recordFailure(deps, run, error);
      throw error;
    }
    return { outcome: "done", channels: run.channels, changed: run.changed, ...run.tally };
  };
}

/** Null where there is nothing to do: no such user, paused, or no session; a claim is given up then. */
async function begin(deps: ParseDependencies, userId: bigint): Promise<Run | null> {
  const { database, clock } = deps;
  const started = await database.once((tx) => startRun(tx, userId));
  if (!started) return null;
  const { user, session, nextParseAt: due, serverNow: startedAt } = started;
  const since = clock.monotonic();
  const now = () => new Date(startedAt.getTime() + clock.monotonic() - since);
  const plan = planInForce(user, startedAt);
  const intervalMs = intervalOf(plan, deps.intervals);
  const slot = new Date(Math.min(due.getTime(), startedAt.getTime()));
  if (user.paused || !session) {
    const next = nextParseAt(slot, intervalMs, startedAt, deps.random());
    await database.once((tx) => finish(tx, userId, next));
    return null;
  }
  const subscriptions = await database.once((tx) => subscriptionsOf(tx, userId));
  const tally = emptyTally();
  return { user, session, plan, intervalMs, slot, startedAt, now, subscriptions, tally, channels: 0, changed: 0 };
}

async function parse(deps: ParseDependencies & Learned, account: OpenAccount, run: Run): Promise<void> {
  const who = { tenantId: run.user.tenantId, userId: run.user.id };
  const log = deps.log.child({ user_telegram_id: run.user.telegramId.toString(), api_id: run.session.apiId });
  let lines = run.subscriptions;
  const pending = lines.filter((line) => isToBeFound(line, deps.clock.now()));
  if (pending.length > 0) {
    await span("resolve names", { "gramfleet.names": pending.length }, () =>
      resolvePending(deps, account, who, pending),
    );
    lines = await deps.database.once((tx) => subscriptionsOf(tx, who.userId));
  }

  const looking = { ...deps, log };
  const visible = reachable(lines, deps.clock.now());
  const looked = await span("look at channels", { "gramfleet.channels": visible.length }, () =>
    lookAtChannels(looking, account, who, visible),
  );
  run.channels = looked.length;
  run.changed = looked.filter((each) => decide(each.channel, each.seen) !== "unchanged").length;
  const reading = { ...deps, log };
  let beingRead: readonly Looked[] = [];
  try {
    const claimed = await readChanged(reading, account, who, looked, run.tally);
    // Whoever was reading these is done by now, or has given up: what is still behind is ours.
    if (claimed.length > 0)
      beingRead = await readChanged(reading, account, who, await reloaded(deps, claimed), run.tally);
  } catch (error) {
    // One channel's trouble, which may last, keeps no other from its history.
    if (concernsOneChannel(error)) await askForBackfill(deps, run, looked, beingRead);
    throw error;
  }

  await askForBackfill(deps, run, looked, beingRead);
  await lookForLostNames(reading, account, who.userId, looked);
  const next = nextParseAt(run.slot, run.intervalMs, run.now(), deps.random());
  const ended = { ...reportOf(run), ...account.tally(), outcome: "done", error: null } as const;
  await account.commitOnce((tx, held) => endRun(tx, ended, next, held));
  deps.metrics.scheduleLag.observe({ plan: run.plan }, Math.max(0, run.now().getTime() - run.slot.getTime()) / 1_000);
}

/** The same subscriptions with their channels as they are stored now. */
async function reloaded(deps: Pick<ParseDependencies, "database">, looked: readonly Looked[]): Promise<Looked[]> {
  const channels = await deps.database.once((tx) =>
    loadChannels(
      tx,
      looked.map((each) => each.channel.id),
    ),
  );
  const byId = new Map(channels.map((channel) => [channel.id, channel]));
  return looked.map((each) => ({ ...each, channel: byId.get(each.channel.id) ?? each.channel }));
}

/** One job for each channel that lacks something within the plan's depth; a job that is there already is enough. */
async function askForBackfill(
  deps: ParseDependencies & Learned,
  run: Run,
  looked: readonly Looked[],
  beingRead: readonly Looked[],
): Promise<void> {
  const now = run.changed > 0 ? await reloaded(deps, looked) : looked;
  // What another's read of a channel leaves out is known when that ends: the job waits for it. Its own plan may not
  // reach back as far as this one.
  const holed = now.filter((each) => nextHole(each.channel, Math.max(1, each.access.availableMinId)) !== null);
  if (beingRead.length + holed.length === 0) return;
  const depth = depthOf(run.plan, deps.historyDepthFree);
  const ids = new Set(beingRead.map((each) => each.channel.id));
  for (const { channel, access } of holed) {
    if (await holeWithin(deps.countFrom, channel, { availableMinId: access.availableMinId, depth }))
      ids.add(channel.id);
  }
  await deps.producer.addBulk(
    [...ids].map((channelId) => ({
      name: "backfill-channel",
      queue: queueOf(run.session),
      data: {
        tenantId: run.user.tenantId,
        userId: run.user.id.toString(),
        channelId: channelId.toString(),
        whole: depth === null,
      },
      urgency: "backfill",
      dueAt: new Date(deps.clock.now()),
    })),
  );
}

async function recordFailure(deps: ParseDependencies, run: Run, error: unknown): Promise<void> {
  await deps.database.asWorker(async (tx) => {
    const runs = await lastRuns(tx, run.user.id, FAILURES_COUNTED);
    const ended = runs.findIndex((each) => each.outcome !== "failed");
    const failures = ended === -1 ? runs.length : ended;
    const backOffMs = Math.min(run.intervalMs, BACK_OFF_MS * 2 ** failures);
    const failed = { ...reportOf(run), calls: 0, waits: 0, outcome: "failed", error: reasonOf(error) } as const;
    await endRun(tx, failed, new Date(run.now().getTime() + backOffMs));
  });
}

/** What `sessions list` and people read; no error of ours says a secret. */
const reasonOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 500) : "unknown";

const reportOf = (run: Run) => ({
  tenantId: run.user.tenantId,
  userId: run.user.id,
  slot: run.slot,
  startedAt: run.startedAt,
  plan: run.plan,
  channels: run.channels,
  channelsChanged: run.changed,
  ...run.tally,
});
