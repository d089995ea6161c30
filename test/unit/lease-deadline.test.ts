import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { leaseLeft, momentOf } from "../../telegram/lease/deadline.ts";
import { HeldLease } from "../../telegram/lease/held-lease.ts";
import { manualClock } from "../support/manual-clock.ts";

const LEASE = 30_000;
const HOUR = 3_600_000;

describe("leaseLeft", () => {
  test.each([
    { what: "just renewed", monotonic: 0, wall: 0, left: 30_000 },
    { what: "a third gone", monotonic: 10_000, wall: 10_000, left: 20_000 },
    { what: "past", monotonic: 30_000, wall: 30_000, left: 0 },
    { what: "the wall clock set back an hour", monotonic: 29_000, wall: 29_000 - HOUR, left: 1_000 },
    { what: "past, the wall clock set back an hour", monotonic: 31_000, wall: 31_000 - HOUR, left: 0 },
    { what: "the wall clock set forward an hour", monotonic: 1_000, wall: 1_000 + HOUR, left: 0 },
    { what: "the monotonic clock slept with the machine", monotonic: 1_000, wall: 45_000, left: 0 },
  ])("$what", ({ monotonic, wall, left }) => {
    const renewed = { wall: 1_700_000_000_000, monotonic: 5_000 };
    const now = { wall: renewed.wall + wall, monotonic: renewed.monotonic + monotonic };
    expect(leaseLeft(renewed, now, LEASE)).toBe(left);
  });

  test("never longer than the monotonic clock allows, wherever the wall clock jumps", () => {
    fc.assert(
      fc.property(fc.nat(2 * LEASE), fc.integer({ min: -HOUR, max: HOUR }), (elapsed, jump) => {
        const left = leaseLeft({ wall: 0, monotonic: 0 }, { wall: elapsed + jump, monotonic: elapsed }, LEASE);
        expect(left).toBeLessThanOrEqual(Math.max(0, LEASE - elapsed));
      }),
    );
  });
});

describe("a held lease", () => {
  const hold = () => {
    const clock = manualClock();
    const given: string[] = [];
    const lease = new HeldLease({
      ref: { sessionId: 1n, token: "t" },
      takenAt: momentOf(clock),
      leaseMs: LEASE,
      clock,
      keeper: {
        async giveBack() {
          given.push("back");
        },
        lost: () => void given.push("lost"),
      },
    });
    return { clock, lease, given };
  };

  test("counts from before the renewal was sent, not from when its answer came", () => {
    const { clock, lease } = hold();
    clock.pass(10_000);
    const sentAt = momentOf(clock);
    clock.pass(15_000);
    lease.renew(sentAt);
    clock.pass(14_999);
    expect(lease.isOpen()).toBe(true);
    clock.pass(1);
    expect(lease.isOpen()).toBe(false);
  });

  test("once past it stays past, whatever a late renewal or the wall clock say", () => {
    const { clock, lease } = hold();
    clock.jump(HOUR);
    expect(lease.isOpen()).toBe(false);
    expect(lease.signal.aborted).toBe(true);
    clock.jump(-HOUR);
    lease.renew(momentOf(clock));
    expect(lease.isOpen()).toBe(false);
  });

  test("a renewal that comes after the deadline revives nothing", () => {
    const { clock, lease } = hold();
    clock.pass(LEASE + 1);
    lease.renew(momentOf(clock));
    expect(lease.isOpen()).toBe(false);
  });

  test("released: closed at once, given back once, and not lost", async () => {
    const { lease, given } = hold();
    await Promise.all([lease.release(), lease.release()]);
    expect(lease.isOpen()).toBe(false);
    expect(lease.signal.aborted).toBe(false);
    expect(given).toEqual(["back"]);
  });
});
