import { afterAll, beforeAll, expect, it } from "vitest";
import { Snooze } from "../../queue/outcome.ts";
import { FakeChannel, FakeTelegram } from "../support/fake-telegram.ts";
import { startParsing, type TestUser } from "../support/parsing.ts";

const USERS = 12;
const CHANNELS = 10;
/** API IDs have queues of their own, so that each has its own job for one channel. */
const QUEUES = 3;

let parsing: Awaited<ReturnType<typeof startParsing>>;
beforeAll(async () => {
  parsing = await startParsing();
});
afterAll(() => parsing.close());

interface Reader {
  readonly api: FakeTelegram;
  readonly user: TestUser;
}

/** People who all follow the same channels, from their first parse through three rounds of news. */
async function followed(people: number, from: bigint): Promise<number> {
  const channels = Array.from({ length: CHANNELS }, (_, index) => {
    const id = from + BigInt(index);
    const channel = new FakeChannel(id, `channel_${id}`);
    channel.post(350);
    return channel;
  });
  const names = channels.map((channel) => channel.username);
  const readers: Reader[] = [];
  for (let index = 0; index < people; index += 1) {
    const api = new FakeTelegram(channels);
    readers.push({ api, user: await parsing.addUser(from + 1_000n + BigInt(index), api, names) });
  }
  const parseAll = () => Promise.all(readers.map(({ user }) => parsing.parse(user)));
  await parseAll();
  const jobs = channels.flatMap((channel) => readers.slice(0, QUEUES).map(({ user }) => backfill(user, channel.id)));
  await Promise.all(jobs);
  for (let round = 0; round < 3; round += 1) {
    for (const channel of channels) {
      channel.post(130);
      channel.edit(round + 1, `round ${round}`);
      channel.remove(100 + round);
    }
    await parseAll();
  }
  for (const channel of channels)
    expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts, covered: [{ from: 1, to: 740 }] });
  const counted = new Set(["history", "channelDifference"]);
  return readers.reduce((sum, { api }) => sum + api.calls.filter((call) => counted.has(call)).length, 0);
}

/** As its queue runs it: again and again until it ends. */
async function backfill(user: TestUser, channelId: bigint): Promise<void> {
  for (;;) {
    try {
      await parsing.backfill(user, channelId);
      return;
    } catch (error) {
      const outcome = parsing.outcomeOf(error, { starts: 1 });
      if (!(outcome instanceof Snooze)) throw error;
    }
  }
}

it("costs many who follow the same channels as many history and difference calls as one", async () => {
  const one = await followed(1, 10_000n);
  const many = await followed(USERS, 20_000n);
  expect(one).toBeGreaterThanOrEqual(CHANNELS * 7);
  expect(many / one).toBeLessThanOrEqual(1.1);
}, 120_000);
