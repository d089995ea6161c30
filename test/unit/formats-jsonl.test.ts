import { expect, it } from "vitest";
import type { StoredMessage } from "../../db/messages.ts";
import { generateWorld } from "../../emulator/world/generate.ts";
import { createWorld } from "../../emulator/world/world.ts";
import { fromJsonLine, toJsonLine } from "../../formats/jsonl.ts";
import { projectMessage } from "../support/world-projection.ts";

it("carries every stored message through one line of JSON", () => {
  const world = createWorld({ clock: { now: () => 1_700_000_000_000 } });
  generateWorld(world, { seed: "jsonl", users: 1, channels: 3, createdAt: 1_700_000_000 });
  let revision = 2n ** 53n;
  for (const channel of world.channels.values())
    for (const message of channel.messages.values()) {
      const stored: StoredMessage = {
        ...projectMessage(channel.id, message),
        deletedAt: revision % 2n === 0n ? null : new Date(1_700_000_000_123),
        statsAt: new Date(1_700_000_000_000),
        revision: revision++,
      };
      const line = toJsonLine(stored);
      expect(line).not.toContain("\n");
      expect(fromJsonLine(line)).toEqual(stored);
    }
});

it("refuses what is no stored message", () => {
  expect(() => fromJsonLine("{}")).toThrow();
  expect(() => fromJsonLine("{")).toThrow(SyntaxError);
});
