import { describe, expect, it } from "vitest";
import type { HistoryPage } from "../../telegram/api.ts";
import { createHistoryPages } from "../../workers/backfill/history-pages.ts";
import { eventually } from "../support/eventually.ts";
import { post } from "../support/posts.ts";

const PAGE = 10;

const dateOf = (id: number) => 1_700_000_000_000 + id * 60_000;

/** A channel with ids up to 1,000; each call is answered when the test says so, or at once. */
function telegram(options: { atOnce?: boolean; failsAt?: number } = {}) {
  const offsets: number[] = [];
  const waiting: (() => void)[] = [];
  return {
    offsets,
    /** Answers the call on its way. */
    async answer(): Promise<void> {
      await settled();
      waiting.shift()?.();
      await settled();
    },
    async history(_channel: unknown, { offsetId }: { offsetId: number }): Promise<HistoryPage> {
      offsets.push(offsetId);
      if (!options.atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
      if (offsetId === options.failsAt) throw new Error("no such luck");
      const ids = Array.from({ length: Math.min(PAGE, offsetId - 1) }, (_, index) => offsetId - 1 - index);
      return {
        messages: ids.map((id) => post({ id, date: new Date(dateOf(id)) })),
        skipped: [],
        pts: null,
        count: 1_000,
      };
    },
  };
}
/** Everything that was ready to go on has gone on. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

const pagesOf = (
  api: ReturnType<typeof telegram>,
  mayAsk = () => true,
  prepare: (page: HistoryPage) => void = () => {},
) => createHistoryPages({ api, channel: { id: 1n, accessHash: 1n }, pageSize: PAGE, mayAsk, prepare, now: () => 5 });
const all = { offsetId: 1_001, lowest: 1, most: null };

describe("pages of a channel's history", () => {
  it("the first is given as soon as it is there, and the next asked for meanwhile", async () => {
    const api = telegram();
    const pages = pagesOf(api);
    pages.start(all);
    expect(pages.has(1_001)).toBe(true);
    const first = pages.take();
    await api.answer();
    expect((await first).map(({ offsetId, readAt }) => [offsetId, readAt.getTime()])).toEqual([[1_001, 5]]);
    await settled();
    expect([pages.has(991), pages.has(981)]).toEqual([true, false]);
    expect(api.offsets).toEqual([1_001, 991]);
    pages.drop();
  });

  it("each is prepared when the next one has been asked for", async () => {
    const api = telegram();
    const prepared: (readonly [number, number])[] = [];
    const prepare = ({ messages }: HistoryPage) => prepared.push([messages[0]!.id, api.offsets.at(-1)!]);
    const pages = pagesOf(api, undefined, prepare);
    pages.start(all);
    await api.answer();
    await eventually(() => prepared.length === 1);
    await api.answer();
    await eventually(() => prepared.length === 2);
    expect(prepared).toEqual([
      [1_000, 991],
      [990, 981],
    ]);
    pages.drop();
  });

  it("those that follow come several together, or alone after a moment", async () => {
    const api = telegram();
    const pages = pagesOf(api);
    pages.start(all);
    await api.answer();
    expect(await pages.take()).toHaveLength(1);
    for (let page = 0; page < 12; page += 1) await api.answer();
    expect((await pages.take()).map(({ offsetId }) => offsetId)).toEqual([
      991, 981, 971, 961, 951, 941, 931, 921, 911, 901, 891, 881,
    ]);
    const alone = pages.take();
    await api.answer();
    expect((await alone).map(({ offsetId }) => offsetId)).toEqual([871]);
    pages.drop();
  });

  it("no more than twenty wait, however fast they come", async () => {
    const api = telegram({ atOnce: true });
    const pages = pagesOf(api);
    pages.start(all);
    await settled();
    expect(api.offsets).toHaveLength(20);
    await settled();
    expect(await pages.take()).toHaveLength(20);
    await settled();
    expect(api.offsets).toHaveLength(40);
    pages.drop();
    await settled();
    expect(api.offsets).toHaveLength(40);
  });

  it("end where the hole does, the plan's depth, or what is kept", async () => {
    const whole = telegram({ atOnce: true });
    const toItsEnd = pagesOf(whole);
    toItsEnd.start({ offsetId: 31, lowest: 12, most: null });
    await settled();
    expect(whole.offsets).toEqual([31, 21]);
    await toItsEnd.take();
    expect(toItsEnd.has(11)).toBe(false);

    const deep = telegram({ atOnce: true });
    pagesOf(deep).start({ ...all, most: 25 });
    await settled();
    expect(deep.offsets).toEqual([1_001, 991, 981]);

    const long = telegram({ atOnce: true });
    pagesOf(long).start(all, new Date(dateOf(975)));
    await settled();
    expect(long.offsets).toEqual([1_001, 991, 981]);
  });

  it("are no more asked for once a job has had its share", async () => {
    const api = telegram({ atOnce: true });
    const pages = pagesOf(api, () => pages.asked < 3);
    pages.start(all);
    await settled();
    expect(await pages.take()).toHaveLength(3);
    await settled();
    expect([pages.asked, pages.has(971)]).toEqual([3, false]);
  });

  it("an error is the next page's: what came before it is given first", async () => {
    const pages = pagesOf(telegram({ atOnce: true, failsAt: 981 }));
    pages.start(all);
    await settled();
    expect((await pages.take()).map(({ offsetId }) => offsetId)).toEqual([1_001, 991]);
    expect(pages.has(981)).toBe(true);
    await expect(pages.take()).rejects.toThrow("no such luck");
  });

  it("dropped, they are asked for anew, and an error of one that nobody takes is nobody's", async () => {
    const api = telegram({ atOnce: true, failsAt: 991 });
    const pages = pagesOf(api);
    pages.start(all);
    await settled();
    pages.drop();
    expect(pages.has(1_001)).toBe(false);
    pages.start(all);
    await settled();
    expect(api.offsets).toEqual([1_001, 991, 1_001, 991]);
  });
});
