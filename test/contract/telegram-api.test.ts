import { afterAll, beforeAll, expect, it } from "vitest";
import type { WorldMessage } from "../../emulator/world/model.ts";
import type { ChannelRef, TelegramApi } from "../../telegram/api.ts";
import type { TelegramConnection } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { textMessage } from "../support/emulated-calls.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

/* What TelegramApi promises, over the real wire: GramJS against the emulator's data centers. */

const ME = 6_000_000_001n;
const OTHER = 6_000_000_002n;
const NEWS = 1_500_000_001n;
const CLUB = 1_500_000_002n;

let telegram: WireTelegram;
let connection: TelegramConnection;
let api: TelegramApi;
let news: ChannelRef;
let club: ChannelRef;

function person(id: bigint, phone: string) {
  return { id, phone, firstName: "Ada", username: `ada${id}`, dcId: 2, premium: false, password: null };
}

function post(channelId: bigint, text: string, more: Partial<WorldMessage> = {}): number {
  return telegram.world.post(channelId, textMessage(text, more)).id;
}

beforeAll(async () => {
  telegram = await startWireTelegram();
  const { world } = telegram;
  world.addUser(person(ME, "9996620001"));
  world.addUser(person(OTHER, "9996620002"));
  const channel = { date: 1_600_000_000, isPrivate: false, megagroup: false };
  world.addChannel({ ...channel, id: NEWS, title: "News", username: "news" });
  world.addChannel({ ...channel, id: CLUB, title: "Club", username: null, megagroup: true, isPrivate: true });
  for (const id of [NEWS, CLUB]) world.join(ME, id);
  for (let number = 1; number <= 250; number += 1) post(NEWS, `post ${number} 👋`, { views: number, forwards: 1 });
  post(CLUB, "welcome");
  news = { id: NEWS, accessHash: telegram.access.channelHash(ME, NEWS) };
  club = { id: CLUB, accessHash: telegram.access.channelHash(ME, CLUB) };
  connection = await connect(telegram.options(await telegram.planted(ME)));
  api = connection.api;
});

afterAll(async () => {
  await connection?.close();
  await telegram?.close();
});

it("says whose session it is", async () => {
  expect(await api.getMe()).toEqual({
    ...{ id: ME, firstName: "Ada", username: `ada${ME}`, phone: "9996620001", isBot: false },
  });
});

it("resolves a username, with this account's access hash", async () => {
  const info = { ...news, title: "News", username: "news", kind: "broadcast", joined: true };
  expect(await api.resolveUsername("@news")).toEqual(info);
  expect(await api.resolveUsername("NEWS")).toEqual(info);
  await expect(api.resolveUsername("nobody_here")).rejects.toMatchObject({ kind: "peer_gone", reason: "not_found" });
});

it("gives the state of channels", async () => {
  const states = await api.peerDialogs([club, news]);
  const byId = new Map(states.map((state) => [state.channelId, state]));
  expect(byId.get(NEWS)).toMatchObject({ pts: telegram.world.channels.get(NEWS)!.pts, topMessageId: 250 });
  expect(byId.get(CLUB)).toMatchObject({ topMessageId: 1, info: { kind: "megagroup", username: null } });
});

it("refuses another account's access hash, for the whole call", async () => {
  const stolen = { id: NEWS, accessHash: telegram.access.channelHash(OTHER, NEWS) };
  await expect(api.peerDialogs([news, stolen])).rejects.toMatchObject({ kind: "peer_gone", reason: "invalid" });
  await expect(api.history(stolen, { offsetId: 0, limit: 1 })).rejects.toMatchObject({ kind: "peer_gone" });
});

it("lists the account's channels", async () => {
  const all = await api.channelDialogs(100);
  expect(all.map((state) => state.channelId).sort()).toEqual([NEWS, CLUB]);
  expect(await api.channelDialogs(1)).toHaveLength(1);
});

it("describes a channel in full", async () => {
  expect(await api.fullChannel(news)).toMatchObject({
    info: { title: "News", joined: true },
    pts: telegram.world.channels.get(NEWS)!.pts,
    participants: 1,
    availableMinId: 0,
  });
});

it("pages through history, newest first", async () => {
  const first = await api.history(news, { offsetId: 0, limit: 100 });
  expect(first.messages.map((message) => message.id)).toEqual(Array.from({ length: 100 }, (_, n) => 250 - n));
  expect(first).toMatchObject({ count: 250, skipped: [], pts: telegram.world.channels.get(NEWS)!.pts });
  expect(first.messages[0]).toMatchObject({ channelId: NEWS, text: "post 250 👋", stats: { views: 250, forwards: 1 } });
  const last = await api.history(news, { offsetId: 51, limit: 100 });
  expect(last.messages.map((message) => message.id)).toEqual(Array.from({ length: 50 }, (_, n) => 50 - n));
  expect((await api.history(news, { offsetId: 1, limit: 100 })).messages).toEqual([]);
});

