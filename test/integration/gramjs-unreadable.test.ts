import { afterAll, beforeAll, expect, it } from "vitest";
import type { Handler } from "../../emulator/dc/service.ts";
import type { ChannelRef } from "../../telegram/api.ts";
import type { TelegramConnection } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { textMessage } from "../support/emulated-calls.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

/* A post with a constructor of a newer layer makes every answer that holds it unreadable, as a whole. */

const ME = 6_000_000_001n;
const NEWS = 1_500_000_001n;
const UNKNOWN_CONSTRUCTOR = Buffer.from("deadbeef00000000", "hex");

let telegram: WireTelegram;
let connection: TelegramConnection;
let news: ChannelRef;
/** Ids of posts that cannot be read. */
const unreadable = new Set<number>();

beforeAll(async () => {
  telegram = await startWireTelegram();
  const { world, handlers } = telegram;
  const person = { phone: "9996620001", firstName: "Ada", username: null, dcId: 2, premium: false, password: null };
  world.addUser({ id: ME, ...person });
  world.addChannel({ id: NEWS, title: "News", username: "news", megagroup: false, date: 1, isPrivate: false });
  for (let number = 1; number <= 40; number += 1) world.post(NEWS, textMessage(`post ${number} marked #${number}#`));
  for (const method of ["messages.GetHistory", "channels.GetMessages", "updates.GetChannelDifference"]) {
    const serve = handlers.get(method)!;
    const spoiled: Handler = async (request, context) => {
      const answer = await serve(request, context);
      return [...unreadable].some((id) => answer.includes(`#${id}#`)) ? UNKNOWN_CONSTRUCTOR : answer;
    };
    handlers.set(method, spoiled);
  }
  news = { id: NEWS, accessHash: telegram.access.channelHash(ME, NEWS) };
  connection = await connect(telegram.options(await telegram.planted(ME)));
});

afterAll(async () => {
  await connection?.close();
  await telegram?.close();
});

const ids = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, index) => from - index);

it("reads a history page around it, and names it", async () => {
  unreadable.clear();
  unreadable.add(25);
  const page = await connection.api.history(news, { offsetId: 31, limit: 10 });
  expect(page.messages.map((message) => message.id)).toEqual([...ids(30, 26), ...ids(24, 21)]);
  expect(page.skipped).toEqual([{ id: 25, reason: "unknown constructor" }]);
});

it("reads around it at the channel's top", async () => {
  unreadable.clear();
  unreadable.add(40).add(38);
  const page = await connection.api.history(news, { offsetId: 0, limit: 100 });
  expect(page.skipped.map((one) => one.id)).toEqual([40]);
  expect(page.messages.map((message) => message.id)).toEqual([39]);
  const next = await connection.api.history(news, { offsetId: 39, limit: 100 });
  expect(next.skipped.map((one) => one.id)).toEqual([38]);
  expect(next.messages.map((message) => message.id)).toEqual(ids(37, 1));
});

it("reads messages by id around it", async () => {
  unreadable.clear();
  unreadable.add(3);
  const page = await connection.api.messagesById(news, [1, 2, 3, 4, 999]);
  expect(page.messages.map((message) => message.id)).toEqual([1, 2, 4]);
  expect(page.skipped.map((one) => one.id)).toEqual([3]);
  expect(page.missing).toEqual([999]);
});

it("sends a difference with it the way of history", async () => {
  unreadable.clear();
  unreadable.add(40);
  await expect(connection.api.channelDifference(news, { pts: 1, limit: 100 })).rejects.toMatchObject({
    kind: "pts_unusable",
    reason: "invalid",
  });
});

it.each<[string, ChannelRef, object]>([
  ["cannot be read", { id: NEWS, accessHash: 0n }, { kind: "pts_unusable" }],
  ["is an error", { id: NEWS + 1n, accessHash: 1n }, { errorName: "CHANNEL_INVALID" }],
])("loses no other answer of a container in which one %s", async (_what, { id, accessHash }, refusal) => {
  unreadable.clear();
  unreadable.add(40);
  const bad = { id, accessHash: accessHash || news.accessHash };
  const together = answerTogether("updates.GetChannelDifference", "messages.GetHistory");
  try {
    const [spoiled, sound] = await Promise.allSettled([
      connection.api.channelDifference(bad, { pts: 1, limit: 100 }),
      connection.api.history(news, { offsetId: 31, limit: 10 }),
    ]);
    expect(spoiled).toMatchObject({ status: "rejected", reason: refusal });
    expect(sound).toMatchObject({ status: "fulfilled", value: { skipped: [] } });
  } finally {
    together.end();
  }
});

/** Holds the answers to two calls until both have come: what is answered at once goes out in one container. */
function answerTogether(...methods: readonly [string, string]) {
  const { handlers } = telegram;
  const before = methods.map((method) => handlers.get(method)!);
  const arrived = new Set<string>();
  let release = () => {};
  const both = new Promise<void>((resolve) => {
    release = resolve;
  });
  methods.forEach((method, index) => {
    handlers.set(method, async (request, context) => {
      arrived.add(method);
      if (arrived.size === methods.length) release();
      await both;
      return before[index]!(request, context);
    });
  });
  return { end: () => methods.forEach((method, index) => void handlers.set(method, before[index]!)) };
}
