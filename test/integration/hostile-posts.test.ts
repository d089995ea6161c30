import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { skippedOf, streamMessages } from "../../db/messages.ts";
import type { Handler } from "../../emulator/dc/service.ts";
import { loadTlChannel } from "../../emulator/world/load-tl.ts";
import type { WorldChannel } from "../../emulator/world/model.ts";
import { compareChannelMessage } from "../../formats/tl-dictionary/compare.ts";
import { parseTlDictionaries } from "../../formats/tl-dictionary/parse.ts";
import { Snooze } from "../../queue/outcome.ts";
import type { TelegramConnection } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { textMessage } from "../support/emulated-calls.ts";
import { exportBytes } from "../support/export-file.ts";
import { startParsing, type TestUser } from "../support/parsing.ts";
import { SMALL_TL, type TlDictionary, tlMessage } from "../support/tl-file.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

/* Whatever is published arrives over the real wire and is stored as far as it is sound; the rest is reported by id. */

const ME = 6_000_000_001n;
/** How an answer begins that no layer of ours knows. */
const UNKNOWN_CONSTRUCTOR = Buffer.from("deadbeef00000000", "hex");
/** In the texts of posts of a newer layer: every answer that holds one is unreadable. */
const NEWER = "#newer layer#";

let telegram: WireTelegram;
let connection: TelegramConnection;
let parsing: Awaited<ReturnType<typeof startParsing>>;

beforeAll(async () => {
  [telegram, parsing] = await Promise.all([startWireTelegram(), startParsing()]);
  const person = { phone: "9996620001", firstName: "Ada", username: null, dcId: 2, premium: false, password: null };
  telegram.world.addUser({ id: ME, ...person });
  for (const [method, serve] of telegram.handlers) {
    if (!/^(messages|channels|updates)\./.test(method)) continue;
    const served: Handler = async (request, context) => {
      const answer = await serve(request, context);
      return answer.includes(NEWER) ? UNKNOWN_CONSTRUCTOR : answer;
    };
    telegram.handlers.set(method, served);
  }
  connection = await connect(telegram.options(await telegram.planted(ME)));
});
afterAll(async () => {
  await connection?.close();
  await telegram?.close();
  await parsing?.close();
});

let channels = 0;
let users = 0n;
/** These dictionaries as a channel of the world, joined by this account. */
function publish(given: readonly TlDictionary[]) {
  channels += 1;
  const peer_id = { _: "PeerChannel", channel_id: 1_700_000_000 + channels };
  const bytes = exportBytes(given.map((one) => (one._ === "MessageEmpty" ? one : { ...one, peer_id })));
  const file = `channel_${channels}.tl.json`;
  const [published] = parseTlDictionaries(bytes, file);
  if (!published) throw new Error("nothing published");
  const channel = loadTlChannel(telegram.world, published, file);
  telegram.world.join(ME, channel.id);
  return { channel, published: published.messages };
}

const follow = (...of: readonly WorldChannel[]) => {
  users += 1n;
  const names = of.map((channel) => channel.username ?? "");
  return parsing.addUser(ME + users, connection.api, names);
};

/** Parses until nothing is missing. */
async function readAll(user: TestUser, ...of: readonly WorldChannel[]): Promise<void> {
  await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done" });
  for (const channel of of)
    await expect(parsing.backfill(user, channel.id)).resolves.toMatchObject({ outcome: "complete" });
}

/** As its queue runs it: again and again until it ends. */
async function drained(user: TestUser, channel: WorldChannel): Promise<void> {
  for (;;) {
    const ended = await parsing.backfill(user, channel.id).catch((error: unknown) => {
      if (error instanceof Snooze) return null;
      throw error;
    });
    if (ended) return;
  }
}

const historyCalls = () => telegram.witness.summary().callsByMethod["messages.GetHistory"] ?? 0;

async function storedOf(channel: WorldChannel) {
  return parsing.database.asWorker(async (tx) => {
    const rows = [];
    for await (const batch of streamMessages(tx, channel.id)) rows.push(...batch);
    return { rows, reported: await skippedOf(tx, channel.id) };
  });
}

const plain = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => tlMessage(from + index));
const newer = (id: number) => tlMessage(id, { message: `${NEWER} ${id}` });
const unreadable = (id: number) => ({ id, reason: "unknown constructor" });

