import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { claimDue, finish } from "../../db/schedules.ts";
import { setHold } from "../../db/sessions.ts";
import { deleteOldWaits, recordWait } from "../../db/waits.ts";
import { Snooze } from "../../queue/outcome.ts";
import { WaitRunning } from "../../telegram/errors.ts";
import { FakeChannel, FakeTelegram } from "../support/fake-telegram.ts";
import { startParsing, type TestUser } from "../support/parsing.ts";

let parsing: Awaited<ReturnType<typeof startParsing>>;
beforeAll(async () => {
  parsing = await startParsing({ historyDepthFree: 250, backfillPagesPerJob: 3 });
});
afterAll(() => parsing.close());

let number = 1_000n;
const next = () => {
  number += 1n;
  return number;
};

/** A channel of which one parse has read the head. */
async function started(posts: number, plan: "free" | "premium" = "premium") {
  const id = next();
  const channel = new FakeChannel(id, `channel_${id}`);
  channel.post(posts);
  const api = new FakeTelegram([channel]);
  const user = await parsing.addUser(next(), api, [channel.username], plan);
  await parsing.parse(user);
  api.calls.length = 0;
  return { channel, api, user };
}

/** Runs the job as the queue does, until it ends; gives how often it went back to the queue. */
async function drain(user: TestUser, channel: FakeChannel): Promise<number> {
  for (let snoozes = 0; snoozes < 50; snoozes += 1) {
    try {
      await parsing.backfill(user, channel.id);
      return snoozes;
    } catch (error) {
      if (!(error instanceof Snooze)) throw error;
      expect(error.urgency).toBe("backfill");
    }
  }
  throw new Error("never ends");
}
const storedIds = async (channel: FakeChannel) => (await parsing.rows(channel.id)).map((row) => row.id);
const upTo = (top: number, from = 1) => Array.from({ length: top - from + 1 }, (_, index) => from + index);

