import { describe, expect, it } from "vitest";
import type { HistoryPage } from "../../telegram/api.ts";
import { RpcRefused } from "../../telegram/errors.ts";
import { UNREADABLE_ANSWER } from "../../telegram/gramjs/classify.ts";
import type { MappedPage } from "../../telegram/gramjs/to-message.ts";
import { historyAround } from "../../telegram/gramjs/unreadable.ts";
import { historyCovers } from "../../workers/parse/coverage.ts";
import { post } from "../support/posts.ts";

const NEWS = { id: 1n, accessHash: 7n };

/** A channel of these ids, of which some cannot be read. Counts are Telegram's: of the channel, or of what was asked. */
function channelOf(ids: readonly number[], unreadable: readonly number[]) {
  const answer = (found: readonly number[], count: number, empty: readonly number[] = []): HistoryPage & MappedPage => {
    if (found.some((id) => unreadable.includes(id))) throw new RpcRefused(UNREADABLE_ANSWER, "test", 0);
    return { messages: found.map((id) => post({ id })), empty, skipped: [], pts: null, count };
  };
  return {
    async history(_: unknown, page: { offsetId: number; limit: number; addOffset?: number }) {
      const below = ids.filter((id) => page.offsetId === 0 || id < page.offsetId).sort((a, b) => b - a);
      const start = page.addOffset ?? 0;
      return answer(below.slice(start, start + page.limit), ids.length);
    },
    async byId(_: unknown, asked: readonly number[]) {
      const empty = asked.filter((id) => !ids.includes(id));
      return answer(
        asked.filter((id) => ids.includes(id)),
        asked.length,
        empty,
      );
    },
  };
}
const upTo = (top: number) => Array.from({ length: top }, (_, index) => index + 1);

describe("a history page around what cannot be read", () => {
  it("is never taken for the whole channel: what is below it would count as deleted", async () => {
    for (const unreadable of [[300], [150, 299], [300, 299, 298, 296, 292, 284, 268]]) {
      const page = await historyAround(channelOf(upTo(300), unreadable), NEWS, { offsetId: 0, limit: 100 });
      const covers = historyCovers(page, { offsetId: 0, upper: 300, floor: 1 });
      const lowest = Math.min(...[...page.messages, ...page.skipped].map(({ id }) => id));
      expect(covers).toEqual({ from: lowest, to: 300 });
      expect(lowest).toBeGreaterThan(1);
    }
  });

  it.each([
    { ids: [1001, 1002, 1003, 1004], unreadable: [1002, 1003, 1004], readable: [1001] },
    { ids: [1001, 1002, 1003, 1004, 1005, 1006], unreadable: [1003, 1004, 1005, 1006], readable: [1002] },
    { ids: [7, 500], unreadable: [500], readable: [7] },
  ])("finds the newest that can be read of a few: %j", async ({ ids, unreadable, readable }) => {
    const page = await historyAround(channelOf(ids, unreadable), NEWS, { offsetId: 0, limit: 100 });
    expect(page.messages.map(({ id }) => id).sort()).toEqual(readable);
  });

  it("is given up where nothing can be read", async () => {
    const page = historyAround(channelOf([501, 502, 503], [501, 502, 503]), NEWS, { offsetId: 0, limit: 100 });
    await expect(page).rejects.toThrow(UNREADABLE_ANSWER);
  });
});
