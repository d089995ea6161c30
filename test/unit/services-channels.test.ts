import bigInt from "big-integer";
import { Api } from "telegram";
import { beforeEach, describe, expect, test } from "vitest";
import { type EmulatedClient, emulatedCalls, textMessage } from "../support/emulated-calls.ts";

const OWN = 10n;
const OTHER = 11n;
const OPEN = 500n;
const CLOSED = 501n;

let calls: ReturnType<typeof emulatedCalls>;
let own: EmulatedClient;

beforeEach(() => setUp());

function setUp(options: Parameters<typeof emulatedCalls>[0] = {}) {
  calls = emulatedCalls(options);
  const person = { firstName: "P", username: null, dcId: 2, premium: false, password: null };
  calls.world.addUser({ id: OWN, phone: "9996620001", ...person });
  calls.world.addUser({ id: OTHER, phone: "9996620002", ...person });
  const channel = { title: "T", megagroup: false, date: 1_600_000_000 };
  calls.world.addChannel({ id: OPEN, username: "open_news", isPrivate: false, ...channel });
  calls.world.addChannel({ id: CLOSED, username: null, isPrivate: true, ...channel });
  own = calls.client(OWN);
}

const big = (value: bigint) => bigInt(value.toString());
const inputChannel = (channelId: bigint, as = OWN) =>
  new Api.InputChannel({ channelId: big(channelId), accessHash: big(calls.access.channelHash(as, channelId)) });
const inputPeer = (channelId: bigint, as = OWN) =>
  new Api.InputPeerChannel({ channelId: big(channelId), accessHash: big(calls.access.channelHash(as, channelId)) });
const post = (text: string, channelId = OPEN) => calls.world.post(channelId, textMessage(text));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const downFrom = (from: number, to: number) => range(to, from).reverse();

async function history(page: Partial<Api.messages.GetHistory> = {}) {
  const answer = await own.call(
    new Api.messages.GetHistory({
      peer: inputPeer(OPEN),
      offsetId: 0,
      offsetDate: 0,
      addOffset: 0,
      limit: 100,
      maxId: 0,
      minId: 0,
      hash: bigInt.zero,
      ...page,
    }),
  );
  if (!(answer instanceof Api.messages.ChannelMessages)) throw new Error(answer.className);
  return { ids: answer.messages.map(({ id }) => id), pts: answer.pts, count: answer.count };
}

describe("getHistory", () => {
  test("pages newest first, 100 at most", async () => {
    for (const id of range(1, 250)) post(`${id}`);
    calls.world.remove(OPEN, [249, 100]);
    expect(await history({ limit: 500 })).toEqual({
      ids: downFrom(250, 150).filter((id) => id !== 249),
      pts: 253,
      count: 248,
    });
    expect((await history({ offsetId: 150, limit: 10 })).ids).toEqual(downFrom(149, 140));
    expect((await history({ offsetId: 150, addOffset: 5, limit: 3 })).ids).toEqual([144, 143, 142]);
    expect((await history({ offsetId: 150, addOffset: -3, limit: 5 })).ids).toEqual(downFrom(152, 148));
    expect((await history({ offsetId: 249, addOffset: -100, limit: 100 })).ids).toEqual([250]);
    expect((await history({ minId: 245 })).ids).toEqual([250, 248, 247, 246]);
    expect((await history({ maxId: 4 })).ids).toEqual([3, 2, 1]);
    expect((await history({ offsetId: 1 })).ids).toEqual([]);
  });

  test("hides what is below the account's lowest id", async () => {
    for (const id of range(1, 10)) post(`${id}`);
    calls.world.channels.get(OPEN)!.availableMinId.set(OWN, 8);
    expect(await history()).toMatchObject({ ids: [10, 9, 8], count: 3 });
  });

  test("goes on after new posts and deletions", async () => {
    post("1");
    expect((await history()).ids).toEqual([1]);
    post("2");
    calls.world.remove(OPEN, [1]);
    post("3");
    expect((await history()).ids).toEqual([3, 2]);
    calls.world.post(OPEN, { ...textMessage("9"), id: 9 });
    expect((await history()).ids).toEqual([9, 3, 2]);
  });
});

