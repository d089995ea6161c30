import { afterAll, beforeAll, expect, it } from "vitest";
import { subscriptionLines } from "../../db/channel-lives.ts";
import { subscriptionsOf } from "../../db/channels.ts";
import { forgetChannel, noteUnfollowed } from "../../db/unfollowed-channels.ts";
import { PeerGone, RpcRefused, WaitRunning } from "../../telegram/errors.ts";
import { FakeChannel, FakeTelegram } from "../support/fake-telegram.ts";
import { startParsing, type TestUser } from "../support/parsing.ts";

/* One name that makes trouble concerns no other channel of its user. */

let parsing: Awaited<ReturnType<typeof startParsing>>;
beforeAll(async () => {
  parsing = await startParsing({
    through: (database) => ({
      ...database,
      async underLease(lease, work) {
        const before = beforeCommit;
        beforeCommit = null;
        await before?.();
        return database.underLease(lease, work);
      },
    }),
  });
});
afterAll(() => parsing.close());

/** What happens once before the next fenced transaction. */
let beforeCommit: (() => Promise<void>) | null = null;

let number = 1_000n;
/** A user who follows so many groups, joined or by name, none resolved yet. */
async function followed(groups: number, joined: boolean) {
  const channels = Array.from({ length: groups }, () => {
    number += 1n;
    const channel = new FakeChannel(number, `group_${number}`);
    channel.post(2);
    return channel;
  });
  const api = new FakeTelegram(channels);
  const { channelDialogs, resolveUsername } = FakeTelegram.prototype;
  const group = <T extends object>(info: T) => ({ ...info, kind: "megagroup" as const });
  api.channelDialogs = async (limit) =>
    joined ? (await channelDialogs.call(api, limit)).map((each) => ({ ...each, info: group(each.info) })) : [];
  api.resolveUsername = async (name) => group(await resolveUsername.call(api, name));
  number += 1n;
  const user = await parsing.addUser(
    number,
    api,
    channels.map(({ username }) => username),
  );
  return { channels, api, user };
}
const states = async (user: TestUser) =>
  (await parsing.database.asWorker((tx) => subscriptionsOf(tx, user.userId))).map(({ state }) => state);

it.each([
  ["joined", true],
  ["found by name", false],
])("stores a channel that was forgotten before anybody was said to follow it: %s", async (_, joined) => {
  const { channels, user } = await followed(2, joined);
  const forgotten: unknown[] = [];
  beforeCommit = async () => {
    await parsing.database.asWorker(noteUnfollowed);
    for (const { id } of channels) forgotten.push(await parsing.database.asWorker((tx) => forgetChannel(tx, id, 100)));
  };
  await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", channels: 2, added: 4 });
  expect(forgotten).toContainEqual({ messages: 0, done: true });
});

it("reads the others where one joined group is out of reach by now", async () => {
  const { channels, api, user } = await followed(3, true);
  const full = FakeTelegram.prototype.fullChannel;
  api.fullChannel = async (ref) => {
    if (ref.id === channels[1]?.id) throw new PeerGone("CHANNEL_PRIVATE", "channels.getFullChannel", "private");
    return full.call(api, ref);
  };
  await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", channels: 2, added: 4 });
  expect(await states(user)).toEqual(["active", "private", "active"]);
});

it("keeps what it found of joined groups before a wait, and goes on from there", async () => {
  const { api, user } = await followed(4, true);
  const full = FakeTelegram.prototype.fullChannel;
  let patience = 2;
  api.fullChannel = async (ref) => {
    if (patience <= 0)
      throw new WaitRunning("channels.getFullChannel", new Date(parsing.clock.now() + 3_600_000), "method");
    patience -= 1;
    return full.call(api, ref);
  };
  await parsing.parse(user).catch(() => {});
  expect(await states(user)).toEqual(["active", "active", "pending", "pending"]);
  patience = 8;
  await parsing.parse(user);
  expect(await states(user)).toEqual(["active", "active", "active", "active"]);
});

it("leaves out a name that Telegram refuses for whatever reason", async () => {
  const { channels, api, user } = await followed(3, false);
  const resolve = api.resolveUsername;
  api.resolveUsername = async (name) => {
    if (name === channels[0]?.username) throw new RpcRefused("SOMETHING_NEW", "contacts.resolveUsername", 400);
    return resolve(name);
  };
  await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", channels: 2 });
  expect(await states(user)).toEqual(["invalid", "active", "active"]);
});

it("finds by name what it can where the dialogs cannot be read, and gives up no id for that", async () => {
  const { channels, api, user } = await followed(1, true);
  await parsing.database.inTenant("default", (tx) =>
    tx.insertInto("subscriptions").values({ tenant_id: "default", user_id: user.userId, name: "424242" }).execute(),
  );
  api.channelDialogs = async () => {
    throw new RpcRefused("UNREADABLE_ANSWER", "messages.getDialogs", 0);
  };
  await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", channels: channels.length });
  expect(await states(user)).toEqual(["active", "pending"]);
});

it("takes no name for lost that its channel has beside the one that it shows", async () => {
  const { channels, api, user } = await followed(1, true);
  await parsing.parse(user);
  const { peerDialogs } = FakeTelegram.prototype;
  const shown = <T extends object>(info: T) => ({ ...info, username: `shown_${number}` });
  api.peerDialogs = async (refs) =>
    (await peerDialogs.call(api, refs)).map((each) => ({ ...each, info: shown(each.info) }));
  const { resolveUsername } = api;
  api.resolveUsername = async (name) => shown(await resolveUsername(name));
  const look = async () => {
    await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done", channels: 1 });
    const [line] = await parsing.database.inTenant("default", (tx) => subscriptionLines(tx, user.userId));
    return line;
  };
  expect(await look()).toMatchObject({ name: channels[0]?.username, channelId: channels[0]?.id });
  expect((await look())?.life.map(({ kind }) => kind)).toEqual(["username_changed"]);
  expect(api.calls.filter((call) => call === "resolveUsername")).toHaveLength(1);
});
