import type { ChannelRef, HistoryPage, TelegramApi } from "../../telegram/api.ts";
import { idsOf } from "../parse/coverage.ts";
import type { HoleInReach } from "../parse/depth.ts";

/** One page, as Telegram gave it. */
export interface ReadPage {
  /** It lies below this id. */
  readonly offsetId: number;
  /** When it was asked for. */
  readonly readAt: Date;
  readonly page: HistoryPage;
}

/**
 * Pages of one channel's history, newest first: the next one is on its way while others are being stored. So many at
 * most wait to be stored, however fast Telegram is: memory stays flat.
 */
export interface HistoryPages {
  /** Pages asked for so far. */
  readonly asked: number;
  /** Whether the page below `offsetId` is the next to be taken. */
  has(offsetId: number): boolean;
  /**
   * Asks for the page below the hole's offset, and goes on with those below it, as far as the hole is within reach, down
   * to the first message that was published before `since`.
   */
  start(hole: HoleInReach, since?: Date | null): void;
  /**
   * The next pages, each below the one before: the first one as soon as it is there, then as many as come within a
   * moment, since one commit of ten costs less than half of ten commits.
   *
   * @throws what the call for the next page threw
   */
  take(): Promise<readonly ReadPage[]>;
  /** Asks for no page more; those here and on their way may be taken. */
  stop(): void;
  /** Forgets what is here and on its way: it was asked for under a pts that is no longer the channel's. */
  drop(): void;
}

/** Pages in one commit: 1,000 rows, above which a row costs hardly less. */
const TOGETHER = 10;
/** Pages that wait to be stored. */
const MOST_AHEAD = 2 * TOGETHER;
/** By then a request that is about to be made has gone out. */
const ON_ITS_WAY_MS = 1;
/** A page that waits for others waits no longer: whoever follows the channel is to see it. */
const MOMENT_MS = 250;

export function createHistoryPages(options: {
  api: Pick<TelegramApi, "history">;
  channel: ChannelRef;
  pageSize: number;
  /** Asked before each page but a hole's first one. */
  mayAsk: () => boolean;
  /** Told of each page when the next one is on its way: what can be done before it is stored is done meanwhile. */
  prepare: (page: HistoryPage) => void;
  now: () => number;
}): HistoryPages {
  const { api, channel, pageSize, mayAsk, prepare, now } = options;
  let asked = 0;
  let reading: Reading | null = null;

  /** Until it is told to stop, comes to the end, or fails. */
  async function read(own: Reading, { offsetId, lowest, most }: HoleInReach, since: Date | null): Promise<void> {
    let messages = 0;
    let below = offsetId;
    for (;;) {
      asked += 1;
      const readAt = new Date(now());
      const page = await api.history(channel, { offsetId: below, limit: pageSize });
      const ids = idsOf(page);
      const next = Math.min(...ids);
      messages += ids.length;
      const isOld = since !== null && page.messages.some(({ date }) => date < since);
      const goesOn = next > lowest && next < below && (most === null || messages < most) && !isOld;
      own.bring({ offsetId: below, readAt, page }, goesOn ? next : null);
      setTimeout(prepare, ON_ITS_WAY_MS, page);
      if (!goesOn) return;
      await own.room();
      if (own.stopped || !mayAsk()) return;
      below = next;
    }
  }

  return {
    get asked() {
      return asked;
    },
    has: (offsetId) => reading?.next === offsetId,
    start(hole, since = null) {
      reading?.stop();
      const own = new Reading(hole.offsetId);
      reading = own;
      read(own, hole, since).then(
        () => own.end(null),
        (error: unknown) => own.end({ error }),
      );
    },
    async take() {
      if (!reading) throw new Error("no page was asked for");
      return reading.take();
    },
    stop: () => reading?.stop(),
    drop() {
      reading?.stop();
      reading = null;
    },
  };
}

/** One hole's pages on their way: who reads puts pages in, who stores takes them out. */
class Reading {
  stopped = false;
  #ready: ReadPage[] = [];
  /** The offset of the page after those that are here; null where there is none. */
  #upcoming: number | null;
  #ended: { readonly failure: { readonly error: unknown } | null } | null = null;
  #taken = 0;
  /** Wakes who reads; looks whether who stores has enough. */
  #makeRoom: (() => void) | null = null;
  #look: (() => void) | null = null;

  constructor(offsetId: number) {
    this.#upcoming = offsetId;
  }

  get next(): number | null {
    return this.#ready[0]?.offsetId ?? this.#upcoming;
  }

  bring(page: ReadPage, next: number | null): void {
    this.#ready.push(page);
    this.#upcoming = next;
    this.#look?.();
  }

  /** Settles when there is room for another page, or nobody wants one. */
  async room(): Promise<void> {
    while (this.#ready.length >= MOST_AHEAD && !this.stopped)
      await new Promise<void>((resolve) => {
        this.#makeRoom = resolve;
      });
  }

  async take(): Promise<readonly ReadPage[]> {
    await this.#untilThereAre(this.#taken === 0 ? 1 : TOGETHER);
    const pages = this.#ready.splice(0);
    this.#makeRoom?.();
    if (pages.length > 0) {
      this.#taken += pages.length;
      return pages;
    }
    if (this.#ended?.failure) throw this.#ended.failure.error;
    return [];
  }

  /** Or fewer, where no more come, or not within a moment after the first. */
  async #untilThereAre(wanted: number): Promise<void> {
    let timer: NodeJS.Timeout | null = null;
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (this.#ended || this.#ready.length >= wanted) resolve();
        else if (this.#ready.length > 0) timer ??= setTimeout(resolve, MOMENT_MS);
      };
      this.#look();
    });
    if (timer) clearTimeout(timer);
    this.#look = null;
  }

  stop(): void {
    this.stopped = true;
    this.#makeRoom?.();
  }

  end(failure: { readonly error: unknown } | null): void {
    // An error is the next page's; without one there is none.
    if (!failure) this.#upcoming = null;
    this.#ended = { failure };
    this.#look?.();
  }
}
