import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createWatch } from "../../telegram/lease/watch.ts";

const STILL = 45_000;
const row = (beat: number, token = "a") => ({ sessionId: 1n, token, beat: BigInt(beat), holder: "other" });

describe("what may be taken over", () => {
  test("a lease that this process itself saw standing still for lease + quiet time", () => {
    const watch = createWatch(STILL);
    watch.observe([row(7)], 1_000);
    watch.observe([row(7)], 40_000);
    expect(watch.standingStill(1n, 45_999)).toBeNull();
    expect(watch.standingStill(1n, 46_000)).toEqual(row(7));
  });

  test("not one that it never saw", () => {
    expect(createWatch(STILL).standingStill(1n, 1e9)).toBeNull();
  });

  test.each([
    { what: "a beat", rows: [row(8)] },
    { what: "another token with the same beat", rows: [row(7, "b")] },
    { what: "a release in between", rows: [] },
  ])("$what begins the time anew", ({ rows }) => {
    const watch = createWatch(STILL);
    watch.observe([row(7)], 0);
    watch.observe(rows, 40_000);
    watch.observe([row(7)], 44_000);
    expect(watch.standingStill(1n, 60_000)).toBeNull();
    expect(watch.standingStill(1n, 44_000 + STILL)).toEqual(row(7));
  });

  test("a holder that beats in time is never taken over", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: STILL - 1 }), { maxLength: 40 }), (gaps) => {
        const watch = createWatch(STILL);
        let now = 0;
        gaps.forEach((gap, beat) => {
          watch.observe([row(beat)], now);
          now += gap;
          expect(watch.standingStill(1n, now)).toBeNull();
        });
      }),
    );
  });
});

describe("a failover of PostgreSQL", () => {
  test("nothing may be taken for as long, neither by insert nor from another", () => {
    const watch = createWatch(STILL);
    watch.timeline("00000001", 0);
    watch.observe([row(7)], 0);
    expect(watch.mayTake(STILL)).toBe(true);
    watch.timeline("00000002", STILL);
    expect(watch.mayTake(STILL)).toBe(false);
    expect(watch.standingStill(1n, STILL)).toBeNull();
    watch.observe([row(7)], STILL + 1);
    expect(watch.mayTake(2 * STILL - 1)).toBe(false);
    expect(watch.mayTake(2 * STILL)).toBe(true);
  });

  test("the first timeline, the same one and an unknown one close nothing", () => {
    const watch = createWatch(STILL);
    for (const timeline of [null, "00000003", "00000003", null]) watch.timeline(timeline, 10);
    expect(watch.mayTake(10)).toBe(true);
  });
});
