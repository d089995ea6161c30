import type { ChannelRef, HistoryPage, TelegramApi } from "../../telegram/api.ts";

interface Asked {
  readonly offsetId: number;
  readonly readAt: Date;
  readonly page: Promise<HistoryPage>;
}

/** Pages of one channel's history, one of which may be on its way while another is stored. */
export interface HistoryPages {
  /** Pages asked for so far. */
  readonly asked: number;
  /** Whether the page below `offsetId` is on its way. */
  has(offsetId: number): boolean;
  /** Asks for the page below `offsetId`, to be taken later. */
  ask(offsetId: number): void;
  /** The page below `offsetId`, which is asked for now unless it is on its way. */
  take(offsetId: number): Promise<{ readonly page: HistoryPage; readonly readAt: Date }>;
  /** Forgets the page on its way: it was asked under a pts that is no longer the channel's. */
  drop(): void;
}

export function createHistoryPages(options: {
  api: Pick<TelegramApi, "history">;
  channel: ChannelRef;
  pageSize: number;
  now: () => number;
}): HistoryPages {
  let asked = 0;
  let ahead: Asked | null = null;
  const start = (offsetId: number): Asked => {
    asked += 1;
    const page = options.api.history(options.channel, { offsetId, limit: options.pageSize });
    // Whoever takes it gets its error; where nobody does any more, it is nobody's.
    page.catch(() => {});
    return { offsetId, readAt: new Date(options.now()), page };
  };
  return {
    get asked() {
      return asked;
    },
    has: (offsetId) => ahead?.offsetId === offsetId,
    ask(offsetId) {
      ahead = start(offsetId);
    },
    async take(offsetId) {
      const taken = ahead?.offsetId === offsetId ? ahead : start(offsetId);
      ahead = null;
      return { page: await taken.page, readAt: taken.readAt };
    },
    drop() {
      ahead = null;
    },
  };
}
