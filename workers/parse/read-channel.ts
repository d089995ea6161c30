import { randomUUID } from "node:crypto";
import {
  type Channel,
  type ChannelAccess,
  claimChannel,
  loadChannels,
  raiseTop,
  releaseChannel,
} from "../../db/channels.ts";
import type { Database, WorkerTx } from "../../db/database.ts";
import { type PageResult, PageStale, recordSkipped, storeDifference, storeHistory } from "../../db/messages.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import type { ChannelDifference, ChannelRef } from "../../telegram/api.ts";
import { PeerGone, PtsUnusable } from "../../telegram/errors.ts";
import { announce, type Changed } from "./announce.ts";
import { highestKnown, historyCovers, idsOf, range } from "./coverage.ts";
import { decide, isBehind, type Seen } from "./decide.ts";
import { countPage, type Tally } from "./tally.ts";

/** A page may turn out stale as often as somebody else reads the same channel; more than this is left for next time. */
const ROUNDS = 3;

export interface ReaderDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "messagesStored">;
  readonly changed: Changed;
  readonly limits: { readonly channelClaimMs: number; readonly pageSize: number };
}

export interface ReadTarget {
  readonly access: Pick<ChannelAccess, "channelId" | "accessHash" | "joined" | "availableMinId">;
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
  const first = await deps.database.asWorker(async (tx) =>
    (await claimChannel(tx, claim)) ? loadChannels(tx, [channelId]) : null,
  );
  if (!first) return "claimed";
  try {
    const reading = new Reading(deps, account, target, tally, claim);
    let [channel] = first;
    for (let round = 0; channel && round < ROUNDS; round += 1) {
      try {
        return await reading.bringUpToDate(channel);
      } catch (error) {
        if (!(error instanceof PageStale)) throw error;
        [channel] = await deps.database.asWorker((tx) => loadChannels(tx, [channelId]));
      }
    }
    return "behind";
  } finally {
    await deps.database.asWorker((tx) => releaseChannel(tx, claim));
  }
}

class Reading {
  readonly #deps: ReaderDependencies;
  readonly #account: OpenAccount;
  readonly #target: ReadTarget;
  readonly #tally: Tally;
  readonly #claim: { channelId: bigint; token: string; ms: number };
  readonly #ref: ChannelRef;
  /** The lowest id that this account may see. */
  readonly #floor: number;

  constructor(
    deps: ReaderDependencies,
    account: OpenAccount,
    target: ReadTarget,
    tally: Tally,
    claim: { channelId: bigint; token: string; ms: number },
  ) {
    this.#deps = deps;
    this.#account = account;
    this.#target = target;
    this.#tally = tally;
    this.#claim = claim;
    this.#ref = { id: target.access.channelId, accessHash: target.access.accessHash };
    this.#floor = Math.max(1, target.access.availableMinId);
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
    let pts = start.pts ?? 0;
    let known = highestKnown(start);
    for (;;) {
      const readAt = new Date(this.#deps.clock.now());
      let news: ChannelDifference;
      try {
        news = await this.#account.api.channelDifference(this.#ref, { pts, limit: this.#deps.limits.pageSize });
      } catch (error) {
        if (error instanceof PtsUnusable && error.reason === "outdated") return "behind";
        const unusable = error instanceof PtsUnusable;
        // Differences may not be served to an account that has not joined; what it sees is then read anew.
        const unserved = error instanceof PeerGone && !this.#target.access.joined;
        if (unusable || unserved)
          return this.#readHead({ ...start, pts }, { ...seen, pts: Math.max(seen.pts, pts) }, true);
        throw error;
      }
      if (news.kind === "too_long") {
        const now = {
          pts: Math.max(news.pts ?? seen.pts, pts),
          topMessageId: Math.max(news.topMessageId, seen.topMessageId),
        };
        return this.#readHead({ ...start, pts }, now, true);
      }
      const still = news.pts === pts;
      if (still && news.kind === "empty") {
        // Nothing new since our pts, yet a newer message: it is missing here, and backfill fetches it.
        if (seen.topMessageId > known)
          await this.#account.commit((tx) => raiseTop(tx, this.#ref.id, seen.topMessageId));
        return "read";
      }
      const top = await this.#storeNews(news, { pts, known, readAt });
      if (top === null) return "claimed";
      if (news.final || still) return "read";
      pts = news.pts;
      known = top;
    }
  }

  /** Gives the highest id known afterwards, or null where the claim has gone to somebody else. */
  async #storeNews(
    news: DifferenceNews,
    at: { readonly pts: number; readonly known: number; readonly readAt: Date },
  ): Promise<number | null> {
    const full = news.kind === "difference";
    const skipped = full ? news.skipped : [];
    const ids = full ? idsOf({ messages: news.newMessages, skipped }) : [];
    const { seen } = this.#target;
    // A final page tells of everything up to now, so also of what was the top before it was asked for.
    const top = Math.max(at.known, ...ids, news.final && news.pts >= seen.pts ? seen.topMessageId : 0);
    const held = await this.#commit(skipped, (tx) =>
      storeDifference(tx, {
        channelId: this.#ref.id,
        pts: { from: at.pts, to: news.pts },
        messages: full ? [...news.newMessages, ...news.editedMessages] : [],
        deletedIds: full ? news.deletedIds : [],
        pins: full ? news.pins : [],
        counters: full ? (news.counters ?? []) : [],
        covers: range(Math.max(at.known + 1, this.#floor), top),
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
    const covers = historyCovers(page, { offsetId: 0, upper, floor: this.#floor });
    const held = await this.#commit(page.skipped, (tx) =>
      storeHistory(tx, {
        channelId: this.#ref.id,
        ptsAtCall: channel.pts,
        newPts: asOf,
        unverifyCovered,
        messages: page.messages,
        covers,
        skippedIds: page.skipped.map((each) => each.id),
        topMessageId: Math.max(upper, ...idsOf(page), 0),
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
      if (skipped.length > 0) await recordSkipped(tx, this.#ref.id, skipped);
      return { result, held: await claimChannel(tx, this.#claim) };
    });
    countPage(this.#tally, result, this.#deps.metrics);
    announce(this.#deps.changed, this.#ref.id, result);
    return held;
  }
}