it("reads messages by id, and says which are missing", async () => {
  telegram.world.remove(NEWS, [7]);
  const page = await api.messagesById(news, [6, 7, 8, 9_999]);
  expect(page.messages.map((message) => message.id).sort()).toEqual([6, 8]);
  expect([...page.missing].sort()).toEqual([7, 9_999]);
});

it("tells a channel's difference until it is final", async () => {
  const { world } = telegram;
  let pts = world.channels.get(CLUB)!.pts;
  expect(await api.channelDifference(club, { pts, limit: 100 })).toEqual({ kind: "empty", pts, final: true });

  const ids = Array.from({ length: 12 }, (_, number) => post(CLUB, `news ${number}`));
  world.edit(CLUB, 1, { message: "welcome, all", editDate: 1_700_000_100 });
  world.pin(CLUB, [1], true);
  world.remove(CLUB, [ids[0]!]);
  const seen = { created: [] as number[], edited: [] as string[], deleted: [] as number[], pins: [] as unknown[] };
  for (let final = false; !final; ) {
    const difference = await api.channelDifference(club, { pts, limit: 10 });
    if (difference.kind !== "difference") throw new Error(difference.kind);
    seen.created.push(...difference.newMessages.map((message) => message.id));
    seen.edited.push(...difference.editedMessages.map((message) => message.text));
    seen.deleted.push(...difference.deletedIds);
    seen.pins.push(...difference.pins);
    ({ pts, final } = difference);
  }
  expect(pts).toBe(world.channels.get(CLUB)!.pts);
  expect(seen.created).toEqual(ids.slice(1));
  expect(seen.edited).toEqual(["welcome, all"]);
  expect(seen.deleted).toEqual([ids[0]]);
  expect(seen.pins).toEqual([{ ids: [1], pinned: true }]);
});

it("says when a difference is too long, and from where to go on", async () => {
  for (let number = 0; number < 1_001; number += 1) post(CLUB, `flood ${number}`);
  const channel = telegram.world.channels.get(CLUB)!;
  const difference = await api.channelDifference(club, { pts: channel.pts - 1_001, limit: 100 });
  expect(difference).toMatchObject({ kind: "too_long", pts: channel.pts, topMessageId: channel.topId });
});

it("tells waits by their seconds, for the method", async () => {
  const flooded = await connect(telegram.options(await telegram.planted(OTHER)));
  telegram.floods.forceFlood({ accountIds: [OTHER], method: "contacts.ResolveUsername", seconds: 33 });
  try {
    await expect(flooded.api.resolveUsername("news")).rejects.toMatchObject({
      kind: "flood_wait",
      method: "contacts.resolveUsername",
      seconds: 33,
      scope: "method",
    });
    expect(await flooded.api.getMe()).toMatchObject({ id: OTHER });
  } finally {
    await flooded.close();
  }
});

it("makes calls in parallel, each under its own name at the policy", async () => {
  const calls: string[] = [];
  const policy = {
    run: <T>(call: { method: string; chatId?: bigint }, invoke: () => Promise<T>) => {
      calls.push(`${call.method} ${call.chatId ?? "-"}`);
      return invoke();
    },
  };
  const watched = await connect(telegram.options(await telegram.planted(ME), { policy }));
  try {
    await Promise.all([
      watched.api.getMe(),
      watched.api.history(news, { offsetId: 0, limit: 2 }),
      watched.api.channelDifference(club, { pts: telegram.world.channels.get(CLUB)!.pts, limit: 10 }),
    ]);
  } finally {
    await watched.close();
  }
  expect(calls).toEqual([
    "users.getUsers -",
    "users.getUsers -",
    `messages.getHistory ${NEWS}`,
    `updates.getChannelDifference ${CLUB}`,
  ]);
});

it("logs out: the key is of no use afterwards", async () => {
  const session = await telegram.planted(OTHER);
  const leaving = await connect(telegram.options(session));
  await leaving.api.logOut();
  await leaving.close();
  const after = connect(telegram.options(session)).then(async (again) => {
    await again.api.getMe().finally(() => again.close());
  });
  await expect(after).rejects.toMatchObject({ kind: "auth_lost" });
});