test("getMessages answers what is no more as empty", async () => {
  post("1");
  post("2");
  calls.world.remove(OPEN, [1]);
  const id = [1, 2, 3].map((each) => new Api.InputMessageID({ id: each }));
  const answer = await own.call(new Api.channels.GetMessages({ channel: inputChannel(OPEN), id }));
  if (!("messages" in answer)) throw new Error(answer.className);
  expect(answer.messages.map(({ className, id }) => [className, id])).toEqual([
    ["MessageEmpty", 1],
    ["Message", 2],
    ["MessageEmpty", 3],
  ]);
});

describe("access", () => {
  test("is by the account's own hash only", async () => {
    const stolen = { channel: inputChannel(OPEN, OTHER) };
    await expect(own.call(new Api.channels.GetFullChannel(stolen))).rejects.toThrow("CHANNEL_INVALID");
    await expect(history({ peer: inputPeer(OPEN, OTHER) })).rejects.toThrow("CHANNEL_INVALID");
  });

  test("to a private channel is its members'", async () => {
    const closed = { channel: inputChannel(CLOSED) };
    await expect(own.call(new Api.channels.GetFullChannel(closed))).rejects.toThrow("CHANNEL_PRIVATE");
    calls.world.join(OWN, CLOSED);
    const full = await own.call(new Api.channels.GetFullChannel(closed));
    expect(full.fullChat).toMatchObject({ pts: 1, participantsCount: 1 });
    expect(full.chats[0]).toMatchObject({ title: "T", left: false, broadcast: true, username: null });
  });

  test("begins with a username", async () => {
    const resolved = await own.call(new Api.contacts.ResolveUsername({ username: "Open_News" }));
    expect(resolved.chats[0]).toMatchObject({ username: "open_news", left: true });
    expect(String((resolved.chats[0] as Api.Channel).accessHash)).toBe(String(calls.access.channelHash(OWN, OPEN)));
    const resolve = (username: string) => own.call(new Api.contacts.ResolveUsername({ username }));
    await expect(resolve("nobody_here")).rejects.toThrow("USERNAME_NOT_OCCUPIED");
    await expect(resolve("@no")).rejects.toThrow("USERNAME_INVALID");
  });
});

describe("dialogs", () => {
  test("are what was joined, newest first, in pages", async () => {
    const ids = range(600, 629).map(BigInt);
    for (const [index, id] of ids.entries()) {
      calls.world.addChannel({ id, title: `${id}`, username: null, megagroup: false, date: 1, isPrivate: true });
      calls.world.post(id, textMessage("x", { date: 1_700_000_000 + Math.floor(index / 3) }));
      calls.world.join(OWN, id);
    }
    const seen: string[] = [];
    const offset = { offsetDate: 0, offsetId: 0, offsetPeer: new Api.InputPeerEmpty() as Api.TypeInputPeer };
    for (;;) {
      const page = await own.call(new Api.messages.GetDialogs({ ...offset, limit: 7, hash: bigInt.zero }));
      if (!(page instanceof Api.messages.DialogsSlice)) throw new Error(page.className);
      expect(page.count).toBe(30);
      const last = page.dialogs.at(-1);
      if (!(last instanceof Api.Dialog)) break;
      seen.push(...page.chats.map(({ id }) => String(id)));
      offset.offsetId = last.topMessage;
      offset.offsetDate = (page.messages.at(-1) as Api.Message).date;
      offset.offsetPeer = inputPeer(BigInt(String((last.peer as Api.PeerChannel).channelId)));
    }
    expect(seen).toEqual(ids.reverse().map(String));
  });

  test("of named peers tell pts and top message, or fail as a whole", async () => {
    post("1");
    post("2");
    const peers = (...list: Api.TypeInputPeer[]) =>
      new Api.messages.GetPeerDialogs({ peers: list.map((peer) => new Api.InputDialogPeer({ peer })) });
    const answer = await own.call(peers(inputPeer(OPEN)));
    expect(answer.dialogs[0]).toMatchObject({ pts: 3, topMessage: 2 });
    expect(answer.messages.map(({ id }) => id)).toEqual([2]);
    await expect(own.call(peers(inputPeer(OPEN), inputPeer(CLOSED)))).rejects.toThrow("CHANNEL_PRIVATE");
    await expect(own.call(peers(inputPeer(OPEN, OTHER)))).rejects.toThrow("CHANNEL_INVALID");
    await expect(own.call(peers(...Array(101).fill(inputPeer(OPEN))))).rejects.toThrow("LIMIT_INVALID");
  });

  test("may be kept from those who have not joined", async () => {
    setUp({ rules: { servesUnjoinedDialogs: false } });
    const peers = [new Api.InputDialogPeer({ peer: inputPeer(OPEN) })];
    await expect(own.call(new Api.messages.GetPeerDialogs({ peers }))).rejects.toThrow("CHANNEL_PRIVATE");
    await expect(difference(1)).rejects.toThrow("CHANNEL_PRIVATE");
    calls.world.join(OWN, OPEN);
    expect((await own.call(new Api.messages.GetPeerDialogs({ peers }))).dialogs).toHaveLength(1);
  });
});

