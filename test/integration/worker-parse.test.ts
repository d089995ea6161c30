import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { claimChannel, subscriptionsOf } from "../../db/channels.ts";
import { insertLease } from "../../db/leases.ts";
import { lastRuns } from "../../db/runs.ts";
import { claimDue, loadSchedule } from "../../db/schedules.ts";
import { transition } from "../../db/sessions.ts";
import { Snooze } from "../../queue/outcome.ts";
import { FloodWait, PtsUnusable, RpcRefused, Transient, WaitRunning } from "../../telegram/errors.ts";
import { FakeChannel, FakeTelegram } from "../support/fake-telegram.ts";
import { startParsing, type TestUser } from "../support/parsing.ts";

let parsing: Awaited<ReturnType<typeof startParsing>>;
beforeAll(async () => {
  parsing = await startParsing({
    through: (database) => ({
      ...database,
      async underLease(lease, work) {
        await beforeCommit();
        return database.underLease(lease, work);
      },
    }),
  });
});
afterAll(() => parsing.close());

/** What happens before each fenced transaction. */
let beforeCommit = async () => {};

let number = 1_000n;
const next = () => {
  number += 1n;
  return number;
};
const newChannel = (posts: number) => {
  const id = next();
  const channel = new FakeChannel(id, `channel_${id}`);
  channel.post(posts);
  return channel;
};
const userOf = async (...channels: FakeChannel[]) => {
  const api = new FakeTelegram(channels);
  const names = channels.map((channel) => channel.username);
  return { api, user: await parsing.addUser(next(), api, names) };
};
const livingIds = async (channel: FakeChannel) =>
  (await parsing.rows(channel.id)).filter((row) => !row.deleted).map((row) => row.id);
const schedule = (user: TestUser) => parsing.database.asWorker((tx) => loadSchedule(tx, user.userId));
const runs = (user: TestUser) => parsing.database.asWorker((tx) => lastRuns(tx, user.userId, 10));

