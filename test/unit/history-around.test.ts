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
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    async history(_: unknown, page: { offsetId: number; limit: number; addOffset?: number; minId?: number }) {
      calls += 1;
      const below = ids
        .filter((id) => (page.offsetId === 0 || id < page.offsetId) && id > (page.minId ?? 0))
        .sort((a, b) => b - a);
      const start = page.addOffset ?? 0;
      return answer(below.slice(start, start + page.limit), ids.length);
    },
    async byId(_: unknown, asked: readonly number[]) {
      calls += 1;
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

  it.each<[string, number[], number[]]>([
    ["only a few can be read", [1001, 1002, 1003, 1004, 1005, 1006], [1003, 1004, 1005, 1006]],
    ["nothing can be read", [501, 502, 503], [501, 502, 503]],
    ["its only post cannot be read", [2_000_000], [2_000_000]],
    ["it begins far up", [2_000_000, 2_000_001, 2_000_250], [2_000_000, 2_000_250]],
    ["the top is far above the rest", [7, 500, 2_147_483_647], [500, 2_147_483_647]],
    ["the bottom is far below the rest", [3, 1_999_999_999, 2_000_000_000], [3, 1_999_999_999]],
    ["more than 64 at the top cannot be read", upTo(200), upTo(200).slice(120)],
    ["hardly anything can be read", upTo(150), upTo(150).filter((id) => id !== 40)],
  ])("leads through a whole channel where %s", async (_what, ids, unreadable) => {
    const channel = channelOf(ids, unreadable);
    const read: number[] = [];
    const skipped: number[] = [];
    for (let offsetId = 0; ; offsetId = Math.min(...read, ...skipped)) {
      const page = await historyAround(channel, NEWS, { offsetId, limit: 100 });
      if (page.messages.length + page.skipped.length === 0) break;
      read.push(...page.messages.map(({ id }) => id));
      skipped.push(...page.skipped.map(({ id }) => id));
    }
    const descending = (list: number[]) => [...list].sort((a, b) => b - a);
    expect(descending(skipped)).toEqual(descending(unreadable));
    expect(descending(read)).toEqual(descending(ids.filter((id) => !unreadable.includes(id))));
    // One by one over 2,000,000 ids would be 20,000 calls.
    expect(channel.calls).toBeLessThan(350);
  });
});
