import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { StoredMessage } from "../../db/messages.ts";
import { loadDesktopChannel } from "../../emulator/world/load-desktop.ts";
import type { WorldChannel } from "../../emulator/world/model.ts";
import { createWorld } from "../../emulator/world/world.ts";
import { compareMessage } from "../../formats/desktop/compare.ts";
import { textDigest, textOf } from "../../formats/desktop/digest.ts";
import { parseDesktopExport } from "../../formats/desktop/parse.ts";
import { writeDesktopExport } from "../../formats/desktop/write.ts";
import { CHANNEL_DATA, exportBytes, hasChannelData, SMALL_EXPORT } from "../support/export-file.ts";
import { projectMessage } from "../support/world-projection.ts";

/** Rows as the database would give them, deleted ones among them, in batches. */
async function* rowsOf(channel: WorldChannel): AsyncGenerator<StoredMessage[]> {
  const rest = { statsAt: new Date(0), revision: 1n };
  const rows = [...channel.messages.values()].map((message) => ({
    ...projectMessage(channel.id, message),
    ...rest,
    deletedAt: null,
  }));
  for (let at = 0; at < rows.length; at += 100) yield rows.slice(at, at + 100);
  yield rows.slice(0, 1).map((row) => ({ ...row, id: 9_999_999, deletedAt: new Date(0) }));
}

async function throughWorld(bytes: Uint8Array, fileName: string, timeZone: string) {
  const expected = parseDesktopExport(bytes, fileName);
  const world = createWorld({ clock: { now: () => 0 } });
  const channel = loadDesktopChannel(world, expected, fileName);
  let text = "";
  const written = await writeDesktopExport(
    { id: channel.id, title: channel.title, username: channel.username, kind: "broadcast" },
    rowsOf(channel),
    (chunk) => {
      text += chunk;
    },
    timeZone,
  );
  const actual = parseDesktopExport(Buffer.from(text), "out.json");
  expect(() => JSON.parse(text)).not.toThrow();
  const identical = expected.messages.filter((message, index) => {
    const other = actual.messages[index];
    return other !== undefined && compareMessage(message, other).length === 0;
  });
  return { expected, actual, channel, written, identical: identical.length };
}

describe("a Desktop export through the world and out again", () => {
  it("is the same, with what Desktop never wrote left out", async () => {
    const { expected, actual, channel, written, identical } = await throughWorld(
      exportBytes(SMALL_EXPORT),
      "dir/result.json",
      "Europe/Berlin",
    );
    expect(identical).toBe(6);
    expect(written).toBe(6);
    expect({ ...actual, messages: [] }).toEqual({ ...expected, unsupported: [], messages: [] });
    expect(actual.messages[2]).toMatchObject({
      date: "2024-01-02T01:00:00",
      text: SMALL_EXPORT.messages[2]?.text,
      photo: "(File not included. Change data exporting settings to download.)",
    });
    expect(channel.username).toBe("world_1555000111");
    expect([...channel.deleted]).toEqual([3, 4, 6, 8]);
    expect(channel.messages.get(5)?.groupedId).toBe(13_000_000_000_000_001n);
    expect(channel.messages.get(5)?.entities.at(-1)).toEqual({
      type: "messageEntityCustomEmoji",
      offset: 22,
      length: 2,
      documentId: 5_368_324_170_671_202_286n,
    });
  });

  it.skipIf(!hasChannelData)(
    "is the same for 924 of 924 messages of a real channel (needs ../shared/data)",
    async () => {
      const bytes = readFileSync(join(CHANNEL_DATA, "trantor_library.result.json"));
      const truth = JSON.parse(readFileSync(join(CHANNEL_DATA, "expected.json"), "utf8"))[
        "trantor_library.result.json"
      ];
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(truth.sha256);
      const { expected, actual, channel, identical } = await throughWorld(
        bytes,
        join(CHANNEL_DATA, "trantor_library.result.json"),
        "Asia/Shanghai",
      );
      expect([identical, actual.messages.length]).toEqual([924, 924]);
      for (const messages of [expected.messages, actual.messages])
        expect(textDigest(messages.map((message) => ({ id: message.id, text: textOf(message) })))).toBe(
          truth.canonical_digest,
        );
      expect(channel.username).toBe("trantor_library");
      expect(channel.deleted.size).toBe(truth.id_gaps);
      expect(channel.topId).toBe(truth.max_id);
      expect(channel.pts).toBe(925);
      // In the exporter's time zone even the dates read the same.
      expect(actual.messages.map(({ date, edited }) => [date, edited])).toEqual(
        expected.messages.map(({ date, edited }) => [date, edited]),
      );
    },
  );
});
