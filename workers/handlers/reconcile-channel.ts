import { randomUUID } from "node:crypto";
import { claimChannel, releaseChannel, saveAccess } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import { PageStale, recordSkipped, storeReconciled } from "../../db/messages.ts";
import { finishReconcile, loadReconcileTask, nextReconcileStep, type ReconcileTask } from "../../db/reconcile.ts";
import type { Handlers } from "../../queue/consumer.ts";
import { Snooze } from "../../queue/outcome.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Accounts, OpenAccount } from "../../telegram/account.ts";
import { PeerGone, WaitRunning } from "../../telegram/errors.ts";
import { untilAborted } from "../interrupted.ts";
import { announce, type Changed } from "../parse/announce.ts";
import { recordGone } from "../parse/look.ts";
import { countPage, emptyTally, type StoreMetrics, type Tally } from "../parse/tally.ts";
import { tracePage } from "../parse/trace-page.ts";
import { absentIds, answeredMessages, deletedAmong, isBehind } from "../reconcile/judge.ts";

/** A reconcile that makes way for its own user's parse looks again after this. */
const MAKE_WAY_MS = 1_000;
/** A wait longer than this ends the job, so that another account may be asked: see `askReconcile`. */
const LONG_WAIT_MS = 60_000;
/** `channels.getMessages` takes 100 ids at most. */
const IDS_PER_CALL = 100;

export interface ReconcileDependencies {
  readonly database: Database;
  readonly accounts: Pick<Accounts, "open">;
  readonly clock: Clock;
  /** How many of a channel's newest messages are looked at. */
  readonly reconcileWindow: number;
  readonly limits: {
    readonly reconcileCallsPerJob: number;
    readonly reconcileMsPerJob: number;
    readonly readClaimMs: number;
    readonly peerRecheckMs: number;
  };
  readonly metrics: StoreMetrics;
  readonly changed: Changed;
  readonly log: Log;
}

type Who = { readonly tenantId: string; readonly userId: bigint };

/**
 * Looks at a channel's newest stored messages by their ids, for deletions and edits that no difference told. How far the
 * round is stands in the channel's row, so that the job may end anywhere: after some calls or seconds, or when its user's
 * parse is due, it goes back to the end of the queue.
 */
export function createReconcileChannel(deps: ReconcileDependencies): Handlers["reconcile-channel"] {
  return async (data, context) => {
    const who = { tenantId: data.tenantId, userId: BigInt(data.userId) };
    const channelId = BigInt(data.channelId);
    const claim = { channelId, purpose: "reconcile", token: randomUUID(), ms: deps.limits.readClaimMs } as const;
    const task = await deps.database.asWorker(async (tx) => {
      const loaded = await loadReconcileTask(tx, { ...who, channelId });
      if (!loaded || loaded.done) return loaded;
      const step = await nextReconcileStep(tx, roundOf(deps, who, loaded.access));
      if (step?.parseIsDue) throw makeWay(deps);
      return (await claimChannel(tx, claim)) ? loaded : "claimed";
    });
    if (task === null) return { outcome: "out of reach" };
    if (task === "claimed") return { outcome: "claimed" };
    if (task.done) return { outcome: "up to date" };
    try {
      return await deps.accounts.open(task.sessionId, (account) =>
        untilAborted([context.signal, account.signal], () => reconcile(deps, account, { who, task })),
      );
    } catch (error) {
      if (error instanceof WaitRunning && error.until.getTime() > deps.clock.now() + LONG_WAIT_MS)
        return { outcome: "waiting" };
      throw error;
    } finally {
      await deps.database.once((tx) => releaseChannel(tx, claim));
    }
  };
}

const makeWay = (deps: ReconcileDependencies) =>
  new Snooze(new Date(deps.clock.now() + MAKE_WAY_MS), "the user's parse is due", "reconcile");

const roundOf = (deps: ReconcileDependencies, who: Who, access: ReconcileTask["access"]) => ({
  channelId: access.channelId,
  userId: who.userId,
  floor: access.availableMinId,
  window: deps.reconcileWindow,
  limit: IDS_PER_CALL,
  now: new Date(deps.clock.now()),
});

async function reconcile(
  deps: ReconcileDependencies,
  account: OpenAccount,
  job: { readonly who: Who; readonly task: ReconcileTask },
): Promise<unknown> {
  const { channelId } = job.task.access;
  const tally = emptyTally();
  try {
    return { outcome: await round(deps, account, job, tally), ...tally };
  } catch (error) {
    if (!(error instanceof PeerGone)) throw error;
    await recordGone(deps, account, job.who, channelId, error);
    return { outcome: "out of reach", ...tally };
  }
}

async function round(
  deps: ReconcileDependencies,
  account: OpenAccount,
  { who, task }: Parameters<typeof reconcile>[2],
  tally: Tally,
): Promise<"done" | "behind" | "out of reach"> {
  const { channelId, accessHash } = task.access;
  const ref = { id: channelId, accessHash };
  const startedAt = deps.clock.monotonic();
  let { access } = task;
  let calls = 0;
  for (;;) {
    const step = await deps.database.asWorker((tx) => nextReconcileStep(tx, roundOf(deps, who, access)));
    if (!step) return "out of reach";
    const { ids, pts } = step;
    if (ids.length === 0) {
      await account.commit((tx) => finishReconcile(tx, channelId));
      return "done";
    }
    if (step.parseIsDue) throw makeWay(deps);
    const spent =
      calls >= deps.limits.reconcileCallsPerJob || deps.clock.monotonic() - startedAt >= deps.limits.reconcileMsPerJob;
    if (spent) throw new Snooze(new Date(deps.clock.now()), "more to look at", "reconcile");

    const readAt = new Date(deps.clock.now());
    const page = await account.api.messagesById(ref, ids);
    calls += 1;
    if (isBehind(page, pts)) return "behind";
    const absent = absentIds(ids, page);
    let { availableMinId } = access;
    if (absent.length > 0) {
      // What an account may see can change; asked after the answer, so that nothing hidden meanwhile is taken for deleted.
      availableMinId = (await account.api.fullChannel(ref)).availableMinId;
      calls += 1;
    }
    try {
      const stored = await account.commit(async (tx) => {
        const stored = await storeReconciled(tx, {
          channelId,
          ptsAtCall: pts,
          messages: answeredMessages(ids, page),
          deletedIds: deletedAmong(absent, availableMinId),
          lowest: Math.min(...ids),
          readAt,
        });
        tracePage(channelId, stored);
        if (page.skipped.length > 0) await recordSkipped(tx, channelId, page.skipped);
        if (availableMinId !== access.availableMinId) await saveAccess(tx, { ...who, ...access, availableMinId });
        return stored;
      });
      access = { ...access, availableMinId };
      countPage(tally, stored, deps.metrics);
      announce(deps.changed, channelId, stored);
    } catch (error) {
      // Somebody stored news of the channel meanwhile: the same ids are read again.
      if (!(error instanceof PageStale)) throw error;
    }
  }
}
