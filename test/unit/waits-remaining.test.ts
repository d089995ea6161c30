import fc from "fast-check";
import { expect, test } from "vitest";
import { msRemaining, waitEndAfter, waitEndFromServer } from "../../telegram/waits/remaining.ts";
import { manualClock } from "../support/manual-clock.ts";

const HOUR = 3_600_000;
const SECONDS = 1_800;

test.each([
  { what: "nothing passed", pass: 0, jump: 0, left: 10_000 },
  { what: "half of it", pass: 5_000, jump: 0, left: 5_000 },
  { what: "all of it", pass: 10_000, jump: 0, left: 0 },
  { what: "the wall clock set forward an hour", pass: 1_000, jump: HOUR, left: 9_000 },
  { what: "the wall clock set back an hour", pass: 1_000, jump: -HOUR, left: 9_000 },
])("a wait of 10 s: $what", ({ pass, jump, left }) => {
  const clock = manualClock();
  const end = waitEndAfter(clock, 10);
  clock.pass(pass);
  clock.jump(jump);
  expect(msRemaining(end, clock)).toBe(left);
});

/** A wait written by one process and read by another, `passed` later, while clocks were off by so much. */
function leftWhenRead(jumps: {
  readonly passed: number;
  readonly process?: readonly [written: number, read: number];
  readonly server?: readonly [written: number, read: number];
}): number {
  const { process = [0, 0], server = [0, 0] } = jumps;
  const clock = manualClock();
  const written = clock.now();
  const end = (offset: number) => new Date(written + offset + SECONDS * 1_000);
  const wait = { until: end(server[0]), processUntil: end(process[0]), seconds: SECONDS };
  clock.pass(jumps.passed);
  const serverNow = new Date(clock.now() + server[1]);
  clock.jump(process[1]);
  return msRemaining(waitEndFromServer(clock, wait, serverNow), clock);
}

test.each([
  { what: "no clock jumped", jumps: {} },
  { what: "the process's is ahead", jumps: { process: [0, HOUR] } },
  { what: "the process's is behind", jumps: { process: [0, -HOUR] } },
  { what: "the process's was ahead", jumps: { process: [HOUR, 0] } },
  { what: "the process's was behind", jumps: { process: [-HOUR, 0] } },
  { what: "PostgreSQL's is ahead", jumps: { server: [0, HOUR] } },
  { what: "PostgreSQL's is behind", jumps: { server: [0, -HOUR] } },
  { what: "PostgreSQL's was ahead", jumps: { server: [HOUR, 0] } },
  { what: "PostgreSQL's was behind", jumps: { server: [-HOUR, 0] } },
] as const)("a wait of half an hour, read from PostgreSQL: $what", ({ jumps }) => {
  expect(leftWhenRead({ passed: 600_000, ...jumps })).toBe(SECONDS * 1_000 - 600_000);
});

test("one clock's jumps shorten no wait, and prolong none beyond what was asked for", () => {
  const anyJump = fc.integer({ min: -2 * HOUR, max: 2 * HOUR });
  fc.assert(
    fc.property(
      fc.nat(2 * SECONDS * 1_000),
      fc.constantFrom("process", "server"),
      fc.tuple(anyJump, anyJump),
      (passed, whose, offsets) => {
        const left = leftWhenRead({ passed, [whose]: offsets });
        expect(left).toBeGreaterThanOrEqual(Math.max(0, SECONDS * 1_000 - passed));
        expect(left).toBeLessThanOrEqual(SECONDS * 1_000);
      },
    ),
  );
});

test("both clocks set back since it was written: what was asked for, once more", () => {
  expect(leftWhenRead({ passed: 600_000, process: [HOUR, 0], server: [HOUR, 0] })).toBe(SECONDS * 1_000);
});

test("less than a second counts as one", () => {
  const clock = manualClock();
  expect(msRemaining(waitEndAfter(clock, 0), clock)).toBe(1_000);
});
