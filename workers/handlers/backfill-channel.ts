import { randomUUID } from "node:crypto";
import { planInForce } from "../../config/plans.ts";
import {
  claimChannel,
  isBeingRead,
  loadChannels,
  releaseChannel,
  type Subscription,
  subscriptionsOf,
} from "../../db/channels.ts";
import type { Database, WorkerTx } from "../../db/database.ts";
import { countFrom } from "../../db/messages.ts";
import { loadSchedule } from "../../db/schedules.ts";
import { sessionOfUser } from "../../db/sessions.ts";
import { loadUser } from "../../db/users.ts";
import { runningWaits, type Wait } from "../../db/waits.ts";
import type { Handlers } from "../../queue/consumer.ts";
import { Snooze } from "../../queue/outcome.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { Accounts, OpenAccount } from "../../telegram/account.ts";
import { PeerGone, WaitRunning } from "../../telegram/errors.ts";
import { type Outlook, readHistory } from "../backfill/read-history.ts";
import { untilAborted } from "../interrupted.ts";
import { announce, type Changed } from "../parse/announce.ts";
import { depthOf, holeWithin } from "../parse/depth.ts";
import { recordGone } from "../parse/look.ts";
import { Sight } from "../parse/sight.ts";
import { countPage, emptyTally, type StoreMetrics } from "../parse/tally.ts";

/** A backfill that makes way for its own user's parse looks again after this. */
const MAKE_WAY_MS = 1_000;
/** One that meets another account's backfill of the same channel looks again after this. */
const LOOK_AGAIN_MS = 2_000;
/**
 * A wait longer than this ends the job: in the queue it would stand for the channel, and keep every other account from
 * reading it. What is missing is asked for again by the next parse of anybody who follows the channel.
 */
const LONG_WAIT_MS = 60_000;

export interface BackfillDependencies {
  readonly database: Database;
  readonly accounts: Pick<Accounts, "open">;
  readonly clock: Clock;
  readonly historyDepthFree: number;
  readonly limits: {
    readonly backfillPagesPerJob: number;
    readonly backfillMsPerJob: number;
    readonly readClaimMs: number;
    readonly pageSize: number;
    readonly peerRecheckMs: number;
  };
  readonly metrics: StoreMetrics & Pick<Metrics, "backfillMessages">;
  readonly changed: Changed;
  readonly log: Log;
}

interface Task {
  readonly userId: bigint;
  readonly telegramId: bigint;
  readonly sessionId: bigint;
  readonly access: NonNullable<Subscription["access"]>;
  readonly depth: number | null;
}

/**
 * Reads what is missing or unverified in one channel's history, newest first, within the plan's depth. The ledger in
 * the database is all its state, so it may end anywhere. After some pages or seconds, or when its user's parse is due,
 * it goes back to the end of the queue. Accounts of other API IDs have jobs of their own for the same channel: one reads.
 */
export function createBackfillChannel(deps: BackfillDependencies): Handlers["backfill-channel"] {
  return async (data, context) => {
    const channelId = BigInt(data.channelId);
    const longFrom = deps.clock.now() + LONG_WAIT_MS;
    const { task, first, waits } = await deps.database.asWorker(async (tx) => {
      const task = await load(deps, tx, BigInt(data.userId), channelId);
      const first = task && (await look(tx, task, channelId, deps.clock.now()));
      return { task, first, waits: task && first?.hole ? await runningWaits(tx, task.telegramId) : [] };
    });
    if (!task) return { outcome: "out of reach" };
    if (first?.awaitsNews) throw awaitNews(deps);
    if (!first?.hole) return { outcome: "complete" };
    if (first.parseIsDue) throw makeWay(deps);
    if (waits.some((wait) => holdsHistory(wait, channelId) && wait.until.getTime() > longFrom)) return WAITING;
    const claim = { channelId, purpose: "history", token: randomUUID(), ms: deps.limits.readClaimMs } as const;
    if (!(await deps.database.once((tx) => claimChannel(tx, claim))))
      throw lookAgain(deps, "another account reads the channel's history");
    try {
      return await deps.accounts.open(task.sessionId, (account) =>
        untilAborted([context.signal, account.signal], () => read(deps, account, task, first)),
      );
    } catch (error) {
      if (error instanceof WaitRunning && error.until.getTime() > longFrom) return WAITING;
      throw error;
    } finally {
      await deps.database.once((tx) => releaseChannel(tx, claim));
    }
  };
}

