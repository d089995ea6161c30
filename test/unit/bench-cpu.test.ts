import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { cpuOf, cpuSeconds, parseStat } from "../../bench/cpu.ts";
import { quantile } from "../../bench/first-page/quantile.ts";

test("a line of /proc: a name with spaces and parentheses, and the time of children that have ended", () => {
  const line = `4711 (a (b) c) S 12 4711 4711 0 -1 4194560 900 0 0 0 150 25 300 25 20 0 1 0 1234 5678 90`;
  expect(parseStat(line)).toEqual({ pid: 4711, parent: 12, program: "a (b) c", ticks: 500 });
});

test("what a process below ours does is counted, for whom it is asked and while it is asked", async () => {
  const busy = spawn(process.execPath, ["-e", "for (const end = Date.now() + 300; Date.now() < end; );"]);
  const parts = { all: { root: process.pid }, none: { root: process.pid, program: "no such program" } };
  const { cpu } = await cpuOf({ ...parts, busy: { root: busy.pid! } }, () => once(busy, "exit"));
  expect(cpu.all).toBeGreaterThan(0);
  expect(cpu.none).toBe(0);
  // It is gone, and what it used with it, but for whom it was a child of.
  expect(cpu.busy).toBe(0);
  expect(cpuSeconds({ gone: { root: busy.pid! } })).toEqual({ gone: 0 });
});

test.each([
  [[3, 1, 2], 0.5, 2],
  [[3, 1, 2], 1, 3],
  [[5], 0.95, 5],
  [Array.from({ length: 20 }, (_, index) => index + 1), 0.95, 19],
  [Array.from({ length: 40 }, (_, index) => index + 1), 0.95, 38],
])("of %j the quantile %d is %d", (values, share, expected) => {
  expect(quantile(values, share)).toBe(expected);
  expect(() => quantile([], share)).toThrow();
});
