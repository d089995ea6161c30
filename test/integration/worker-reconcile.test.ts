import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { claimChannel, subscriptionsOf } from "../../db/channels.ts";
import { claimDue, finish } from "../../db/schedules.ts";
import { Snooze } from "../../queue/outcome.ts";
import { WaitRunning } from "../../telegram/errors.ts";
import { FakeChannel, FakeTelegram } from "../support/fake-telegram.ts";
import { startParsing } from "../support/parsing.ts";

let parsing: Awaited<ReturnType<typeof startParsing>>;
beforeAll(async () => {
  parsing = await startParsing({ reconcileWindow: 250 });
});
afterAll(() => parsing.close());

let number = 1_000n;
const next = () => {
  number += 1n;
  return number;
};

/** A channel that one user's parse and backfill have read whole. */
async function stored(posts: number) {
  const id = next();
  const channel = new FakeChannel(id, `channel_${id}`);
  channel.post(posts);
  const api = new FakeTelegram([channel]);
  const user = await parsing.addUser(next(), api, [channel.username]);
  await parsing.parse(user);
  await parsing.backfill(user, channel.id);
  api.calls.length = 0;
  return { channel, api, user };
}
/** A change that no difference tells of. */
const editUntold = (channel: FakeChannel, id: number, text: string) => {
  const before = channel.messages.get(id);
  if (!before) throw new Error("no such message");
  channel.messages.set(id, { ...before, text, editDate: new Date(before.date.getTime() + 3_600_000) });
};
const rowOf = async (channel: FakeChannel, id: number) => (await parsing.rows(channel.id)).find((row) => row.id === id);
const deletedIds = async (channel: FakeChannel) =>
  (await parsing.rows(channel.id)).filter((row) => row.deleted).map((row) => row.id);
const marks = async (channel: FakeChannel) =>
  parsing.database.asWorker(async (tx) => {
    const { rows } = await sql<{ at: Date | null; below: number | null }>`
      select reconciled_at as at, reconcile_below as below from channels where id = ${channel.id}`.execute(tx);
    return rows[0] ?? { at: null, below: null };
  });

describe("reconciling", () => {
  it("finds a deletion and an edit that no difference told, and leaves the rest as it is", async () => {
    const { channel, api, user } = await stored(180);
    channel.messages.delete(170);
    channel.messages.delete(3);
    editUntold(channel, 50, "edited unseen");
    await parsing.parse(user);
    expect(await deletedIds(channel)).toEqual([]);
    api.calls.length = 0;
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({
      outcome: "done",
      added: 0,
      edited: 1,
      deleted: 2,
    });
    expect(api.calls).toEqual(["messagesById", "fullChannel", "messagesById", "fullChannel"]);
    expect(await deletedIds(channel)).toEqual([3, 170]);
    expect(await rowOf(channel, 50)).toMatchObject({ text: "edited unseen", versions: 1 });
    expect(await parsing.channel(channel.id)).toMatchObject({ covered: [{ from: 1, to: 180 }], pts: channel.pts });
    expect(await marks(channel)).toEqual({ at: expect.any(Date), below: null });
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({ edited: 0, deleted: 0 });
  });

  it("looks at the newest messages only, as many as the window holds", async () => {
    const { channel, api, user } = await stored(400);
    channel.messages.delete(150);
    channel.messages.delete(151);
    await parsing.reconcile(user, channel.id);
    expect(await deletedIds(channel)).toEqual([151]);
    expect(api.calls.filter((call) => call === "messagesById")).toHaveLength(3);
  });

  it("takes nothing for deleted that the account cannot see, and notes what it may see by now", async () => {
    const { channel, api, user } = await stored(60);
    channel.messages.delete(55);
    api.availableMinId = 40;
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({ outcome: "done", deleted: 1 });
    expect(await deletedIds(channel)).toEqual([55]);
    const [line] = await parsing.database.asWorker((tx) => subscriptionsOf(tx, user.userId));
    expect(line?.access?.availableMinId).toBe(40);
    api.calls.length = 0;
    await parsing.reconcile(user, channel.id);
    expect(api.calls).toEqual(["messagesById"]);
  });

  it("never undoes a deletion", async () => {
    const { channel, user } = await stored(20);
    const seven = channel.messages.get(7);
    channel.remove(7);
    await parsing.parse(user);
    if (seven) channel.messages.set(7, { ...seven, text: "back", editDate: new Date("2030-01-01") });
    await parsing.reconcile(user, channel.id);
    expect(await rowOf(channel, 7)).toMatchObject({ deleted: true, versions: 0 });
  });

  it("reads again what was read under a pts that moved, and concludes nothing from an answer of before it", async () => {
    const { channel, api, user } = await stored(30);
    const other = await parsing.addUser(next(), new FakeTelegram([channel]), [channel.username]);
    const readById = api.messagesById.bind(api);
    let meanwhile = 0;
    api.messagesById = async (ref, ids) => {
      const page = await readById(ref, ids);
      meanwhile += 1;
      if (meanwhile > 1) return page;
      channel.post(1);
      await parsing.parse(other);
      return { ...page, missing: [...ids], messages: [] };
    };
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({ outcome: "done", deleted: 0 });
    expect(meanwhile).toBe(2);
    api.messagesById = async (_, ids) => ({
      messages: [],
      skipped: [],
      count: 0,
      pts: channel.pts - 1,
      missing: [...ids],
    });
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({ outcome: "behind" });
    expect(await deletedIds(channel)).toEqual([]);
  });

  it("marks nothing that was asked for and could not be read, nor what the answer does not name", async () => {
    const { channel, api, user } = await stored(10);
    const readById = api.messagesById.bind(api);
    api.messagesById = async (ref, ids) => {
      const page = await readById(ref, ids);
      const messages = page.messages.filter(({ id }) => id !== 4 && id !== 5);
      return { ...page, messages, skipped: [{ id: 4, reason: "unreadable" }], missing: [999] };
    };
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({ outcome: "done", deleted: 0 });
    expect(await deletedIds(channel)).toEqual([]);
  });
});

