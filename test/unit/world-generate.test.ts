import { describe, expect, it } from "vitest";
import { plantAccounts } from "../../emulator/world/accounts.ts";
import { generateWorld, testPhone } from "../../emulator/world/generate.ts";
import type { World, WorldMessage } from "../../emulator/world/model.ts";
import { createRandom } from "../../emulator/world/random.ts";
import { startTraffic, trafficStep } from "../../emulator/world/traffic.ts";
import { createWorld } from "../../emulator/world/world.ts";

const CREATED_AT = 1_700_000_000;

function generated(seed: string | number = 1, users = 100, channels = 40): World {
  const world = createWorld({ clock: { now: () => CREATED_AT * 1000 } });
  generateWorld(world, { seed, users, channels, createdAt: CREATED_AT });
  return world;
}
const state = (world: World) => ({ users: [...world.users], channels: [...world.channels] });
const world = generated();
const messages: WorldMessage[] = [...world.channels.values()].flatMap((channel) => [...channel.messages.values()]);

describe("the generated world", () => {
  it("is the same for the same seed, another for another, and the same channels whatever the users", () => {
    expect(state(generated(3, 20, 5))).toEqual(state(generated(3, 20, 5)));
    expect(state(generated(3, 20, 5))).not.toEqual(state(generated(4, 20, 5)));
    const texts = (one: World) => [...one.channels.values()].map((channel) => [...channel.messages]);
    expect(texts(generated(3, 2, 5))).toEqual(texts(generated(3, 20, 5)));
  });

  it("has the users and channels asked for, everybody following 5 to 15, nobody unread", () => {
    expect(world.users.size).toBe(100);
    expect(world.channels.size).toBe(40);
    const phones = new Set([...world.users.values()].map(({ phone }) => phone));
    expect(phones.size).toBe(100);
    for (const user of world.users.values()) {
      expect(user.phone).toMatch(new RegExp(`^99966${user.dcId}\\d{4}$`));
      expect(user.joined.size).toBeGreaterThanOrEqual(5);
      expect(user.joined.size).toBeLessThanOrEqual(17);
    }
    for (const channel of world.channels.values()) {
      expect(channel.participants).toBeGreaterThanOrEqual(1);
      expect(channel.isPrivate).toBe(channel.username === null);
    }
    expect([...world.users.values()].filter(({ premium }) => premium)).toHaveLength(50);
    expect(testPhone(2, 10_000)).toBe("99966210000");
  });

  it("has one channel of many pages, gaps in the ids, and dates in order in the past", () => {
    const sizes = [...world.channels.values()].map((channel) => channel.messages.size);
    expect(Math.max(...sizes)).toBeGreaterThan(1_300);
    for (const channel of world.channels.values()) {
      let before = channel.date;
      for (const message of channel.messages.values()) {
        expect(message.date).toBeGreaterThanOrEqual(before);
        expect(Math.max(message.date, message.editDate ?? 0)).toBeLessThan(CREATED_AT);
        expect(message.editDate ?? message.date).toBeGreaterThanOrEqual(message.date);
        before = message.date;
      }
    }
    expect([...world.channels.values()].some((channel) => channel.deleted.size > 3)).toBe(true);
  });

  it("has every kind of content", () => {
    const kinds = new Set(messages.map(({ media }) => (media?.kind === "document" ? media.as : media?.kind)));
    for (const kind of "photo video round_video animation audio voice sticker file poll web_page geo contact dice".split(
      " ",
    ))
      expect(kinds).toContain(kind);
    expect(new Set(messages.map(({ action }) => action?.type))).toEqual(
      new Set([undefined, "channel_create", "chat_edit_photo", "chat_edit_title", "pin_message"]),
    );
    expect(messages.some(({ fwdFrom }) => fwdFrom?.fromId?.type === "channel")).toBe(true);
    expect(messages.some(({ fwdFrom }) => fwdFrom?.fromName)).toBe(true);
    const albums = new Map<bigint, number>();
    for (const { groupedId } of messages) if (groupedId) albums.set(groupedId, (albums.get(groupedId) ?? 0) + 1);
    expect(Math.max(...albums.values())).toBeGreaterThan(2);
    expect(Math.max(...albums.values())).toBeLessThanOrEqual(6);
    const replied = [...world.channels.values()].flatMap(({ deleted, messages: living }) =>
      [...living.values()].filter(({ replyTo }) => replyTo?.msgId && !replyTo.peer && deleted.has(replyTo.msgId)),
    );
    expect(replied.length).toBeGreaterThan(0);
    for (const script of [
      /\p{Script=Latin}/u,
      /\p{Script=Cyrillic}/u,
      /\p{Script=Arabic}/u,
      /\p{Script=Han}/u,
      /\p{Script=Devanagari}/u,
      /\u200d/,
    ])
      expect(messages.some(({ message }) => script.test(message))).toBe(true);
  });

  it("has entities on whole signs, in Telegram's order, nested and crossing ones among them", () => {
    let nested = 0;
    let crossing = 0;
    for (const { message, entities } of messages) {
      for (const [index, { offset, length }] of entities.entries()) {
        expect(length).toBeGreaterThan(0);
        expect(offset + length).toBeLessThanOrEqual(message.length);
        const marked = message.slice(offset, offset + length);
        // A surrogate cut in two would not come back.
        expect(Buffer.from(marked).toString()).toBe(marked);
        const before = entities[index - 1];
        if (!before) continue;
        expect(before.offset < offset || (before.offset === offset && before.length >= length)).toBe(true);
        const end = before.offset + before.length;
        if (offset >= end) continue;
        if (offset + length <= end) nested += 1;
        else crossing += 1;
      }
    }
    expect(nested).toBeGreaterThan(0);
    expect(crossing).toBeGreaterThan(0);
    const types = new Set(messages.flatMap(({ entities }) => entities.map(({ type }) => type)));
    for (const type of "Bold Italic TextUrl Mention Hashtag Code Pre Blockquote Spoiler CustomEmoji".split(" "))
      expect(types).toContain(`messageEntity${type}`);
  });
});

