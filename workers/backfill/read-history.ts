import type { Channel } from "../../db/channels.ts";
import type { WorkerTx } from "../../db/database.ts";
import { type PageResult, PageStale, prepareRows, recordSkipped, storeHistory } from "../../db/messages.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { OpenAccount } from "../../telegram/account.ts";
import type { ChannelRef } from "../../telegram/api.ts";
import { historyCovers, range, seemsWhole } from "../parse/coverage.ts";
import { isBehind } from "../parse/decide.ts";
import type { HoleInReach } from "../parse/depth.ts";
import type { Sight } from "../parse/sight.ts";
import { tracePage } from "../parse/trace-page.ts";
import { createHistoryPages, type ReadPage } from "./history-pages.ts";

const DAY_MS = 86_400_000;

/** What is to be read next, as far as the database says. */
export interface Outlook {
  readonly channel: Channel;
  /** Null: nothing (more). */
  readonly hole: HoleInReach | null;
  /** Somebody reads its news: whether anything (more) is missing is not known before that ends. */
  readonly awaitsNews: boolean;
  /** The same account is wanted for a due parse, which goes first: no page more is asked for. */
  readonly parseIsDue: boolean;
}

export interface ReadHistoryOptions {
  readonly account: OpenAccount;
  readonly channel: ChannelRef;
  readonly sight: Sight;
  readonly clock: Clock;
  readonly limits: {
    readonly backfillPagesPerJob: number;
    readonly backfillMsPerJob: number;
    readonly pageSize: number;
  };
  /** Looks anew, in the transaction that commits pages or in one of its own. */
  readonly look: (tx: WorkerTx) => Promise<Outlook | null>;
  readonly inTransaction: <T>(work: (tx: WorkerTx) => Promise<T>) => Promise<T>;
  /** Told of what a commit stored. */
  readonly stored: (result: PageResult) => void;
}

/**
 * `done`: nothing more is within reach. `behind`: Telegram knows less than is stored; asked for again by the next parse.
 * `spent`: as many pages or seconds as one job has. The others: as the outlook says.
 */
export type HistoryEnd = "done" | "behind" | "spent" | "awaits news" | "parse is due";

/**
 * Reads what is missing of a channel's history, newest first: pages are fetched while the last ones are being stored, and
 * stored several in one fenced commit. Where the channel's pts moves in between they are thrown away, and read again.
 *
 * @throws what the calls throw; what came before it is stored
 */
export async function readHistory(
  options: ReadHistoryOptions,
  first: Outlook,
): Promise<{ readonly end: HistoryEnd; readonly pages: number }> {
  const { account, sight, clock, limits } = options;
  const startedAt = clock.monotonic();
  const spent = () =>
    pages.asked >= limits.backfillPagesPerJob || clock.monotonic() - startedAt >= limits.backfillMsPerJob;
  const pages = createHistoryPages({
    ...{ api: account.api, channel: options.channel, pageSize: limits.pageSize },
    mayAsk: () => !spent(),
    prepare: (page) => prepareRows(page.messages),
    now: () => clock.now(),
  });
  const ending = (end: HistoryEnd) => ({ end, pages: pages.asked });

  try {
    for (let outlook: Outlook | null = first; outlook; ) {
      const { channel, hole, awaitsNews, parseIsDue }: Outlook = outlook;
      if (awaitsNews) return ending("awaits news");
      if (hole === null) break;
      if (parseIsDue) pages.stop();
      if (!pages.has(hole.offsetId)) {
        if (parseIsDue) return ending("parse is due");
        if (spent()) return ending("spent");
        pages.start(hole, keptSince(channel, clock.now()));
      }
      const taken = await pages.take();
      const current = takeWhile(taken, ({ page }) => !isBehind(page, channel.pts));
      const last = current.at(-1);
      if (last && seemsWhole(last.page, last.offsetId)) await sight.askAgain();
      try {
        if (last) outlook = await commit(options, channel, current);
      } catch (error) {
        if (!(error instanceof PageStale)) throw error;
        pages.drop();
        outlook = await options.inTransaction(options.look);
        continue;
      }
      // What it lacks may be newer than it.
      if (current.length < taken.length) return ending("behind");
    }
    return ending("done");
  } finally {
    pages.drop();
  }
}

/** What was published before is not stored. A page more than that would be read for nothing. */
const keptSince = ({ keptDays }: Channel, now: number): Date | null =>
  keptDays === null ? null : new Date(now - keptDays * DAY_MS);

/** Pages that lie one below the other, as one page. */
async function commit(
  options: ReadHistoryOptions,
  channel: Channel,
  pages: readonly ReadPage[],
): Promise<Outlook | null> {
  const { account, sight } = options;
  const skipped = pages.flatMap(({ page }) => page.skipped);
  const covers = pages.map(({ page, offsetId }) =>
    historyCovers(page, { offsetId, upper: offsetId - 1, floor: sight.floor }),
  );
  const covered = covers.filter((each) => each !== null);
  const { result, outlook } = await account.commit(async (tx) => {
    const result = await storeHistory(tx, {
      channelId: options.channel.id,
      ptsAtCall: channel.pts,
      messages: pages.flatMap(({ page }) => page.messages),
      covers: range(Math.min(...covered.map(({ from }) => from)), Math.max(...covered.map(({ to }) => to))),
      skippedIds: skipped.map(({ id }) => id),
      // Of all of them it is true that they were read after that.
      readAt: pages[0]!.readAt,
    });
    tracePage(options.channel.id, result);
    if (skipped.length > 0) await recordSkipped(tx, options.channel.id, skipped);
    return { result, outlook: await options.look(tx) };
  });
  options.stored(result);
  return outlook;
}

function takeWhile<T>(items: readonly T[], holds: (item: T) => boolean): readonly T[] {
  const end = items.findIndex((item) => !holds(item));
  return end === -1 ? items : items.slice(0, end);
}
