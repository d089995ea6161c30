import { randomUUID } from "node:crypto";
import {
  type Channel,
  type ChannelAccess,
  claimChannel,
  leastHiddenFromOthers,
  loadChannels,
  raiseTop,
  releaseChannel,
} from "../../db/channels.ts";
import type { Database, WorkerTx } from "../../db/database.ts";
import { type PageResult, PageStale, recordSkipped, storeDifference, storeHistory } from "../../db/messages.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import type { ChannelDifference, ChannelRef } from "../../telegram/api.ts";
import { PeerGone, PtsUnusable } from "../../telegram/errors.ts";
import { announce, type Changed } from "./announce.ts";
import { highestKnown, historyCovers, idsOf, range, seemsWhole, stepsTold } from "./coverage.ts";
import { decide, isBehind, type Seen } from "./decide.ts";
import { Sight } from "./sight.ts";
import { countPage, type StoreMetrics, type Tally } from "./tally.ts";
import { tracePage } from "./trace-page.ts";

/** A page may turn out stale as often as somebody else reads the same channel; more than this is left for next time. */
const ROUNDS = 3;

export interface ReaderDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly metrics: StoreMetrics;
  readonly changed: Changed;
  readonly limits: { readonly channelClaimMs: number; readonly pageSize: number };
}

export interface ReadTarget {
  readonly access: ChannelAccess;
  readonly seen: Seen;
}

/** `claimed`: somebody else is reading it now. `behind`: not to be read now; the next parse tries again. */
export type ReadEnd = "read" | "claimed" | "behind";

type DifferenceNews = Extract<ChannelDifference, { kind: "difference" | "empty" }>;

/**
 * Brings one channel up to date under its claim, which is given up on every way out. Each page commits its rows, its
 * coverage and its pts in one fenced transaction.
 *
 * @throws WaitRunning, PeerGone and what else the calls throw
 */
export async function readChannel(
  deps: ReaderDependencies,
  account: OpenAccount,
  target: ReadTarget,
  tally: Tally,
): Promise<ReadEnd> {
  const { channelId } = target.access;
  const claim = { channelId, token: randomUUID(), ms: deps.limits.channelClaimMs };
  const first = await deps.database.asWorker(async (tx) => {
    if (!(await claimChannel(tx, claim))) return "claimed";
    const [channel] = await loadChannels(tx, [channelId]);
    if (!channel) return "behind";
    const shared = channel.kind === "megagroup";
    const { userId } = account.session;
    return { channel, hidden: shared ? await leastHiddenFromOthers(tx, { userId, channelId }) : null };
  });
  if (first === "claimed") return "claimed";
  try {
    if (first === "behind") return "behind";
    let channel: Channel | undefined = first.channel;
    const reading = new Reading(
      deps,
      account,
      target,
      tally,
      claim,
      new Sight(account, target.access, channel),
      first.hidden,
    );
    for (let round = 0; channel && round < ROUNDS; round += 1) {
      try {
        return await reading.bringUpToDate(channel);
      } catch (error) {
        if (!(error instanceof PageStale)) throw error;
        [channel] = await deps.database.once((tx) => loadChannels(tx, [channelId]));
      }
    }
    return "behind";
  } finally {
    await deps.database.once((tx) => releaseChannel(tx, claim));
  }
}

class Reading {
  readonly #deps: ReaderDependencies;
  readonly #account: OpenAccount;
  readonly #target: ReadTarget;
  readonly #tally: Tally;
  readonly #claim: { channelId: bigint; token: string; ms: number };
  readonly #ref: ChannelRef;
  readonly #sight: Sight;
  /** The least that is hidden from any other account that parses this group; null where there is none, or no group. */
  readonly #hiddenFromOthers: number | null;

  constructor(
    deps: ReaderDependencies,
    account: OpenAccount,
    target: ReadTarget,
    tally: Tally,
    claim: { channelId: bigint; token: string; ms: number },
    sight: Sight,
    hiddenFromOthers: number | null,
  ) {
    this.#deps = deps;
    this.#account = account;
    this.#target = target;
    this.#tally = tally;
    this.#claim = claim;
    this.#ref = { id: target.access.channelId, accessHash: target.access.accessHash };
    this.#sight = sight;
    this.#hiddenFromOthers = hiddenFromOthers;
  }

