import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { Api } from "telegram/tl/api.js";
import { expect, it } from "vitest";
import { encodeMessage } from "../../emulator/tl/write-message.ts";
import { loadDesktopChannel } from "../../emulator/world/load-desktop.ts";
import { openWorld } from "../../emulator/world/open.ts";
import { createRandom } from "../../emulator/world/random.ts";
import { trafficStep } from "../../emulator/world/traffic.ts";
import { parseDesktopExport } from "../../formats/desktop/parse.ts";
import { toMessage } from "../../telegram/gramjs/to-message.ts";
import { exportBytes, SMALL_EXPORT } from "../support/export-file.ts";
import { projectMessage } from "../support/world-projection.ts";

it("every message of the world arrives over the wire as the projection says it must be stored", () => {
  const { world } = openWorld({ dir: null, seed: "wire", users: 3, channels: 8, clock: { now: () => 1.7e12 } });
  loadDesktopChannel(world, parseDesktopExport(exportBytes(SMALL_EXPORT), "small.json"), "small.json");
  const random = createRandom("wire");
  for (let step = 0; step < 500; step += 1) trafficStep(world, random, 1.7e12 + step * 1_000);
  for (const channel of world.channels.values())
    for (const message of channel.messages.values()) {
      const read: unknown = new BinaryReader(encodeMessage(channel, message)).tgReadObject();
      if (!(read instanceof Api.Message || read instanceof Api.MessageService)) throw new Error("not a message");
      expect(toMessage(channel.id, read)).toEqual(projectMessage(channel.id, message));
    }
});