async function difference(pts: number, limit = 100) {
  return own.call(
    new Api.updates.GetChannelDifference({
      channel: inputChannel(OPEN),
      filter: new Api.ChannelMessagesFilterEmpty(),
      pts,
      limit,
    }),
  );
}

async function told(pts: number, limit = 100) {
  const answer = await difference(pts, limit);
  if (!(answer instanceof Api.updates.ChannelDifference)) throw new Error(answer.className);
  return {
    pts: answer.pts,
    final: answer.final,
    new: answer.newMessages.map((message) => [message.id, (message as Api.Message).message]),
    other: answer.otherUpdates.map((update) => {
      if (update instanceof Api.UpdateEditChannelMessage) return ["edit", (update.message as Api.Message).message];
      if (update instanceof Api.UpdateDeleteChannelMessages) return ["delete", ...update.messages];
      if (update instanceof Api.UpdatePinnedChannelMessages)
        return [update.pinned ? "pin" : "unpin", ...update.messages];
      return [update.className];
    }),
  };
}

describe("getChannelDifference", () => {
  test("collapses what happened to one message", async () => {
    for (const text of ["one", "two", "three", "four"]) post(text);
    const before = calls.world.channels.get(OPEN)!.pts;
    calls.world.edit(OPEN, 1, { message: "one, again" });
    calls.world.edit(OPEN, 1, { message: "one, last" });
    calls.world.edit(OPEN, 2, { message: "gone soon" });
    post("five");
    calls.world.edit(OPEN, 5, { message: "five, edited" });
    post("six");
    calls.world.remove(OPEN, [2, 6, 3]);
    calls.world.pin(OPEN, [4], true);
    expect(await told(before)).toEqual({
      pts: calls.world.channels.get(OPEN)!.pts,
      final: true,
      new: [[5, "five, edited"]],
      other: [
        ["edit", "one, last"],
        ["delete", 2, 6, 3],
        ["pin", 4],
      ],
    });
  });

  test("comes in pages until final", async () => {
    for (const id of range(1, 25)) post(`${id}`);
    const first = await told(1, 1);
    expect(first).toMatchObject({ pts: 11, final: false });
    expect(first.new.map(([id]) => id)).toEqual(range(1, 10));
    expect(await told(21, 10)).toMatchObject({ pts: 26, final: true });
    expect((await difference(26)).className).toBe("updates.ChannelDifferenceEmpty");
  });

  test("is too long from before the kept events, or from too far behind", async () => {
    setUp({ maxEvents: 20, rules: { differenceTooLongAfter: 15 } });
    for (const id of range(1, 30)) post(`${id}`);
    for (const pts of [10, 12]) {
      const answer = await difference(pts, 10);
      if (!(answer instanceof Api.updates.ChannelDifferenceTooLong)) throw new Error(answer.className);
      expect(answer.dialog).toMatchObject({ pts: 31, topMessage: 30 });
      expect(answer.messages.map(({ id }) => id)).toEqual(downFrom(30, 21));
    }
    expect(await told(16)).toMatchObject({ pts: 31, final: true });
  });

  test("refuses a pts that never was", async () => {
    post("1");
    await expect(difference(0)).rejects.toThrow("PERSISTENT_TIMESTAMP_EMPTY");
    await expect(difference(-1)).rejects.toThrow("PERSISTENT_TIMESTAMP_INVALID");
    await expect(difference(3)).rejects.toThrow("PERSISTENT_TIMESTAMP_INVALID");
  });
});
