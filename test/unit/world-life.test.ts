import bigInt from "big-integer";
import { Api } from "telegram";
import { beforeEach, expect, test } from "vitest";
import { migrateGroup } from "../../emulator/world/life.ts";
import type { WorldChange } from "../../emulator/world/model.ts";
import { applyChange } from "../../emulator/world/replay.ts";
import { createWorld } from "../../emulator/world/world.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type EmulatedClient, emulatedCalls, textMessage } from "../support/emulated-calls.ts";

/* What can happen to an emulated channel as a whole, and how Telegram's answers tell it. */

const MEMBER = 10n;
const READER = 11n;
const NEWS = 500n;
const OTHER_NEWS = 501n;

let calls: ReturnType<typeof emulatedCalls>;
let member: EmulatedClient;
let reader: EmulatedClient;
let changes: WorldChange[];

beforeEach(() => {
  calls = emulatedCalls();
  changes = [];
  calls.world.onChange((change) => changes.push(change));
  const person = { firstName: "P", username: null, dcId: 2, premium: false, password: null };
  calls.world.addUser({ id: MEMBER, phone: "9996620001", ...person });
  calls.world.addUser({ id: READER, phone: "9996620002", ...person });
  const channel = { title: "T", megagroup: false, date: 1_600_000_000, isPrivate: false };
  calls.world.addChannel({ id: NEWS, username: "news", ...channel });
  calls.world.addChannel({ id: OTHER_NEWS, username: "other_news", ...channel });
  calls.world.join(MEMBER, NEWS);
  calls.world.post(NEWS, textMessage("one"));
  [member, reader] = [calls.client(MEMBER), calls.client(READER)];
});

const big = (value: bigint) => bigInt(value.toString());
const as = (client: EmulatedClient) => (client === member ? MEMBER : READER);
const input = (client: EmulatedClient, id = NEWS) => ({
  channelId: big(id),
  accessHash: big(calls.access.channelHash(as(client), id)),
});
const look = (client: EmulatedClient, id = NEWS) =>
  client.call(
    new Api.messages.GetPeerDialogs({
      peers: [new Api.InputDialogPeer({ peer: new Api.InputPeerChannel(input(client, id)) })],
    }),
  );
const refusal = (client: EmulatedClient) =>
  look(client).then(
    () => null,
    (error: { errorMessage: string }) => error.errorMessage,
  );
const resolve = (client: EmulatedClient, username: string) =>
  client.call(new Api.contacts.ResolveUsername({ username })).then(
    ({ chats }) => `${chats[0]?.className} ${chats[0]?.id}`,
    (error: { errorMessage: string }) => error.errorMessage,
  );
const channelsOf = async (client: EmulatedClient) => {
  const answer = await client.call(new Api.channels.GetChannels({ id: [new Api.InputChannel(input(client))] }));
  return answer.chats.map(({ className }) => className);
};
const dialogsOf = async (client: EmulatedClient) => {
  const none = { offsetDate: 0, offsetId: 0, offsetPeer: new Api.InputPeerEmpty(), hash: bigInt.zero };
  const answer = await client.call(new Api.messages.GetDialogs({ ...none, limit: 100 }));
  return "chats" in answer ? answer.chats.map(({ className }) => className) : [];
};
const groupOf = async (client: EmulatedClient, id: bigint) =>
  (await client.call(new Api.messages.GetChats({ id: [big(id)] }))).chats[0];

test("a username is one channel's at a time, and moves", async () => {
  expect(() => calls.world.setUsername(OTHER_NEWS, "NEWS")).toThrow("taken");
  calls.world.setUsername(NEWS, "fresh");
  expect(await resolve(reader, "news")).toBe("USERNAME_NOT_OCCUPIED");
  calls.world.setUsername(OTHER_NEWS, "news");
  expect(await resolve(reader, "news")).toBe(`Channel ${OTHER_NEWS}`);
  expect(await resolve(reader, "fresh")).toBe(`Channel ${NEWS}`);
});

