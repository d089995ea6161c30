import { expect, test } from "vitest";
import { createMetrics } from "../../runtime/metrics.ts";
import { showLoads } from "../../telegram/limiter/gauges.ts";
import { createLoads } from "../../telegram/limiter/load.ts";
import { manualClock } from "../support/manual-clock.ts";

const none = () => 0;

test("what is free is what could still begin within a second, after all who wait", () => {
  const clock = manualClock();
  const loads = createLoads({ callsPerSecond: 100, forgetMs: 60_000, clock });
  loads.note(1, -5_000);
  loads.note(2, 400);
  loads.note(3, 5_000);
  const free = (waiting: (apiId: number) => number) => [...loads.all(waiting)].map(([id, load]) => [id, load.free]);
  expect(free(none)).toEqual([
    [1, 100],
    [2, 60],
    [3, 0],
  ]);
  expect(free(() => 70)).toEqual([
    [1, 30],
    [2, 0],
    [3, 0],
  ]);
  clock.pass(300);
  expect(free(none)[1]).toEqual([2, 90]);
  clock.pass(4_200);
  expect(free(none)[2]).toEqual([3, 50]);
});

test("who has not called for long is forgotten, unless somebody waits", () => {
  const clock = manualClock();
  const loads = createLoads({ callsPerSecond: 100, forgetMs: 1_000, clock });
  loads.note(1, 0);
  loads.note(2, 500);
  clock.pass(1_400);
  expect([...loads.all(none).keys()]).toEqual([2]);
  clock.pass(200);
  expect([...loads.all(() => 3)]).toEqual([[2, { waiting: 3, free: 97 }]]);
  expect([...loads.all(none)]).toEqual([]);
});

test("ours have a line each, whether called or not, and all of people's own have one together", async () => {
  const metrics = createMetrics();
  const seen = new Map([
    [1001, { waiting: 7, free: 40 }],
    [500_001, { waiting: 1, free: 99 }],
    [500_002, { waiting: 2, free: 3 }],
  ]);
  showLoads({ loads: () => seen }, { ours: [1001, 1002], callsPerSecond: 100 }, metrics);
  const of = async (gauge: "limiterQueue" | "limiterReservoir") =>
    Object.fromEntries((await metrics[gauge].get()).values.map(({ labels, value }) => [labels.api_id, value]));
  expect(await of("limiterQueue")).toEqual({ "1001": 7, "1002": 0, own: 3 });
  expect(await of("limiterReservoir")).toEqual({ "1001": 40, "1002": 100, own: 3 });
});