describe("plantAccounts", () => {
  it("gives every user a key of their own, the same each time, under the api_id of a first login", () => {
    const apiIds = [11, 22, 33];
    const { keys, accounts } = plantAccounts(world, { seed: 1, apiIds });
    expect(plantAccounts(world, { seed: 1, apiIds }).accounts).toEqual(accounts);
    expect(plantAccounts(world, { seed: 2, apiIds }).accounts[0]?.keyHex).not.toBe(accounts[0]?.keyHex);
    expect(new Set(accounts.map(({ keyHex }) => keyHex)).size).toBe(100);
    for (const [index, account] of accounts.entries()) {
      const user = world.users.get(account.telegramId);
      expect(keys[index]).toEqual({
        key: Buffer.from(account.keyHex, "hex"),
        dcId: user?.dcId,
        accountId: user?.id,
        apiId: apiIds[Number(account.telegramId % 3n)],
      });
      expect(account.keyHex).toHaveLength(512);
      expect(account.follows).toHaveLength(user?.joined.size ?? -1);
    }
  });
});

describe("traffic", () => {
  it("is the same for the same seed, and does everything", () => {
    const worlds = [generated(5, 5, 6), generated(5, 5, 6)];
    const kinds = worlds.map((one) => {
      const random = createRandom("traffic");
      return Array.from({ length: 600 }, (_, step) => trafficStep(one, random, (CREATED_AT + step) * 1000).kind);
    });
    expect(kinds[0]).toEqual(kinds[1]);
    expect(state(worlds[0]!)).toEqual(state(worlds[1]!));
    expect(new Set(kinds[0])).toEqual(new Set(["post", "album", "edit", "delete", "pin"]));
  });

  it("changes what it edits, dated now", () => {
    const one = generated(6, 2, 3);
    const random = createRandom(6);
    one.onChange((change) => {
      if (change.kind !== "edit") return;
      expect(change.message.message).not.toBe(before.get(`${change.channelId}/${change.message.id}`));
      expect(change.message.editDate).toBe(CREATED_AT + 5);
    });
    const before = new Map<string, string>();
    for (let step = 0; step < 300; step += 1) {
      for (const [id, channel] of one.channels)
        for (const message of channel.messages.values()) before.set(`${id}/${message.id}`, message.message);
      trafficStep(one, random, (CREATED_AT + 5) * 1000, { editShare: 0.5, deleteShare: 0.1 });
    }
  });

  it("keeps its rate by the clock it is given, and stops", () => {
    let monotonic = 0;
    const stopping = new AbortController();
    const ticks: (() => void)[] = [];
    const traffic = startTraffic(generated(8, 2, 3), {
      seed: 1,
      clock: { now: () => CREATED_AT * 1000, monotonic: () => monotonic },
      postsPerMinute: 600,
      editShare: 0,
      deleteShare: 0,
      signal: stopping.signal,
      every: (_milliseconds, tick) => {
        ticks.push(tick);
        return () => ticks.pop();
      },
    });
    for (let tick = 0; tick < 100; tick += 1) {
      monotonic += 100;
      ticks[0]?.();
    }
    const { steps } = traffic.counts;
    expect(steps).toBeGreaterThanOrEqual(99);
    expect(steps).toBeLessThanOrEqual(100);
    monotonic += 3_600_000;
    ticks[0]?.();
    expect(traffic.counts.steps).toBeLessThanOrEqual(steps + 11);
    stopping.abort();
    expect(ticks).toHaveLength(0);
  });
});
