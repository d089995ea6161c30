import fc from "fast-check";
import { expect, test } from "vitest";
import { laterEnd, msRemaining, waitEndAfter, waitEndFromServer } from "../../telegram/waits/remaining.ts";
import { manualClock } from "../support/manual-clock.ts";

const HOUR = 3_600_000;

test.each([
  { what: "nothing passed", pass: 0, jump: 0, left: 10_000 },
  { what: "half of it", pass: 5_000, jump: 0, left: 5_000 },
  { what: "all of it", pass: 10_000, jump: 0, left: 0 },
  { what: "the wall clock set forward an hour", pass: 1_000, jump: HOUR, left: 9_000 },
  { what: "the wall clock set back an hour", pass: 1_000, jump: -HOUR, left: 9_000 + HOUR },
])("a wait of 10 s: $what", ({ pass, jump, left }) => {
  const clock = manualClock();
  const end = waitEndAfter(clock, 10);
  clock.pass(pass);
  clock.jump(jump);
  expect(msRemaining(end, clock)).toBe(left);
});

test("never over before its time has really passed, wherever the wall clock jumps", () => {
  fc.assert(
    fc.property(fc.nat(20_000), fc.integer({ min: -HOUR, max: HOUR }), (passed, jump) => {
      const clock = manualClock();
      const end = waitEndAfter(clock, 10);
      clock.pass(passed);
      clock.jump(jump);
      expect(msRemaining(end, clock)).toBeGreaterThanOrEqual(Math.max(0, 10_000 - passed));
    }),
  );
});

test.each([
  { what: "our clock an hour ahead of PostgreSQL's", skew: HOUR, left: 10_000 },
  { what: "our clock an hour behind", skew: -HOUR, left: 10_000 + HOUR },
])("a wait read from PostgreSQL, $what", ({ skew, left }) => {
  const clock = manualClock();
  const serverNow = new Date(clock.now() - skew);
  const end = waitEndFromServer(clock, new Date(serverNow.getTime() + 10_000), serverNow);
  expect(msRemaining(end, clock)).toBe(left);
});

test("a shorter wait shortens nothing, on either clock", () => {
  const clock = manualClock();
  const long = waitEndAfter(clock, 100);
  expect(laterEnd(long, waitEndAfter(clock, 5))).toEqual(long);
  expect(laterEnd(undefined, long)).toEqual(long);
});

test("less than a second counts as one", () => {
  const clock = manualClock();
  expect(msRemaining(waitEndAfter(clock, 0), clock)).toBe(1_000);
});