describe("posts that are not as they should be", () => {
  it("are stored as published, of every kind, with what our layer lacks reported", async () => {
    const { channel, published } = publish(SMALL_TL);
    await readAll(await follow(channel), channel);
    const { rows, reported } = await storedOf(channel);
    expect(rows.map(({ id }) => id)).toEqual(published.map(({ id }) => id));
    expect(published.flatMap((one, index) => compareChannelMessage(one, rows[index]!))).toEqual([]);
    expect(reported).toEqual([
      { id: 20, reason: "stored, without its action, which is of an unknown kind" },
      { id: 26, reason: "stored, with 1 of 2 entities of an unknown kind" },
      { id: 27, reason: "stored, without its media, a MessageMediaUnsupported" },
    ]);
  });

  it("keep every sound entity: of 100 over 4,096 units, overlapping, and none beyond the text", async () => {
    const bold = (offset: number, length: number) => ({ _: "MessageEntityBold", offset, length });
    const long = "🙂".repeat(2_048);
    const hundred = Array.from({ length: 100 }, (_, index) => bold(index * 3, 4_096 - index * 3));
    const { channel, published } = publish([
      tlMessage(1, { message: long, entities: hundred }),
      tlMessage(2, {
        message: "short",
        entities: [bold(0, 5), bold(3, 3), bold(5, 1), bold(-2, 4), bold(2, 0), bold(0, 2 ** 31 - 1)],
      }),
      tlMessage(3, { message: "", entities: [bold(0, 1)] }),
      tlMessage(4, { message: "zero \u0000 and half \ud83d", entities: [bold(5, 1)] }),
    ]);
    await readAll(await follow(channel), channel);
    const { rows, reported } = await storedOf(channel);
    expect(rows[0]?.text).toBe(long);
    expect(rows[0]?.entities).toEqual(published[0]?.entities);
    expect(rows[1]?.entities).toEqual([{ type: "bold", offset: 0, length: 5 }]);
    expect(rows[2]?.entities).toEqual([]);
    expect(rows[3]).toMatchObject({
      text: "zero \ufffd and half \ufffd",
      entities: [{ type: "bold", offset: 5, length: 1 }],
    });
    expect(reported.map(({ id }) => id)).toEqual([2, 3, 4]);
    expect(reported[0]?.reason).toBe("stored, without 5 of 6 entities, which reach beyond the text");
  });

  it("stop no other channel of the account, nor its names from being found", async () => {
    const good = publish(plain(1, 5)).channel;
    const bad = publish([...plain(1, 4), newer(5)]).channel;
    const last = publish(plain(1, 5)).channel;
    const user = await follow(good, bad, last);
    await readAll(user, good, bad, last);
    for (const channel of [good, last]) expect((await storedOf(channel)).rows).toHaveLength(5);
    const { rows, reported } = await storedOf(bad);
    expect(rows.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(reported).toEqual([unreadable(5)]);
    expect(await parsing.channel(bad.id)).toMatchObject({ pts: bad.pts, covered: [{ from: 1, to: 5 }] });
    // Nothing new: nothing is read again.
    await expect(parsing.parse(user)).resolves.toMatchObject({ changed: 0 });
  });

  it.each<[string, readonly number[], readonly number[]]>([
    ["is its newest", [...Array(250).keys()].map((index) => index + 1), [250]],
    ["lies among the first hundred and in the history", [...Array(250).keys()].map((index) => index + 1), [199, 60]],
    ["is all it has", [2_000_000], [2_000_000]],
    ["stands alone far above the rest", [1, 2, 3, 9_000_000], [9_000_000]],
    ["stands far below the rest", [3, 2_000_000_000, 2_000_000_001], [3, 2_000_000_000]],
  ])("leave a channel complete where one %s", async (_what, ids, bad) => {
    const { channel } = publish(ids.map((id) => (bad.includes(id) ? newer(id) : tlMessage(id))));
    await readAll(await follow(channel), channel);
    const { rows, reported } = await storedOf(channel);
    expect(rows.map(({ id }) => id)).toEqual(ids.filter((id) => !bad.includes(id)));
    expect(reported).toEqual([...bad].sort((a, b) => a - b).map(unreadable));
    expect(await parsing.channel(channel.id)).toMatchObject({
      pts: channel.pts,
      covered: [{ from: 1, to: channel.topId }],
      unverified: [],
    });
  });

  it("that come later, or become so by an edit, do not keep back what else is new", async () => {
    const { channel } = publish(plain(1, 130));
    const user = await follow(channel);
    await readAll(user, channel);
    const { world } = telegram;
    world.post(channel.id, textMessage("sound"));
    world.post(channel.id, textMessage(NEWER));
    world.post(channel.id, textMessage("sound too"));
    world.edit(channel.id, 20, { message: NEWER });
    world.edit(channel.id, 21, { message: "edited" });
    world.remove(channel.id, [22]);
    await readAll(user, channel);
    const { rows, reported } = await storedOf(channel);
    expect(rows.filter(({ id }) => id > 130).map(({ id, text }) => [id, text])).toEqual([
      [131, "sound"],
      [133, "sound too"],
    ]);
    expect(rows.find(({ id }) => id === 21)?.text).toBe("edited");
    expect(rows.some(({ id }) => id === 22)).toBe(false);
    // Its older text stands: the newer one is not to be had.
    expect(rows.find(({ id }) => id === 20)?.text).toBe("post 20");
    expect(reported).toEqual([unreadable(20), unreadable(132)]);

    world.edit(channel.id, 20, { message: "for every layer", editDate: 2_000_000_000 });
    await readAll(user, channel);
    const later = await storedOf(channel);
    expect(later.rows.find(({ id }) => id === 20)?.text).toBe("for every layer");
    expect(later.reported).toEqual([unreadable(132)]);
  });
});

describe("a channel's ids", () => {
  it("may begin at 2,000,000", async () => {
    const { channel } = publish(plain(2_000_000, 2_000_149));
    await readAll(await follow(channel), channel);
    expect((await storedOf(channel)).rows.map(({ id }) => id)).toEqual([...channel.messages.keys()]);
    expect(await parsing.channel(channel.id)).toMatchObject({ covered: [{ from: 1, to: 2_000_149 }], unverified: [] });
  });

  it.each([
    // The page from the top says that it is all there is.
    [1, 1],
    [100, 1],
    // Below the last message it is asked once more: a short page proves nothing.
    [101, 3],
    [150, 3],
    [1_000, 11],
  ])("cost no call more for beginning at 2,000,000: %i messages, %i pages", async (messages, pages) => {
    const { channel } = publish(plain(2_000_000, 2_000_000 + messages - 1));
    const user = await follow(channel);
    const before = historyCalls();
    await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done" });
    await drained(user, channel);
    expect(await parsing.channel(channel.id)).toMatchObject({ covered: [{ from: 1, to: channel.topId }] });
    expect((await storedOf(channel)).rows).toHaveLength(messages);
    expect(historyCalls() - before).toBe(pages);
    // What is read once stays read.
    telegram.world.post(channel.id, textMessage("news"));
    await readAll(user, channel);
    expect(historyCalls() - before).toBe(pages);
  });

  it("may all be of messages that are gone", async () => {
    const { channel } = publish(plain(1, 5));
    telegram.world.remove(channel.id, [1, 2, 3, 4, 5]);
    const user = await follow(channel);
    await readAll(user, channel);
    expect((await storedOf(channel)).rows).toEqual([]);
    telegram.world.post(channel.id, textMessage("the sixth"));
    await readAll(user, channel);
    expect((await storedOf(channel)).rows.map(({ id, text }) => [id, text])).toEqual([[6, "the sixth"]]);
    expect(await parsing.channel(channel.id)).toMatchObject({ covered: [{ from: 1, to: 6 }], unverified: [] });
  });

  it("may lose all that was read", async () => {
    const { channel } = publish(plain(1, 5));
    const user = await follow(channel);
    await readAll(user, channel);
    telegram.world.remove(channel.id, [1, 2, 3, 4, 5]);
    await readAll(user, channel);
    expect((await storedOf(channel)).rows).toEqual([]);
    expect((await parsing.rows(channel.id)).map(({ deleted }) => deleted)).toEqual(Array(5).fill(true));
  });

  it("may not have begun", async () => {
    const facts = { title: "Empty", username: "empty_channel", megagroup: false, date: 1, isPrivate: false };
    const channel = telegram.world.addChannel({ id: 1_600_000_000n, ...facts });
    telegram.world.join(ME, channel.id);
    const user = await follow(channel);
    await readAll(user, channel);
    expect(await parsing.channel(channel.id)).toMatchObject({ pts: 1, topMessageId: 0, covered: [] });
    telegram.world.post(channel.id, textMessage("first"));
    await readAll(user, channel);
    expect((await storedOf(channel)).rows.map(({ text }) => text)).toEqual(["first"]);
  });
});