test("a channel without a username is for its members, until it has one again", async () => {
  calls.world.setUsername(NEWS, null);
  expect(await refusal(member)).toBeNull();
  expect(await refusal(reader)).toBe("CHANNEL_PRIVATE");
  expect(await resolve(reader, "news")).toBe("USERNAME_NOT_OCCUPIED");
  calls.world.setUsername(NEWS, "news");
  expect(await refusal(reader)).toBeNull();
});

test("who is removed is told that the channel is forbidden, wherever it is named", async () => {
  calls.world.ban(MEMBER, NEWS);
  expect(await refusal(member)).toBe("CHANNEL_PRIVATE");
  expect(await refusal(reader)).toBeNull();
  expect(await resolve(member, "news")).toBe(`ChannelForbidden ${NEWS}`);
  expect(await channelsOf(member)).toEqual(["ChannelForbidden"]);
  expect(await dialogsOf(member)).toEqual(["ChannelForbidden"]);
  calls.world.unban(MEMBER, NEWS);
  expect(await refusal(member)).toBeNull();
  expect(await dialogsOf(member)).toEqual([]);
});

test("a deleted channel is out of everybody's reach, and its name free", async () => {
  calls.world.deleteChannel(NEWS);
  expect(await refusal(member)).toBe("CHANNEL_PRIVATE");
  expect(await refusal(reader)).toBe("CHANNEL_INVALID");
  expect(await dialogsOf(member)).toEqual(["ChannelForbidden"]);
  expect(await resolve(reader, "news")).toBe("USERNAME_NOT_OCCUPIED");
  calls.world.setUsername(OTHER_NEWS, "news");
  expect(() => calls.world.setUsername(NEWS, "again")).toThrow("deleted");
});

test("a basic group tells what it has become to its members, and to nobody else", async () => {
  calls.world.addGroup({ id: 700n, title: "Club", date: 1 });
  calls.world.joinGroup(MEMBER, 700n);
  calls.world.joinGroup(READER, 700n);
  expect(await groupOf(member, 700n)).toMatchObject({ className: "Chat", title: "Club", migratedTo: null });
  calls.world.leaveGroup(READER, 700n);
  migrateGroup(calls.world, { groupId: 700n, channelId: 701n, date: 2 });
  const group = await groupOf(member, 700n);
  if (!(group instanceof Api.Chat) || !(group.migratedTo instanceof Api.InputChannel)) throw new Error("not migrated");
  expect(group).toMatchObject({ deactivated: true });
  expect(group.migratedTo.channelId.toString()).toBe("701");
  expect(await groupOf(reader, 700n)).toMatchObject({ className: "ChatForbidden" });
  await expect(groupOf(reader, 999n)).rejects.toMatchObject({ errorMessage: "CHAT_ID_INVALID" });
  const full = await member.call(new Api.channels.GetFullChannel({ channel: group.migratedTo }));
  expect((full.fullChat as Api.ChannelFull).migratedFromChatId?.toString()).toBe("700");
  expect(calls.world.channels.get(701n)?.messages.get(1)?.action).toMatchObject({ type: "chat_migrate_from" });
  expect(() => migrateGroup(calls.world, { groupId: 700n, channelId: 702n, date: 3 })).toThrow("cannot migrate");
});

test("all of it happens again from the journal", () => {
  const { world } = calls;
  world.setUsername(NEWS, "fresh");
  world.setUsername(OTHER_NEWS, "news");
  world.ban(MEMBER, NEWS);
  world.unban(MEMBER, NEWS);
  world.ban(READER, NEWS);
  world.addGroup({ id: 700n, title: "Club", date: 1 });
  world.joinGroup(MEMBER, 700n);
  world.joinGroup(READER, 700n);
  world.leaveGroup(READER, 700n);
  migrateGroup(world, { groupId: 700n, channelId: 701n, date: 2 });
  world.deleteChannel(OTHER_NEWS);
  const again = createWorld({ clock: systemClock });
  for (const change of changes) applyChange(again, change);
  const stateOf = ({ users, channels, groups }: typeof world) =>
    structuredClone({ users: [...users], channels: [...channels], groups: [...groups] });
  expect(stateOf(again)).toEqual(stateOf(world));
  expect(again.channelByUsername("news")).toBeUndefined();
});
