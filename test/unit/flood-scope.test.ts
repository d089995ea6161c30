import { expect, test } from "vitest";
import { pauseForSpread } from "../../telegram/flood-scope.ts";
import { readMethodState } from "../../telegram/limiter/method-state.ts";

test.each([
  { what: "two accounts only", called: 2, waits: [5, 5], pause: null },
  { what: "three of three", called: 3, waits: [30, 7, 9], pause: 7_000 },
  { what: "three of six", called: 6, waits: [5, 5, 5], pause: 5_000 },
  { what: "three of seven", called: 7, waits: [5, 5, 5], pause: null },
  { what: "hours", called: 3, waits: [9_000, 8_000, 7_000], pause: 60_000 },
])("$what", ({ called, waits, pause }) => {
  expect(pauseForSpread({ called, waits })).toBe(pause);
});

test.each([
  { text: "1700000000000 5000 - 0", state: { until: 1_700_000_000_000, lengthMs: 5_000, probe: null } },
  {
    text: "1700000000000 5000 6100000001 1700000030000",
    state: {
      until: 1_700_000_000_000,
      lengthMs: 5_000,
      probe: { account: 6_100_000_001n, until: 1_700_000_030_000 },
    },
  },
  { text: "", state: null },
  { text: "1700000000000 5000", state: null },
])("the state $text", ({ text, state }) => {
  expect(readMethodState(text)).toEqual(state);
});
