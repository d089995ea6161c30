import { expect, test } from "vitest";
import { silentLog } from "../../runtime/log.ts";
import { backOffMs, startLoop } from "../../runtime/loop.ts";

test("a turn that wants another has it at once, and one that throws is tried again", async () => {
  const turns: number[] = [];
  await new Promise<void>((resolve) => {
    const loop = startLoop({
      name: "test",
      everyMs: 1,
      log: silentLog,
      turn: async () => {
        turns.push(turns.length);
        if (turns.length === 2) throw new Error("once");
        if (turns.length === 4) void loop.stop().then(resolve);
        return turns.length < 2 ? "again" : "rest";
      },
    });
  });
  expect(turns).toEqual([0, 1, 2, 3]);
});

test("failures make a loop rest longer, but not so long that what is back would be missed", () => {
  const rests = (everyMs: number) => [1, 2, 3, 4, 5, 50].map((failures) => backOffMs(everyMs, failures));
  expect(rests(500)).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  expect(rests(5_000)).toEqual([5_000, 10_000, 10_000, 10_000, 10_000, 10_000]);
  expect(rests(30_000)).toEqual(Array(6).fill(30_000));
});

test("stopping waits for the turn in progress, and starts no other", async () => {
  let turns = 0;
  let finish = () => {};
  const started = new Promise<void>((begun) => {
    const loop = startLoop({
      name: "test",
      everyMs: 0,
      log: silentLog,
      turn: async () => {
        turns += 1;
        await new Promise<void>((resolve) => {
          finish = resolve;
          begun();
        });
        return "again";
      },
    });
    void loop;
    stop = () => loop.stop();
  });
  await started;
  let stopped = false;
  const stopping = stop().then(() => {
    stopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(stopped).toBe(false);
  finish();
  await stopping;
  expect(turns).toBe(1);
});

let stop: () => Promise<void> = async () => {};