describe("a parse", () => {
  it("resolves names, reads each channel's head, and records the run with the next one's time", async () => {
    const [small, large] = [newChannel(3), newChannel(150)];
    const { api, user } = await userOf(small, large);
    await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", channels: 2, changed: 2, added: 103 });
    expect(api.calls).toEqual(["channelDialogs", "peerDialogs", "history", "history"]);
    expect(await parsing.channel(small.id)).toMatchObject({ pts: small.pts, covered: [{ from: 1, to: 3 }] });
    expect(await parsing.channel(large.id)).toMatchObject({ pts: large.pts, covered: [{ from: 51, to: 150 }] });
    expect((await runs(user))[0]).toMatchObject({ outcome: "done", channels: 2, channelsChanged: 2, added: 103 });
    const after = await schedule(user);
    expect(after?.claimedAt).toBeNull();
    expect(after?.nextParseAt.getTime()).toBeGreaterThan(parsing.clock.now() + 10 * 60_000);
    const asked = parsing.enqueued.filter(
      (job) => job.name === "backfill-channel" && job.data.userId === `${user.userId}`,
    );
    expect(asked.map((job) => job.data)).toMatchObject([{ channelId: large.id.toString(), whole: true }]);
  });

  it.each([3_600_000, -3_600_000])("keeps the schedule where the worker's clock is off by %i ms", async (jump) => {
    const { user } = await userOf(newChannel(1));
    parsing.clock.jump(jump);
    await parsing.parse(user).finally(() => parsing.clock.jump(-jump));
    const [after, [run]] = [await schedule(user), await runs(user)];
    const inMs = (after?.nextParseAt.getTime() ?? 0) - (run?.startedAt.getTime() ?? 0);
    expect(inMs).toBeGreaterThan(10 * 60_000);
    expect(inMs).toBeLessThan(20 * 60_000);
  });

  it("costs one call where nothing is new", async () => {
    const { api, user } = await userOf(newChannel(5), newChannel(5), newChannel(5));
    await parsing.parse(user);
    api.calls.length = 0;
    await expect(parsing.parse(user)).resolves.toMatchObject({ changed: 0, added: 0 });
    expect(api.calls).toEqual(["peerDialogs"]);
  });

  it("follows posts, edits and deletions, over as many pages as it takes", async () => {
    const channel = newChannel(4);
    const { user } = await userOf(channel);
    await parsing.parse(user);
    channel.post(250);
    channel.edit(2, "another text");
    channel.remove(3);
    channel.remove(254);
    await expect(parsing.parse(user)).resolves.toMatchObject({ changed: 1 });
    expect(await livingIds(channel)).toEqual(
      channel
        .newestFirst()
        .map(({ id }) => id)
        .reverse(),
    );
    const rows = await parsing.rows(channel.id);
    expect(rows.find((row) => row.id === 2)).toMatchObject({ text: "another text", versions: 1 });
    expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts, unverified: [] });
  });

  it("has the next difference on its way while the last one is stored", async () => {
    const channel = newChannel(1);
    const { api, user } = await userOf(channel);
    await parsing.parse(user);
    channel.post(250);
    api.calls.length = 0;
    const differences = () => api.calls.filter((method) => method === "channelDifference").length;
    const asked: number[] = [];
    beforeCommit = async () => {
      await new Promise<void>((resolve) => setImmediate(resolve));
      asked.push(differences());
    };
    await parsing.parse(user).finally(() => {
      beforeCommit = async () => {};
    });
    // Before the first and the second page of three are stored, the one after is asked for; after the last is none.
    expect([asked, differences()]).toEqual([[2, 3, 3], 3]);
    expect(await livingIds(channel)).toHaveLength(251);
  });

  it("does not read again what another user's parse has brought up to date", async () => {
    const channel = newChannel(5);
    const [first, second] = [await userOf(channel), await userOf(channel)];
    await parsing.parse(first.user);
    await parsing.parse(second.user);
    expect(second.api.calls).toEqual(["channelDialogs", "peerDialogs"]);
    channel.post(2);
    await parsing.parse(second.user);
    first.api.calls.length = 0;
    await parsing.parse(first.user);
    expect(first.api.calls).toEqual(["peerDialogs"]);
    expect(await livingIds(channel)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("loses and doubles nothing when two accounts read the same channel at once", async () => {
    const channel = newChannel(30);
    const [first, second] = [await userOf(channel), await userOf(channel)];
    await Promise.all([parsing.parse(first.user), parsing.parse(second.user)]);
    channel.post(130);
    await Promise.all([parsing.parse(first.user), parsing.parse(second.user)]);
    expect(await livingIds(channel)).toEqual(Array.from({ length: 160 }, (_, index) => index + 1));
    expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts, covered: [{ from: 1, to: 160 }] });
  });

  it("leaves a channel that somebody else is reading to them, and takes it up once it is free", async () => {
    const channel = newChannel(5);
    const { api, user } = await userOf(channel);
    await parsing.parse(user);
    channel.post(1);
    const claim = { channelId: channel.id, token: randomUUID(), ms: 60_000 };
    await parsing.database.asWorker((tx) => claimChannel(tx, claim));
    await parsing.parse(user);
    expect(api.calls).not.toContain("channelDifference");
    await parsing.database.asWorker((tx) => claimChannel(tx, { ...claim, ms: -1 }));
    await parsing.parse(user);
    expect(await livingIds(channel)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("a difference that is not to be had", () => {
  it("is filled by history after TooLong, and what was covered is unverified", async () => {
    const channel = newChannel(10);
    const { user } = await userOf(channel);
    await parsing.parse(user);
    channel.post(300);
    channel.oldestPts = channel.pts;
    await parsing.parse(user);
    expect(await parsing.channel(channel.id)).toMatchObject({
      pts: channel.pts,
      topMessageId: 310,
      covered: [
        { from: 1, to: 10 },
        { from: 211, to: 310 },
      ],
      unverified: [{ from: 1, to: 10 }],
    });
  });

  it("keeps its pts where Telegram says that it is outdated, and starts over where it is invalid", async () => {
    const channel = newChannel(5);
    const { api, user } = await userOf(channel);
    await parsing.parse(user);
    const pts = channel.pts;
    channel.post(1);
    let reason: "outdated" | "invalid" = "outdated";
    api.before = (method) => {
      if (method === "channelDifference")
        throw new PtsUnusable("PERSISTENT_TIMESTAMP", "updates.getChannelDifference", reason);
    };
    await parsing.parse(user);
    expect(await parsing.channel(channel.id)).toMatchObject({ pts });
    reason = "invalid";
    await parsing.parse(user);
    expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts, unverified: [] });
    expect(await livingIds(channel)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("misses nothing that is posted between the pts and the history of a first read", async () => {
    const channel = newChannel(5);
    const { api, user } = await userOf(channel);
    api.before = (method) => {
      if (method !== "history") return;
      api.before = () => {};
      channel.post(2);
      channel.edit(1, "edited meanwhile");
    };
    await parsing.parse(user);
    channel.edit(6, "edited later");
    await parsing.parse(user);
    const rows = await parsing.rows(channel.id);
    expect(rows.map((row) => row.id)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(rows.find((row) => row.id === 1)?.text).toBe("edited meanwhile");
    expect(rows.find((row) => row.id === 6)?.text).toBe("edited later");
    expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts });
  });
});

describe("what stands in the way", () => {
  it("keeps the claim while a wait runs, with what was read before it stored", async () => {
    const [first, second] = [newChannel(5), newChannel(5)];
    const { api, user } = await userOf(first, second);
    await parsing.database.asWorker((tx) => claimDue(tx, 100));
    const until = new Date(parsing.clock.now() + 60_000);
    api.before = (method, channel) => {
      if (method === "history" && channel === second) throw new WaitRunning("messages.getHistory", until, "method");
    };
    const error: unknown = await parsing.parse(user).catch((thrown: unknown) => thrown);
    expect(parsing.outcomeOf(error, { starts: 1 })).toMatchObject({ until });
    expect((await schedule(user))?.claimedAt).not.toBeNull();
    expect(await runs(user)).toEqual([]);
    expect(await livingIds(first)).toEqual([1, 2, 3, 4, 5]);
    api.before = () => {};
    await parsing.parse(user);
    expect(await livingIds(second)).toEqual([1, 2, 3, 4, 5]);
    expect((await schedule(user))?.claimedAt).toBeNull();
  });

  it("reads by the plan what needs no method that waits for hours", async () => {
    const [added, followed] = [newChannel(5), newChannel(5)];
    const { api, user } = await userOf(followed, added);
    const hours = new Date(parsing.clock.now() + 15 * 3_600_000);
    api.before = (method, channel) => {
      if (method === "history" && channel === added) throw new WaitRunning("messages.getHistory", hours, "method");
    };
    await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done" });
    followed.post(1);
    await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", added: 1 });
    expect((await schedule(user))?.nextParseAt.getTime()).toBeLessThan(hours.getTime());
    api.before = () => {};
    await parsing.parse(user);
    expect(await livingIds(added)).toEqual([1, 2, 3, 4, 5]);
  });

  it("resolves what it may, and the rest with the next parse", async () => {
    const [first, second] = [newChannel(2), newChannel(2)];
    const { api, user } = await userOf(first, second);
    let allowed = 1;
    api.channelDialogs = async () => [];
    api.before = (method) => {
      if (method === "resolveUsername" && allowed-- <= 0) throw new FloodWait("FLOOD_WAIT", method, 3_600);
    };
    await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", channels: 1 });
    const states = async () =>
      (await parsing.database.asWorker((tx) => subscriptionsOf(tx, user.userId))).map((line) => line.state);
    expect(await states()).toEqual(["active", "pending"]);
    allowed = 1;
    await parsing.parse(user);
    expect(await states()).toEqual(["active", "active"]);
    expect(await livingIds(second)).toEqual([1, 2]);
  });

  it("says of a name that it is nobody's", async () => {
    const api = new FakeTelegram([]);
    const user = await parsing.addUser(next(), api, ["nobody_here", "123456"]);
    await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", channels: 0 });
    const lines = await parsing.database.asWorker((tx) => subscriptionsOf(tx, user.userId));
    expect(lines.map((line) => line.state)).toEqual(["not_found", "not_found"]);
    expect(api.calls).toEqual(["channelDialogs", "resolveUsername", "basicGroup"]);
  });

  it("takes two names of one channel for one subscription", async () => {
    const channel = newChannel(2);
    const api = new FakeTelegram([channel]);
    const user = await parsing.addUser(next(), api, [channel.username, channel.id.toString()]);
    await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", channels: 1, added: 2 });
    const lines = await parsing.database.asWorker((tx) => subscriptionsOf(tx, user.userId));
    expect(lines.map((line) => [line.name, line.state])).toEqual([[channel.username, "active"]]);
  });

  it("leaves one lost channel out until its re-check, and reads the others", async () => {
    const [lost, kept] = [newChannel(3), newChannel(3)];
    const { api, user } = await userOf(lost, kept);
    await parsing.parse(user);
    lost.isPrivate = true;
    kept.post(1);
    await expect(parsing.parse(user)).resolves.toMatchObject({ channels: 1, changed: 1 });
    expect(await livingIds(kept)).toEqual([1, 2, 3, 4]);
    api.calls.length = 0;
    await parsing.parse(user);
    expect(api.calls).toEqual(["peerDialogs"]);
    lost.isPrivate = false;
    lost.post(1);
    parsing.clock.pass(3_600_001);
    await expect(parsing.parse(user)).resolves.toMatchObject({ channels: 2 });
    expect(await livingIds(lost)).toEqual([1, 2, 3, 4]);
  });

  it("writes a failure into the schedule, and comes back later each time", async () => {
    const { api, user } = await userOf(newChannel(1));
    api.before = () => {
      throw new Transient("TIMEOUT", "messages.getDialogs");
    };
    const delays: number[] = [];
    for (let failure = 0; failure < 5; failure += 1) {
      await expect(parsing.parse(user, { starts: 4 })).rejects.toBeInstanceOf(Transient);
      const [after, [run]] = [await schedule(user), await runs(user)];
      expect(after?.claimedAt).toBeNull();
      delays.push((after?.nextParseAt.getTime() ?? 0) - (run?.startedAt.getTime() ?? 0));
    }
    expect(delays).toEqual([60_000, 120_000, 240_000, 480_000, 900_000]);
    expect((await runs(user)).map((run) => run.outcome)).toEqual(Array(5).fill("failed"));
    expect((await runs(user))[0]?.error).toContain("TIMEOUT");
  });

  it("snoozes where the session is leased elsewhere, and gives up the claim of an unusable one", async () => {
    const { user } = await userOf(newChannel(1));
    await parsing.database.asWorker((tx) => claimDue(tx, 100));
    const lease = { sessionId: user.sessionId, token: randomUUID(), holder: "elsewhere" };
    await parsing.database.asWorker((tx) => insertLease(tx, lease));
    const held: unknown = await parsing.parse(user).catch((thrown: unknown) => thrown);
    expect(parsing.outcomeOf(held, { starts: 1 })).toBeInstanceOf(Snooze);
    expect((await schedule(user))?.claimedAt).not.toBeNull();
    await parsing.database.asWorker((tx) =>
      transition(tx, user.sessionId, { from: ["AUTHORIZED"], to: "STALE", reason: "auth_lost" }),
    );
    await expect(parsing.parse(user)).rejects.toThrow("session not usable: STALE");
    expect(await schedule(user)).toMatchObject({ claimedAt: null, queue: null });
  });

  it("asks for the history of the others where one channel is refused, and fails", async () => {
    const [refused, large] = [newChannel(5), newChannel(250)];
    const { api, user } = await userOf(refused, large);
    api.before = (method, channel) => {
      if (method === "history" && channel === refused) throw new RpcRefused("SOMETHING_NEW", method, 400);
    };
    await expect(parsing.parse(user)).rejects.toBeInstanceOf(RpcRefused);
    const asked = parsing.enqueued.filter(
      (job) => job.name === "backfill-channel" && job.data.userId === `${user.userId}`,
    );
    expect(asked.map((job) => job.data)).toMatchObject([{ channelId: large.id.toString() }]);
  });

  it("stops at once when interrupted, with no failure recorded", async () => {
    const { api, user } = await userOf(newChannel(1));
    const stop = new AbortController();
    api.before = (method) => {
      if (method !== "peerDialogs") return;
      stop.abort();
      return new Promise(() => {});
    };
    await expect(parsing.parse(user, { signal: stop.signal })).rejects.toThrow("interrupted");
    expect(await runs(user)).toEqual([]);
  });
});
