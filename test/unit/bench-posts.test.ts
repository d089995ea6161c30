import { expect, test } from "vitest";
import { madeUpExport } from "../../bench/store/posts.ts";
import { loadDesktopChannel } from "../../emulator/world/load-desktop.ts";
import { createWorld } from "../../emulator/world/world.ts";
import { parseDesktopExports } from "../../formats/desktop/parse.ts";
import { manualClock } from "../support/manual-clock.ts";

const made = () => madeUpExport({ id: 1_555_000_001, name: "Harbour News", messages: 500 });

test("a made-up channel is the same every time", () => {
  expect(made()).toEqual(made());
});

test("it is an export that the emulator loads whole: ids without gaps, of the length of news", () => {
  const [exported] = parseDesktopExports(Buffer.from(JSON.stringify(made())), "harbour_news.json");
  const world = createWorld({ clock: manualClock(Date.now()) });
  const channel = loadDesktopChannel(world, exported!, "harbour_news.json");
  expect(channel.username).toBe("harbour_news");
  expect([...channel.messages.keys()]).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  const messages = [...channel.messages.values()];
  const bytes = messages.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0) / messages.length;
  expect(bytes).toBeGreaterThan(200);
  expect(bytes).toBeLessThan(500);
  expect(messages.every(({ entities }) => entities.length === 3)).toBe(true);
  for (const part of ["media", "fwdFrom", "replyTo", "editDate", "reactions"] as const)
    expect(messages.some((message) => message[part] !== null)).toBe(true);
});