describe("backfill", () => {
  it("reads what is missing, newest first, a few pages a job, until nothing is", async () => {
    const { channel, api, user } = await started(950);
    for (const id of [1, 2, 3, 400, 401]) channel.messages.delete(id);
    expect(await drain(user, channel)).toBeGreaterThanOrEqual(2);
    expect(await storedIds(channel)).toEqual(upTo(950).filter((id) => ![1, 2, 3, 400, 401].includes(id)));
    expect(await parsing.channel(channel.id)).toMatchObject({ covered: [{ from: 1, to: 950 }], unverified: [] });
    // 846 messages are 9 pages; the empty one below them proves the beginning.
    expect(api.calls).toEqual(Array(10).fill("history"));
    await expect(parsing.backfill(user, channel.id)).resolves.toEqual({ outcome: "complete" });
  });

  it("waits for a first read that is under way elsewhere, and then reads what that left", async () => {
    const id = next();
    const channel = new FakeChannel(id, `channel_${id}`);
    channel.post(250);
    const user = await parsing.addUser(next(), new FakeTelegram([channel]), [channel.username]);
    const meanwhile = vi.fn(async () => {
      await parsing.parse(user);
      const asked = parsing.enqueued.filter((job) => "userId" in job.data && job.data.userId === String(user.userId));
      expect(asked).toMatchObject([{ name: "backfill-channel", data: { channelId: String(id) } }]);
      await expect(parsing.backfill(user, id)).rejects.toThrow("another account reads the channel's news");
    });
    class Slow extends FakeTelegram {
      override async history(...page: Parameters<FakeTelegram["history"]>) {
        await meanwhile();
        return super.history(...page);
      }
    }
    const other = await parsing.addUser(next(), new Slow([channel]), [channel.username]);
    await parsing.parse(other);
    expect(meanwhile).toHaveBeenCalledOnce();
    await drain(user, channel);
    expect(await storedIds(channel)).toEqual(upTo(250));
  });

  it("reads what another's read of the news left, though that plan does not reach back as far", async () => {
    const { channel, api, user } = await started(900);
    await drain(user, channel);
    class Slow extends FakeTelegram {
      override async history(...page: Parameters<FakeTelegram["history"]>) {
        await meanwhile();
        return super.history(...page);
      }
    }
    const free = await parsing.addUser(next(), new Slow([channel]), [channel.username], "free");
    channel.edit(9, "edited unseen");
    channel.post(1);
    channel.oldestPts = channel.pts;
    const meanwhile = vi.fn(async () => {
      parsing.enqueued.length = 0;
      await parsing.parse(user);
      expect(parsing.enqueued).toMatchObject([{ name: "backfill-channel", data: { whole: true } }]);
    });
    await parsing.parse(free);
    expect(meanwhile).toHaveBeenCalledOnce();
    await drain(free, channel);
    expect((await parsing.channel(channel.id))?.unverified).not.toEqual([]);
    api.calls.length = 0;
    await drain(user, channel);
    expect(await parsing.channel(channel.id)).toMatchObject({ covered: [{ from: 1, to: 901 }], unverified: [] });
    expect((await parsing.rows(channel.id)).find((row) => row.id === 9)?.text).toBe("edited unseen");
  });

  it("stops at the depth of a free plan", async () => {
    const { channel, api, user } = await started(950, "free");
    await drain(user, channel);
    const stored = await storedIds(channel);
    expect(stored.length).toBeGreaterThanOrEqual(250);
    expect(stored.length).toBeLessThan(350);
    expect(stored).toEqual(upTo(950, stored[0]));
    expect(api.calls.length).toBe(2);
  });

  it("verifies again what TooLong made doubtful, and marks what is gone", async () => {
    const { channel, user } = await started(80);
    channel.remove(7);
    channel.edit(9, "edited unseen");
    channel.post(300);
    channel.oldestPts = channel.pts;
    await parsing.parse(user);
    await drain(user, channel);
    const rows = await parsing.rows(channel.id);
    expect(rows.map((row) => row.id)).toEqual(upTo(380));
    expect(rows.filter((row) => row.deleted).map((row) => row.id)).toEqual([7]);
    expect(rows.find((row) => row.id === 9)).toMatchObject({ text: "edited unseen", versions: 1 });
    expect(await parsing.channel(channel.id)).toMatchObject({ covered: [{ from: 1, to: 380 }], unverified: [] });
  });

  it("takes what came without an edit date, where no difference told of it", async () => {
    const { channel, user } = await started(20);
    parsing.clock.pass(1);
    const before = channel.messages.get(9);
    if (before) channel.messages.set(9, { ...before, text: "with a preview by now" });
    channel.post(1);
    channel.oldestPts = channel.pts;
    await parsing.parse(user);
    await drain(user, channel);
    expect((await parsing.rows(channel.id)).find((row) => row.id === 9)?.text).toBe("with a preview by now");
  });

  it("reads a page again whose channel moved on meanwhile", async () => {
    const { channel, api, user } = await started(250);
    const other = await parsing.addUser(next(), new FakeTelegram([channel]), [channel.username]);
    let moved = false;
    api.before = async () => {
      if (moved) return;
      moved = true;
      channel.post(1);
      await parsing.parse(other);
    };
    await drain(user, channel);
    expect(await storedIds(channel)).toEqual(upTo(251));
    expect(await parsing.channel(channel.id)).toMatchObject({ covered: [{ from: 1, to: 251 }] });
  });

  it("makes way for its own user's parse, unless that waits for Telegram", async () => {
    const { channel, api, user } = await started(950);
    await parsing.database.asWorker((tx) => finish(tx, user.userId, new Date(Date.now() - 1_000)));
    await parsing.database.asWorker((tx) => claimDue(tx, 10));
    await expect(parsing.backfill(user, channel.id)).rejects.toThrow("the user's parse is due");
    expect(api.calls).toEqual([]);
    const wait = { telegramId: user.telegramId, method: "contacts.resolveUsername", chatId: 0n, seconds: 3_600 };
    await parsing.database.asWorker((tx) => recordWait(tx, wait));
    await drain(user, channel);
    expect(await storedIds(channel)).toEqual(upTo(950));
  });

  it("has nothing to do for who has lost the channel, or never had it", async () => {
    const { channel, user } = await started(250);
    const stranger = await parsing.addUser(next(), new FakeTelegram([channel]), []);
    await expect(parsing.backfill(stranger, channel.id)).resolves.toEqual({ outcome: "out of reach" });
    channel.isPrivate = true;
    await expect(parsing.backfill(user, channel.id)).resolves.toMatchObject({ outcome: "out of reach" });
    channel.isPrivate = false;
    await expect(parsing.backfill(user, channel.id)).resolves.toEqual({ outcome: "out of reach" });
  });

  it("makes way for no parse that nobody may start: it would keep others from the channel for ever", async () => {
    const { channel, user } = await started(250);
    await parsing.database.asWorker((tx) => setHold(tx, user.sessionId, "frozen", true));
    await parsing.database.asWorker((tx) => finish(tx, user.userId, new Date(parsing.clock.now() - 1_000)));
    await expect(parsing.backfill(user, channel.id)).rejects.not.toBeInstanceOf(Snooze);
  });

  it("ends where its account waits for long, so that another account may read the channel", async () => {
    const { channel, api, user } = await started(250);
    const hours = 15;
    api.before = () => {
      throw new WaitRunning("messages.getHistory", new Date(parsing.clock.now() + hours * 3_600_000), "method");
    };
    await expect(parsing.backfill(user, channel.id)).resolves.toMatchObject({ outcome: "waiting" });
    const wait = { telegramId: user.telegramId, method: "messages.getHistory", chatId: 0n, seconds: hours * 3_600 };
    await parsing.database.asWorker((tx) => recordWait(tx, wait));
    api.before = () => {};
    await expect(parsing.backfill(user, channel.id)).resolves.toEqual({ outcome: "waiting" });
    expect(api.calls).toEqual([]);
    api.before = () => {
      throw new WaitRunning("messages.getHistory", new Date(parsing.clock.now() + 5_000), "method");
    };
    await parsing.database.asWorker((tx) => deleteOldWaits(tx, -hours * 3_600_000 - 60_000));
    await expect(parsing.backfill(user, channel.id)).rejects.toThrow("waits until");
  });
});