  async bringUpToDate(channel: Channel): Promise<ReadEnd> {
    const { seen } = this.#target;
    switch (decide(channel, seen)) {
      case "unchanged":
        return "read";
      case "first-read":
        return this.#readHead(channel, seen, false);
      case "difference":
        return this.#follow(channel);
    }
  }

  /** From the stored pts to the end of what is new. */
  async #follow(start: Channel): Promise<ReadEnd> {
    const { seen } = this.#target;
    /** Up to where the answers have told, and up to where the channel's row says so. */
    let pts = start.pts ?? 0;
    let stored = start.pts;
    let known = highestKnown(start);
    let asked = this.#askSince(pts);
    for (let page = 1; ; page += 1) {
      const { readAt } = asked;
      let news: ChannelDifference;
      try {
        news = await asked.news;
      } catch (error) {
        if (error instanceof PtsUnusable && error.reason === "outdated") return "behind";
        const unusable = error instanceof PtsUnusable;
        // Differences may not be served to an account that has not joined; what it sees is then read anew.
        const unserved = error instanceof PeerGone && !this.#target.access.joined;
        if (unusable || unserved)
          return this.#readHead({ ...start, pts: stored }, { ...seen, pts: Math.max(seen.pts, pts) }, true);
        throw error;
      }
      if (page === 1 && this.#hiddenFromOthers !== null) await this.#sight.askAgain();
      if (news.kind === "too_long") {
        const now = {
          pts: Math.max(news.pts ?? seen.pts, pts),
          topMessageId: Math.max(news.topMessageId, seen.topMessageId),
        };
        return this.#readHead({ ...start, pts: stored }, now, true);
      }
      const still = news.pts === pts;
      if (still && news.kind === "empty") {
        // Nothing new since our pts, yet a newer message: it is missing here, and backfill fetches it.
        if (seen.topMessageId > known)
          await this.#account.commit((tx) => raiseTop(tx, this.#ref.id, seen.topMessageId));
        return "read";
      }
      const last = news.final || still;
      // On its way while this one is being stored.
      if (!last) asked = this.#askSince(news.pts);
      const leaves = this.#leavesPts(start);
      const top = await this.#storeNews(news, {
        start,
        since: pts,
        from: stored ?? 0,
        to: leaves ? (stored ?? 0) : news.pts,
        known,
        readAt,
      });
      if (top === null) return "claimed";
      if (last) return "read";
      pts = news.pts;
      if (!leaves) stored = pts;
      known = top;
    }
  }

  #askSince(pts: number): { readonly news: Promise<ChannelDifference>; readonly readAt: Date } {
    const readAt = new Date(this.#deps.clock.now());
    const news = this.#account.api.channelDifference(this.#ref, { pts, limit: this.#deps.limits.pageSize });
    // Whoever takes it gets its error; where storing the page before it failed, nobody does.
    news.catch(() => {});
    return { news, readAt };
  }

  /** Whether something is covered that this account cannot see: no difference tells it of edits there. */
  #isBlind(channel: Channel): boolean {
    return channel.covered.some(({ from }) => from < this.#sight.floor);
  }

  /**
   * Whether the channel's pts is left as it is, for another account to pass by that sees more. What this one reads is
   * stored all the same, and told again then.
   */
  #leavesPts(channel: Channel): boolean {
    const { floor } = this.#sight;
    return this.#hiddenFromOthers !== null && this.#hiddenFromOthers < floor && this.#isBlind(channel);
  }

  /** Gives the highest id known afterwards, or null where the claim has gone to somebody else. */
  async #storeNews(
    news: DifferenceNews,
    at: {
      readonly start: Channel;
      /** The pts that was asked with. */
      readonly since: number;
      readonly from: number;
      readonly to: number;
      readonly known: number;
      readonly readAt: Date;
    },
  ): Promise<number | null> {
    const full = news.kind === "difference";
    const skipped = full ? news.skipped : [];
    const ids = full ? idsOf({ messages: news.newMessages, skipped }) : [];
    const told = new Set(full ? [...ids, ...news.deletedIds] : []);
    const { seen } = this.#target;
    // A final page tells of everything up to now, so also of what was the top before it was asked for.
    const reached = Math.max(at.known, ...ids, news.final && news.pts >= seen.pts ? seen.topMessageId : 0);
    const from = Math.max(at.known + 1, this.#sight.floor);
    // Ids follow each other. One between that was neither told of nor deleted may be hidden from this account by now,
    // and so may the last ones, where the pts went on by more than was told.
    const steps = full ? stepsTold(news, at.known) : 0;
    if (news.pts - at.since > steps || !everyId(from, reached, told)) await this.#sight.askAgain();
    // What is hidden exists: whoever reads on from this pts must not take it for ids that were never given.
    const top = Math.max(reached, this.#sight.floor - 1);
    const held = await this.#commit(skipped, (tx) =>
      storeDifference(tx, {
        channelId: this.#ref.id,
        pts: { from: at.from, to: at.to },
        messages: full ? [...news.newMessages, ...news.editedMessages] : [],
        deletedIds: full ? news.deletedIds : [],
        pins: full ? news.pins : [],
        counters: full ? (news.counters ?? []) : [],
        covers: range(Math.max(from, this.#sight.floor), top),
        unverifies: this.#isBlind(at.start) && at.to > at.from ? range(1, this.#sight.floor - 1) : null,
        topMessageId: top,
        readAt: at.readAt,
      }),
    );
    return held ? top : null;
  }

  /** The newest page of history, after the pts that it is stored with: what happens in between is told again. */
  async #readHead(channel: Channel, seen: Seen, unverifyCovered: boolean): Promise<ReadEnd> {
    const readAt = new Date(this.#deps.clock.now());
    const page = await this.#account.api.history(this.#ref, { offsetId: 0, limit: this.#deps.limits.pageSize });
    if (isBehind(page, channel.pts)) return "behind";
    // An answer from before what was seen: what it lacks may be newer than it, and is told by the difference since.
    const asOf = Math.min(seen.pts, page.pts ?? seen.pts);
    const upper = asOf === seen.pts ? seen.topMessageId : 0;
    if (seemsWhole(page, 0)) await this.#sight.askAgain();
    const covers = historyCovers(page, { offsetId: 0, upper, floor: this.#sight.floor });
    const passes = this.#leavesPts(channel) ? {} : { newPts: asOf, unverifyCovered };
    const held = await this.#commit(page.skipped, (tx) =>
      storeHistory(tx, {
        channelId: this.#ref.id,
        ptsAtCall: channel.pts,
        ...passes,
        messages: page.messages,
        covers,
        skippedIds: page.skipped.map((each) => each.id),
        topMessageId: Math.max(upper, ...idsOf(page), this.#sight.floor - 1),
        readAt,
      }),
    );
    return held ? "read" : "claimed";
  }

  /** Commits one page and renews the claim with it. False where the claim had run out and is somebody else's now. */
  async #commit(
    skipped: readonly { id: number; reason: string }[],
    store: (tx: WorkerTx) => Promise<PageResult>,
  ): Promise<boolean> {
    const { held, result } = await this.#account.commit(async (tx) => {
      const result = await store(tx);
      tracePage(this.#ref.id, result);
      if (skipped.length > 0) await recordSkipped(tx, this.#ref.id, skipped);
      return { result, held: await claimChannel(tx, this.#claim) };
    });
    countPage(this.#tally, result, this.#deps.metrics);
    announce(this.#deps.changed, this.#ref.id, result);
    return held;
  }
}

function everyId(from: number, to: number, among: ReadonlySet<number>): boolean {
  for (let id = from; id <= to; id += 1) if (!among.has(id)) return false;
  return true;
}
