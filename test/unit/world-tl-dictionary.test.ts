import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { Api } from "telegram/tl/api.js";
import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../emulator/tl/write-message.ts";
import { loadTlChannel } from "../../emulator/world/load-tl.ts";
import type { WorldChannel } from "../../emulator/world/model.ts";
import { openWorld } from "../../emulator/world/open.ts";
import { createWorld } from "../../emulator/world/world.ts";
import { textDigest } from "../../formats/desktop/digest.ts";
import { compareChannelMessage } from "../../formats/tl-dictionary/compare.ts";
import { parseTlDictionaries } from "../../formats/tl-dictionary/parse.ts";
import { toMessage } from "../../telegram/gramjs/to-message.ts";
import { CHANNEL_DATA, exportBytes, hasChannelData } from "../support/export-file.ts";
import { SMALL_TL, tlMessage } from "../support/tl-file.ts";
import { projectMessage } from "../support/world-projection.ts";

const emptyWorld = () => createWorld({ clock: { now: () => 0 } });
const load = (bytes: Buffer, file: string) => {
  const [published] = parseTlDictionaries(bytes, file);
  return { published: published!, channel: loadTlChannel(emptyWorld(), published!, file) };
};

/** The channel's messages as the adapter reads them from the wire's bytes. */
const overTheWire = (channel: WorldChannel) =>
  [...channel.messages.values()].map((message) => {
    const read: unknown = new BinaryReader(encodeMessage(channel, message)).tgReadObject();
    if (!(read instanceof Api.Message || read instanceof Api.MessageService)) throw new Error("not a message");
    const mapped = toMessage(channel.id, read);
    expect(mapped).toEqual(projectMessage(channel.id, message));
    return mapped;
  });

describe("TL dictionaries through the world and over the wire", () => {
  it("are the same, of every kind", () => {
    const { published, channel } = load(exportBytes(SMALL_TL), "dir/small_news.tl.json");
    const read = overTheWire(channel);
    expect(read).toHaveLength(published.messages.length);
    expect(published.messages.flatMap((one, index) => compareChannelMessage(one, read[index]!))).toEqual([]);
    // With their counters, where the wire can say them.
    for (const id of [40, 41]) {
      const of = (list: typeof read) => list.find((one) => one.id === id)?.stats;
      expect(of(read)).toEqual(of([...published.messages]));
    }
    expect(channel).toMatchObject({ title: "small_news", username: "small_news", exported: true, topId: 41 });
    expect(channel.pts).toBe(1 + published.messages.length);
  });

  it("take a place far up, and a gap as wide as ids go", () => {
    const { channel } = load(exportBytes([2_000_000, 2_000_002, 2 ** 31 - 1].map((id) => tlMessage(id))), "far.json");
    expect([...channel.messages.keys()]).toEqual([2_000_000, 2_000_002, 2 ** 31 - 1]);
    expect([...channel.deleted]).toEqual([2_000_001]);
    expect(channel.username).toBe(`world_${channel.id}`);
  });

  it("come from a list of files with those of exports, each channel once", () => {
    const world = emptyWorld();
    const [published] = parseTlDictionaries(exportBytes(SMALL_TL), "a.json");
    loadTlChannel(world, published!, "a.json");
    expect(() => loadTlChannel(world, published!, "b.json")).toThrow("b.json: channel 1555000222 is in the world");
  });

  it.skipIf(!hasChannelData)("are the same for 100 of 100 messages of a real channel (needs ../shared/data)", () => {
    const file = join(CHANNEL_DATA, "vedomosti.tl.json");
    const truth = JSON.parse(readFileSync(join(CHANNEL_DATA, "expected.json"), "utf8"))["vedomosti.tl.json"];
    const { published, channel } = load(readFileSync(file), file);
    const read = overTheWire(channel);
    const identical = published.messages.filter((one, index) => compareChannelMessage(one, read[index]!).length === 0);
    expect([identical.length, read.length]).toEqual([100, 100]);
    expect(textDigest(read)).toBe(truth.canonical_digest);
    expect(read.map(({ stats }) => stats)).toEqual(published.messages.map(({ stats }) => stats));
    expect(channel).toMatchObject({ title: "vedomosti", username: "vedomosti", topId: truth.max_id });
  });

  it.skipIf(!hasChannelData)("stand in a world beside an export (needs ../shared/data)", () => {
    const files = ["vedomosti.tl.json", "trantor_library.result.json"].map((name) => join(CHANNEL_DATA, name));
    const { world } = openWorld({ dir: null, seed: "x", users: 1, channels: 0, files, clock: { now: () => 1.7e12 } });
    const exported = [...world.channels.values()].filter((channel) => channel.exported);
    expect(exported.map(({ username, messages }) => [username, messages.size])).toEqual([
      ["vedomosti", 100],
      ["trantor_library", 924],
    ]);
    for (const { joined } of world.users.values()) for (const { id } of exported) expect(joined).toContain(id);
  });
});
