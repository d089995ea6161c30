import { describe, expect, test } from "vitest";
import { type AccountFlood, createMethodPauses, pauseForSpread } from "../../telegram/flood-scope.ts";
import { manualClock } from "../support/manual-clock.ts";

const METHOD = "messages.getHistory";
const flooded = (seconds: number, at = 0): AccountFlood => ({ calledAt: at, floodedAt: at, seconds });
const fine = (at = 0): AccountFlood => ({ calledAt: at, floodedAt: null, seconds: 0 });

test.each([
  { what: "two accounts only", accounts: [flooded(5), flooded(5)], pause: null },
  { what: "three of three", accounts: [flooded(30), flooded(7), flooded(9)], pause: 7_000 },
  { what: "three of six", accounts: [flooded(5), flooded(5), flooded(5), fine(), fine(), fine()], pause: 5_000 },
  { what: "three of seven", accounts: [flooded(5), flooded(5), flooded(5), ...Array(4).fill(fine())], pause: null },
  { what: "hours", accounts: [flooded(9_000), flooded(8_000), flooded(7_000)], pause: 60_000 },
  { what: "one of them long ago", accounts: [flooded(5), flooded(5), flooded(5, -60_001)], pause: null },
])("$what", ({ accounts, pause }) => {
  expect(pauseForSpread(accounts, 0)).toBe(pause);
});

describe("the pause", () => {
  const spread = () => {
    const clock = manualClock();
    const pauses = createMethodPauses(clock);
    for (const account of [1n, 2n, 3n]) pauses.observe(1, METHOD, account, 10);
    return { clock, pauses };
  };

  test("holds every account of the API ID on that method, and nobody else", () => {
    const { clock, pauses } = spread();
    expect(pauses.check(1, METHOD)?.getTime()).toBe(clock.now() + 10_000);
    expect(pauses.check(2, METHOD)).toBeNull();
    expect(pauses.check(1, "users.getUsers")).toBeNull();
  });

  test("then one account probes: its success resumes", () => {
    const { clock, pauses } = spread();
    clock.pass(10_000);
    expect(pauses.enter(1, METHOD, 4n)).toBeNull();
    expect(pauses.enter(1, METHOD, 5n)).not.toBeNull();
    pauses.observe(1, METHOD, 4n, null);
    expect(pauses.enter(1, METHOD, 5n)).toBeNull();
  });

  test("a probe's flood doubles it", () => {
    const { clock, pauses } = spread();
    clock.pass(10_000);
    pauses.enter(1, METHOD, 4n);
    pauses.observe(1, METHOD, 4n, 3);
    expect(pauses.check(1, METHOD)?.getTime()).toBe(clock.now() + 20_000);
  });

  test("a probe that never came back is followed by another", () => {
    const { clock, pauses } = spread();
    clock.pass(10_000);
    pauses.enter(1, METHOD, 4n);
    clock.pass(30_000);
    expect(pauses.enter(1, METHOD, 5n)).toBeNull();
  });
});