const WAITING = { outcome: "waiting" };

const holdsHistory = ({ method, chatId }: Wait, channelId: bigint) =>
  method === "messages.getHistory" && (chatId === 0n || chatId === channelId);

async function load(deps: BackfillDependencies, tx: WorkerTx, userId: bigint, channelId: bigint): Promise<Task | null> {
  const user = await loadUser(tx, userId);
  const session = user && (await sessionOfUser(tx, userId));
  if (!user || !session || user.paused) return null;
  const lines = await subscriptionsOf(tx, userId);
  const access = lines.find((line) => line.channelId === channelId)?.access;
  if (access?.state !== "ok") return null;
  const depth = depthOf(planInForce(user, new Date(deps.clock.now())), deps.historyDepthFree);
  return { userId, telegramId: user.telegramId, sessionId: session.id, access, depth };
}

async function look(tx: WorkerTx, task: Task, channelId: bigint, now: number): Promise<Outlook | null> {
  const [channel] = await loadChannels(tx, [channelId]);
  if (!channel) return null;
  const reach = { availableMinId: task.access.availableMinId, depth: task.depth };
  const hole = await holeWithin(({ id }, fromId) => countFrom(tx, id, fromId), channel, reach);
  const schedule = await loadSchedule(tx, task.userId);
  // Without a queue (a held or ended session) nobody may start it, and it stays due for good.
  const startable = schedule !== null && schedule.queue !== null;
  const due = startable && (schedule.claimedAt !== null || schedule.nextParseAt.getTime() <= now);
  // A parse that waits for Telegram is due for hours, and needs nobody to make way.
  const parseIsDue = due && (await runningWaits(tx, task.telegramId)).length === 0;
  const awaitsNews = (channel.pts === null || hole === null) && (await isBeingRead(tx, channelId));
  return { channel, hole, awaitsNews, parseIsDue };
}

const makeWay = (deps: BackfillDependencies) =>
  new Snooze(new Date(deps.clock.now() + MAKE_WAY_MS), "the user's parse is due", "backfill");

const lookAgain = (deps: BackfillDependencies, why: string) =>
  new Snooze(new Date(deps.clock.now() + LOOK_AGAIN_MS), why, "backfill");

const awaitNews = (deps: BackfillDependencies) => lookAgain(deps, "another account reads the channel's news");

async function read(deps: BackfillDependencies, account: OpenAccount, job: Task, first: Outlook): Promise<unknown> {
  const { channelId, accessHash } = job.access;
  const sight = new Sight(account, job.access, first.channel);
  const seen = (): Task => ({ ...job, access: { ...job.access, availableMinId: sight.availableMinId } });
  const tally = emptyTally();
  try {
    const { end, pages } = await readHistory(
      {
        ...{ account, sight, clock: deps.clock, limits: deps.limits },
        channel: { id: channelId, accessHash },
        inTransaction: (work) => deps.database.asWorker(work),
        look: (tx) => look(tx, seen(), channelId, deps.clock.now()),
        stored(result) {
          countPage(tally, result, deps.metrics);
          deps.metrics.backfillMessages.inc(result.added);
          announce(deps.changed, channelId, result);
        },
      },
      first,
    );
    if (end === "awaits news") throw awaitNews(deps);
    if (end === "parse is due") throw makeWay(deps);
    if (end === "spent") throw new Snooze(new Date(deps.clock.now()), "more to read", "backfill");
    return { outcome: end === "done" ? "complete" : end, pages, ...tally };
  } catch (error) {
    if (!(error instanceof PeerGone)) throw error;
    await recordGone(deps, account, seen(), channelId, error);
    return { outcome: "out of reach", ...tally };
  }
}
