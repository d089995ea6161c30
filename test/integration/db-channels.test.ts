import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  claimChannel,
  findChannel,
  listChannels,
  loadChannels,
  loseAccess,
  raiseTop,
  releaseChannel,
  saveAccess,
  saveChannel,
  settleSubscription,
  subscribe,
  subscriptionsOf,
  unsubscribe,
} from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { storeHistory } from "../../db/messages.ts";
import { silentLog } from "../../runtime/log.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { newToken, plantUser } from "../support/fleet-rows.ts";
import { post } from "../support/posts.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 3, fencedStatementMs: 1_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const facts = (id: bigint, username: string | null) => ({
  id,
  username,
  title: `Channel ${id}`,
  kind: "broadcast" as const,
});
const save = (id: bigint, username: string | null) => database.asWorker((tx) => saveChannel(tx, facts(id, username)));

describe("channels", () => {
  it("is found by every form of its name", async () => {
    await save(100n, "First_News");
    for (const name of ["@first_news", "FIRST_NEWS", "https://t.me/First_News", "t.me/s/first_news", "-100100", "100"])
      expect((await database.asWorker((tx) => findChannel(tx, name)))?.id, name).toBe(100n);
    expect(await database.asWorker((tx) => findChannel(tx, "@nobody"))).toBeNull();
    await expect(database.asWorker((tx) => findChannel(tx, "no such name"))).rejects.toThrow(OperatorError);
  });

  it("follows its names without losing what was read, and raises its top only", async () => {
    await save(200n, "second");
    await database.asWorker(async (tx) => {
      await raiseTop(tx, 200n, 50);
      await raiseTop(tx, 200n, 40);
      await saveChannel(tx, { ...facts(200n, "renamed"), title: "New\u0000" });
    });
    const [channel] = await database.asWorker((tx) => loadChannels(tx, [200n, 201n]));
    expect(channel).toMatchObject({
      username: "renamed",
      title: "New\ufffd",
      topMessageId: 50,
      pts: null,
      covered: [],
    });
  });

  it("is claimed by one reader at a time", async () => {
    const [mine, theirs] = [newToken(), newToken()];
    const claim = (token: string, ms: number) =>
      database.asWorker((tx) => claimChannel(tx, { channelId: 1n, token, ms }));
    expect(await claim(mine, 60_000)).toBe(true);
    expect(await claim(theirs, 60_000)).toBe(false);
    expect(await claim(mine, 60_000)).toBe(true);
    await database.asWorker((tx) => releaseChannel(tx, { channelId: 1n, token: theirs }));
    expect(await claim(theirs, 60_000)).toBe(false);
    await database.asWorker((tx) => releaseChannel(tx, { channelId: 1n, token: mine }));
    expect(await claim(theirs, -1)).toBe(true);
    expect(await claim(mine, 60_000)).toBe(true);
  });
});

describe("subscriptions", () => {
  it("keeps one line for each name, and one for each channel once names are resolved", async () => {
    const { user } = await plantUser(database, 1n);
    const who = { tenantId: "default", userId: user.id };
    const add = (name: string) => database.inTenant("default", (tx) => subscribe(tx, { ...who, name }));
    await save(300n, "third");
    expect(await add("https://t.me/Third")).toEqual({ added: true, name: "third" });
    expect(await add("@third")).toEqual({ added: false, name: "third" });
    expect(await add("-100300")).toEqual({ added: true, name: "300" });
    await database.asWorker(async (tx) => {
      const [byName, byId] = await subscriptionsOf(tx, user.id);
      expect(byName).toMatchObject({ name: "third", state: "pending", channelId: null, channel: null, access: null });
      const settled = { userId: user.id, channelId: 300n, state: "active" };
      await settleSubscription(tx, { ...settled, id: byId?.id ?? 0n });
      await settleSubscription(tx, { ...settled, id: byName?.id ?? 0n });
      await saveAccess(tx, { ...who, channelId: 300n, accessHash: -5n, joined: true, availableMinId: 7 });
      await saveAccess(tx, { ...who, channelId: 300n, accessHash: -6n, joined: false });
    });
    const access = { accessHash: -6n, state: "ok", availableMinId: 7, joined: false, recheckAt: null };
    const [line, ...others] = await database.inTenant("default", (tx) => subscriptionsOf(tx, user.id));
    expect(others).toEqual([]);
    expect(line).toMatchObject({ name: "third", state: "active", channel: { id: 300n }, access });
    expect(await database.inTenant("elsewhere", (tx) => subscriptionsOf(tx, user.id))).toEqual([]);
    const recheckAt = new Date(1_900_000_000_000);
    await database.asWorker((tx) => loseAccess(tx, { userId: user.id, channelId: 300n, state: "private", recheckAt }));
    const [lost] = await database.asWorker((tx) => subscriptionsOf(tx, user.id));
    expect(lost?.access).toMatchObject({ state: "private", recheckAt });
    const remove = (name: string) => database.inTenant("default", (tx) => unsubscribe(tx, { ...who, name }));
    expect(await remove("-100300")).toBe(true);
    expect(await remove("third")).toBe(false);
  });

  it("lists a tenant's channels with what is stored and what is missing", async () => {
    const { user } = await plantUser(database, 2n);
    await save(400n, "fourth");
    await database.inTenant("default", (tx) => subscribe(tx, { tenantId: "default", userId: user.id, name: "fourth" }));
    await database.asWorker(async (tx) => {
      const [line] = await subscriptionsOf(tx, user.id);
      await settleSubscription(tx, { id: line?.id ?? 0n, userId: user.id, channelId: 400n, state: "active" });
      const page = {
        channelId: 400n,
        ptsAtCall: null,
        covers: { from: 6, to: 10 },
        topMessageId: 10,
        readAt: new Date(),
      };
      await storeHistory(tx, { ...page, messages: [6, 8, 9].map((id) => post({ id })) });
      await storeHistory(tx, { ...page, messages: [6, 9].map((id) => post({ id })) });
    });
    const list = async () => (await database.inTenant("default", listChannels)).find(({ id }) => id === 400n);
    const posts = sql<{ id: number }>`select id from user_posts where user_id = ${user.id} order by id`;
    // Until an account has had the channel, its tenant is shown nothing of it.
    expect(await list()).toBeUndefined();
    expect((await database.asWorker((tx) => posts.execute(tx))).rows).toEqual([]);
    const access = { tenantId: "default", userId: user.id, channelId: 400n, accessHash: 1n, joined: true };
    await database.asWorker((tx) => saveAccess(tx, access));
    expect(await list()).toMatchObject({ subscribers: 1, messages: 2, deleted: 1, missing: 5, topMessageId: 10 });
    expect(await database.inTenant("elsewhere", listChannels)).toEqual([]);
    await database.asWorker((tx) => saveAccess(tx, { ...access, availableMinId: 7 }));
    expect((await database.asWorker((tx) => posts.execute(tx))).rows.map(({ id }) => id)).toEqual([8, 9]);
  });
});
