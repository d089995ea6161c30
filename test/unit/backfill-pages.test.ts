import { expect, it } from "vitest";
import type { HistoryPage } from "../../telegram/api.ts";
import { createHistoryPages } from "../../workers/backfill/history-pages.ts";

function telegram() {
  const offsets: number[] = [];
  return {
    offsets,
    async history(_channel: unknown, { offsetId }: { offsetId: number }): Promise<HistoryPage> {
      offsets.push(offsetId);
      if (offsetId === 13) throw new Error("no such luck");
      return { messages: [], skipped: [], pts: null, count: offsetId };
    },
  };
}
const pagesOf = (api: ReturnType<typeof telegram>) =>
  createHistoryPages({ api, channel: { id: 1n, accessHash: 1n }, pageSize: 100, now: () => 5 });

it("takes the page that is on its way, and asks for it only once", async () => {
  const api = telegram();
  const pages = pagesOf(api);
  pages.ask(50);
  expect(pages.has(50)).toBe(true);
  await expect(pages.take(50)).resolves.toMatchObject({ page: { count: 50 }, readAt: new Date(5) });
  expect(pages.has(50)).toBe(false);
  expect(api.offsets).toEqual([50]);
});

it("asks anew where another page is wanted, or the one on its way was dropped", async () => {
  const api = telegram();
  const pages = pagesOf(api);
  pages.ask(50);
  await pages.take(40);
  pages.ask(30);
  pages.drop();
  await pages.take(30);
  expect(api.offsets).toEqual([50, 40, 30, 30]);
  expect(pages.asked).toBe(4);
});

it("leaves the error of a page that nobody takes to nobody, and gives it to whoever takes it", async () => {
  const pages = pagesOf(telegram());
  pages.ask(13);
  pages.drop();
  pages.ask(13);
  await expect(pages.take(13)).rejects.toThrow("no such luck");
});
