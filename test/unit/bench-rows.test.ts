import { describe, expect, test } from "vitest";
import { callsBetween, describeCalls } from "../../bench/calls/count.ts";
import { chooseRows } from "../../bench/choose-rows.ts";
import { describe as describeScores, reportOf } from "../../bench/report.ts";
import { ROWS, type RowName } from "../../bench/rows.ts";
import { median, score } from "../../bench/score.ts";
import { sideBySide } from "../../bench/side-by-side.ts";

const rowNamed = (name: RowName) => ROWS.find((row) => row.name === name)!;

describe("choosing rows", () => {
  test.each([
    [
      [],
      [
        ...["store", "read", "jobs", "due", "due-old-snapshot", "memory", "accounts"],
        ...["calls", "calls-changed", "first-page"],
      ],
    ],
    [["due"], ["due", "due-old-snapshot"]],
    // Only when it is named.
    [["growth"], ["growth"]],
    [["calls"], ["calls", "calls-changed"]],
    [["calls-changed"], ["calls-changed"]],
    [["calls-changed, read"], ["read", "calls-changed"]],
    [
      ["jobs", "store", "jobs"],
      ["store", "jobs"],
    ],
  ])("%j selects %j", (only, rows) => {
    expect(chooseRows(only)).toEqual(rows);
  });

  test.each([["stor"], [""], ["due,"], ["call"]])("%j is refused as usage", (only) => {
    expect(() => chooseRows([only])).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

describe("scores", () => {
  test.each([
    [[3], 3],
    [[9, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[100, 20, 3], 20],
  ])("the median of %j is %d", (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  test("no median of nothing", () => {
    expect(() => median([])).toThrow();
  });

  test("where more is better the ratio is ours over the baseline, the median over the pairs", () => {
    const pairs = [
      { ours: 120, baseline: 100 },
      { ours: 10, baseline: 100 },
      { ours: 130, baseline: 50 },
    ];
    expect(score(rowNamed("store"), pairs)).toMatchObject({
      ours: 120,
      baseline: 100,
      ratio: 1.2,
      pass: true,
      spread: { ours: { least: 10, most: 130 }, ratio: { least: 0.1, most: 2.6 } },
    });
    expect(score(rowNamed("store"), [{ ours: 119, baseline: 100 }]).pass).toBe(false);
  });

  test.each([
    ["calls", 3, true],
    ["calls", 4, false],
    ["calls-changed", 14, true],
    ["calls-changed", 15, false],
    ["memory", 120, true],
    ["memory", 121, false],
    ["first-page", 100, true],
    ["first-page", 101, false],
  ] as const)("%s with %d, against 100: %s", (name, ours, pass) => {
    expect(score(rowNamed(name), [{ ours, baseline: 100 }])).toMatchObject({ ratio: 100 / ours, pass });
  });
});

test("sides take turns, and the first pair is not counted", async () => {
  const order: string[] = [];
  let turn = 0;
  const pairs = await sideBySide(
    {
      async ours() {
        order.push("ours");
        turn += 1;
        return { count: 100 * turn, seconds: 2 };
      },
      async baseline() {
        order.push("baseline");
        return { count: 100, seconds: 4 };
      },
    },
    { pairs: 2, note: () => {} },
  );
  expect(order).toEqual(["ours", "baseline", "ours", "baseline", "ours", "baseline"]);
  expect(pairs).toEqual([
    { ours: 100, baseline: 25 },
    { ours: 150, baseline: 25 },
  ]);
});

test("what is no rate is taken as it is, and what begins afresh each time has nothing to warm up", async () => {
  const notes: string[] = [];
  const pairs = await sideBySide(
    {
      fresh: true,
      ours: async () => ({ value: 48.25, note: "RSS 90 MiB" }),
      baseline: async () => ({ count: 100, seconds: 2, cpu: { worker: 0.5, emulator: 0.001 } }),
    },
    { pairs: 1, note: (text) => notes.push(text) },
  );
  expect(pairs).toEqual([{ ours: 48.25, baseline: 50 }]);
  expect(notes).toEqual([
    "pair 1 of 1: ours 48.3, RSS 90 MiB; baseline 50/s, CPU worker 0.50 s (5.00 ms each), emulator 0.00 s (10.0 µs each)",
  ]);
});

test("a machine that slows down in the middle moves both sides, and not their ratio", () => {
  const halved = [1, 1, 1, 0.5, 0.5].map((speed, at) => ({
    ours: 80 * speed,
    baseline: (at === 2 ? 90 : 100) * speed,
  }));
  expect(score(rowNamed("due"), halved).ratio).toBeCloseTo(0.8);
});

test("the report has one entry a row, rounded after it was judged", () => {
  const { rows } = reportOf([score(rowNamed("calls"), [{ ours: 3, baseline: 100 }])]);
  expect(rows).toEqual([{ row: "calls", ours: 3, baseline: 100, ratio: 33.333, atLeast: 33.333, pass: true }]);
  const almost = reportOf([score(rowNamed("due"), [{ ours: 0.69999, baseline: 1 }])]);
  expect(almost.rows[0]).toMatchObject({ ratio: 0.7, pass: false });
});

test("the table shows unit, median and spread, and says what does not hold", () => {
  const lines = describeScores([
    score(rowNamed("store"), [
      { ours: 1_000, baseline: 2_000 },
      { ours: 1_500, baseline: 2_000 },
      { ours: 1_600, baseline: 2_500 },
    ]),
  ]);
  expect(lines[1]).toMatch(
    /^store +messages\/s +1500 \(1000–1600\) +2000 \(2000–2500\) +0\.64 \(0\.5–0\.75\) +1\.2 +DOES NOT HOLD$/,
  );
});

test("calls between two counts, by method", () => {
  const calls = callsBetween({ getMe: 2, getConfig: 1 }, { getMe: 3, getConfig: 1, getHistory: 10 });
  expect([...calls]).toEqual([
    ["getMe", 1],
    ["getHistory", 10],
  ]);
  expect(describeCalls(calls)).toBe("1 × getMe, 10 × getHistory");
  expect(describeCalls(new Map())).toBe("no call");
});