describe("a reconcile job", () => {
  it("goes on where it was, after a number of calls", async () => {
    const { channel, api, user } = await stored(240);
    for (let id = 1; id <= 240; id += 20) channel.messages.delete(id);
    let stale = 8;
    const readById = api.messagesById.bind(api);
    const other = await parsing.addUser(next(), new FakeTelegram([channel]), [channel.username]);
    api.messagesById = async (ref, ids) => {
      if (stale-- > 0) {
        channel.post(1);
        await parsing.parse(other);
      }
      return readById(ref, ids);
    };
    const error: unknown = await parsing.reconcile(user, channel.id).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Snooze);
    expect(error).toMatchObject({ urgency: "reconcile" });
    stale = 0;
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({ outcome: "done" });
    expect(await deletedIds(channel)).toHaveLength(12);
  });

  it("makes way for its user's parse, and for nobody else's reading", async () => {
    const { channel, api, user } = await stored(10);
    const claim = { channelId: channel.id, token: randomUUID(), ms: 60_000 };
    await parsing.database.asWorker((tx) => claimChannel(tx, claim));
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({ outcome: "done" });
    await parsing.database.asWorker((tx) => claimChannel(tx, { ...claim, purpose: "reconcile" }));
    await expect(parsing.reconcile(user, channel.id)).resolves.toEqual({ outcome: "claimed" });
    await parsing.database.asWorker((tx) => finish(tx, user.userId, new Date(Date.now() - 1_000)));
    await parsing.database.asWorker((tx) => claimDue(tx, 100));
    api.calls.length = 0;
    await expect(parsing.reconcile(user, channel.id)).rejects.toThrow("the user's parse is due");
    expect(api.calls).toEqual([]);
  });

  it("ends where its account waits for long, is snoozed by a short wait, and gives up what is out of reach", async () => {
    const { channel, api, user } = await stored(10);
    let seconds = 3_600;
    api.before = () => {
      throw new WaitRunning("channels.getMessages", new Date(parsing.clock.now() + seconds * 1_000), "method");
    };
    await expect(parsing.reconcile(user, channel.id)).resolves.toEqual({ outcome: "waiting" });
    seconds = 5;
    await expect(parsing.reconcile(user, channel.id)).rejects.toBeInstanceOf(WaitRunning);
    api.before = () => {};
    channel.isPrivate = true;
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({ outcome: "out of reach" });
    channel.isPrivate = false;
    await expect(parsing.reconcile(user, channel.id)).resolves.toEqual({ outcome: "out of reach" });
    expect(await marks(channel)).toEqual({ at: null, below: null });
  });

  it("has nothing to do where somebody has done it since it was asked for", async () => {
    const { channel, user } = await stored(10);
    await parsing.reconcile(user, channel.id);
    const ask = (at: string) =>
      parsing.database.asOwner((tx) =>
        sql`update channels set reconcile_asked_at = ${new Date(at)} where id = ${channel.id}`.execute(tx),
      );
    await ask("2000-01-01");
    await expect(parsing.reconcile(user, channel.id)).resolves.toEqual({ outcome: "up to date" });
    await ask("2100-01-01");
    await expect(parsing.reconcile(user, channel.id)).resolves.toMatchObject({ outcome: "done" });
  });
});
