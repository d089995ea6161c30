import { afterAll, beforeAll, expect, it } from "vitest";
import type { HistoryPage } from "../../telegram/api.ts";
import { PtsUnusable } from "../../telegram/errors.ts";
import { FakeChannel, FakeTelegram } from "../support/fake-telegram.ts";
import { startParsing } from "../support/parsing.ts";

/* Telegram's servers do not learn news at the same moment, and what is asked twice may be answered by two of them. */

let parsing: Awaited<ReturnType<typeof startParsing>>;
beforeAll(async () => {
  parsing = await startParsing();
});
afterAll(() => parsing.close());

let number = 1_000n;
async function followed(posts: number) {
  number += 1n;
  const channel = new FakeChannel(number, `channel_${number}`);
  channel.post(posts);
  const api = new FakeTelegram([channel]);
  const user = await parsing.addUser(number, api, [channel.username]);
  const upToDate = FakeTelegram.prototype.history.bind(api);
  /** History is answered as it was before the last `posts` posts. */
  const fallBehind = (posts: number) => {
    api.history = async (ref, at): Promise<HistoryPage> => {
      const page = await upToDate(ref, at);
      const messages = page.messages.filter(({ id }) => id <= channel.topId - posts);
      return { ...page, messages, pts: channel.pts - posts, count: channel.messages.size - posts };
    };
  };
  const catchUp = () => {
    api.history = upToDate;
  };
  const livingIds = async () => (await parsing.rows(channel.id)).filter((row) => !row.deleted).map((row) => row.id);
  return { channel, api, user, fallBehind, catchUp, livingIds };
}
const upTo = (top: number) => Array.from({ length: top }, (_, index) => index + 1);

it("takes nothing for missing that a first page of history does not know yet", async () => {
  const { channel, user, fallBehind, catchUp, livingIds } = await followed(20);
  fallBehind(2);
  await parsing.parse(user);
  expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts - 2, covered: [{ from: 1, to: 18 }] });
  catchUp();
  await parsing.parse(user);
  expect(await livingIds()).toEqual(upTo(20));
  expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts, covered: [{ from: 1, to: 20 }] });
});

it("nor what a page of backfill does not know yet", async () => {
  const { channel, user, fallBehind, catchUp, livingIds } = await followed(20);
  await parsing.parse(user);
  channel.remove(1);
  channel.post(10);
  await parsing.parse(user);
  // All is doubtful, and the history below is read again.
  await parsing.database.asOwner((tx) =>
    tx.updateTable("channels").set({ unverified: "{[1,31)}" }).where("id", "=", channel.id).execute(),
  );
  fallBehind(5);
  await expect(parsing.backfill(user, channel.id)).resolves.toMatchObject({ outcome: "behind" });
  catchUp();
  await expect(parsing.backfill(user, channel.id)).resolves.toMatchObject({ outcome: "complete" });
  expect(await livingIds()).toEqual(upTo(30).slice(1));
});

it("vouches for no more than a difference from behind has told", async () => {
  const { channel, api, user } = await followed(5);
  await parsing.parse(user);
  channel.post(3);
  const upToDate = FakeTelegram.prototype.channelDifference.bind(api);
  api.channelDifference = async (ref, since) => ({ ...(await upToDate(ref, { ...since, limit: 1 })), final: true });
  await parsing.parse(user);
  expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts - 2, covered: [{ from: 1, to: 6 }] });
});

it("never moves a channel's pts back, whatever it was when it was looked at", async () => {
  const { channel, api, user } = await followed(5);
  await parsing.parse(user);
  channel.post(1);
  let pages = 0;
  api.before = (method) => {
    if (method !== "channelDifference") return;
    pages += 1;
    // More has come since the look, and the second page is not to be had.
    if (pages === 1) channel.post(150);
    else throw new PtsUnusable("PERSISTENT_TIMESTAMP_INVALID", "updates.getChannelDifference", "invalid");
  };
  const seen: number[] = [];
  const history = api.history.bind(api);
  api.history = async (ref, at) => {
    seen.push((await parsing.channel(channel.id))?.pts ?? 0);
    return history(ref, at);
  };
  await parsing.parse(user);
  expect((await parsing.channel(channel.id))?.pts).toBeGreaterThanOrEqual(seen[0] ?? Number.POSITIVE_INFINITY);
});
