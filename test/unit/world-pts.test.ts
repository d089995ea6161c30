import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WorldChange } from "../../emulator/world/model.ts";
import { composePost } from "../../emulator/world/posts.ts";
import { createRandom } from "../../emulator/world/random.ts";
import { createWorld } from "../../emulator/world/world.ts";

const NOW = 1_700_000_000;
const clock = { now: () => NOW * 1000 };
const facts = { id: 77n, title: "T", username: "TheChannel", megagroup: false, date: NOW, isPrivate: false };

function worldOfOne(maxEvents?: number) {
  const world = createWorld({ clock, ...(maxEvents === undefined ? {} : { maxEvents }) });
  const channel = world.addChannel(facts);
  const random = createRandom("posts");
  const post = (id?: number) => {
    const composed = composePost(random, channel, NOW);
    return world.post(channel.id, id === undefined ? composed : { ...composed, id });
  };
  return { world, channel, post };
}

describe("a channel's pts", () => {
  it("grows by one a post and an edit, by one for each id deleted and pinned", () => {
    const { world, channel, post } = worldOfOne();
    expect(channel.pts).toBe(1);
    for (let count = 0; count < 4; count += 1) post();
    world.edit(77n, 2, { message: "new", entities: [] });
    world.remove(77n, [1, 3, 3, 99]);
    world.remove(77n, [1, 3]);
    world.pin(77n, [2, 4, 98], true);
    world.pin(77n, [4], true);
    expect(channel.events.map(({ kind, pts, ptsCount }) => [kind, pts, ptsCount])).toEqual([
      ["new", 2, 1],
      ["new", 3, 1],
      ["new", 4, 1],
      ["new", 5, 1],
      ["edit", 6, 1],
      ["delete", 8, 2],
      ["pin", 10, 2],
    ]);
    expect(channel.pts).toBe(10);
    expect([...channel.deleted]).toEqual([1, 3]);
    expect(channel.edits).toEqual(new Map([[2, 1]]));
  });

  it("is where its events lead, without a hole, whatever happens", () => {
    const action = fc.oneof(
      fc.constant({ do: "post" as const }),
      fc.record({ do: fc.constantFrom("edit" as const, "remove" as const, "pin" as const), id: fc.nat(12) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (actions, maxEvents) => {
        const { world, channel, post } = worldOfOne(maxEvents);
        for (const one of actions) {
          if (one.do === "post") post();
          else if (one.do === "remove") world.remove(77n, [one.id, one.id + 1]);
          else if (one.do === "pin") world.pin(77n, [one.id], true);
          else if (channel.messages.has(one.id)) world.edit(77n, one.id, { message: "again" });
        }
        expect(channel.events.length).toBeLessThanOrEqual(maxEvents);
        let pts = channel.events[0] ? channel.events[0].pts - channel.events[0].ptsCount : channel.pts;
        for (const event of channel.events) {
          pts += event.ptsCount;
          expect(event.pts).toBe(pts);
        }
        expect(pts).toBe(channel.pts);
        for (let id = 1; id <= channel.topId; id += 1)
          expect([channel.messages.has(id), channel.deleted.has(id)].filter(Boolean)).toHaveLength(1);
      }),
    );
  });

  it("keeps the ids of content loaded as exported, and counts what lies between as gone", () => {
    const { channel, post } = worldOfOne();
    post(1);
    post(4);
    expect(post().id).toBe(5);
    expect(channel.topId).toBe(5);
    expect([...channel.deleted]).toEqual([2, 3]);
    expect(channel.pts).toBe(4);
    expect(() => post(5)).toThrow("not above 5");
  });
});

describe("an edit", () => {
  it("is never dated before the post or the edit before it", () => {
    const { world, post } = worldOfOne();
    const { id } = post();
    expect(world.edit(77n, id, { editDate: NOW - 100 }).editDate).toBe(NOW);
    expect(world.edit(77n, id, { editDate: NOW + 9 }).editDate).toBe(NOW + 9);
    expect(world.edit(77n, id, { message: "by the clock" }).editDate).toBe(NOW + 9);
    expect(world.channels.get(77n)?.edits.get(id)).toBe(3);
  });

  it("makes a new message object, so that what was kept of the old one is noticed", () => {
    const { world, channel, post } = worldOfOne();
    const before = post();
    world.pin(77n, [before.id], true);
    expect(channel.messages.get(before.id)).not.toBe(before);
    expect(before.pinned).toBe(false);
  });
});

describe("the world", () => {
  it("tells every change once, after it, and nothing where nothing changed", () => {
    const { world, channel, post } = worldOfOne();
    const changes: WorldChange[] = [];
    const end = world.onChange((change) => {
      if ("pts" in change) expect(change.pts).toBe(channel.pts);
      changes.push(change);
    });
    const person = {
      id: 5n,
      phone: "9996610001",
      firstName: "A",
      username: null,
      dcId: 1,
      premium: true,
      password: null,
    };
    world.addUser(person);
    world.join(5n, 77n);
    world.join(5n, 77n);
    post();
    world.edit(77n, 1, { message: "x" });
    world.pin(77n, [1], false);
    world.remove(77n, [1]);
    world.remove(77n, [1]);
    world.leave(5n, 77n);
    world.leave(5n, 77n);
    expect(changes.map(({ kind }) => kind)).toEqual(["user", "join", "post", "edit", "delete", "leave"]);
    expect(channel.participants).toBe(0);
    end();
    post();
    expect(changes).toHaveLength(6);
  });

  it("finds users by phone and channels by name, however they are written", () => {
    const { world, channel } = worldOfOne();
    expect(world.channelByUsername("@thechannel")).toBe(channel);
    expect(world.channelByUsername("other")).toBeUndefined();
    expect(world.userByPhone("+999 661 0001")).toBeUndefined();
  });

  it("throws where what is named does not exist, or exists twice", () => {
    const { world } = worldOfOne();
    expect(() => world.edit(77n, 1, {})).toThrow("no message 1 of channel 77");
    expect(() => world.join(5n, 77n)).toThrow("no user 5");
    expect(() => world.remove(78n, [1])).toThrow("no channel 78");
    expect(() => world.addChannel(facts)).toThrow("exists");
    expect(() => world.addChannel({ ...facts, id: 78n, username: "thechannel" })).toThrow("taken");
  });
});
