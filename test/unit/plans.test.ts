import fc from "fast-check";
import { expect, test } from "vitest";
import { intervalOf, nextParseAt, planInForce } from "../../config/plans.ts";

const now = new Date("2026-03-01T12:00:00Z");
const past = new Date("2026-03-01T11:59:59Z");
const future = new Date("2026-03-01T12:00:01Z");

test.each([
  ["premium", future, null, "premium"],
  ["premium", future, future, "premium"],
  ["premium", past, future, "trial"],
  ["premium", past, past, "free"],
  ["premium", null, null, "free"],
  ["free", future, future, "free"],
  ["free", null, future, "trial"],
  ["free", null, null, "free"],
])("plan %s, paid until %s, trial until %s: %s", (plan, paidUntil, trialExpiresAt, inForce) => {
  expect(planInForce({ plan, paidUntil, trialExpiresAt }, now)).toBe(inForce);
});

test("a paid time that ends this instant is over", () => {
  expect(planInForce({ plan: "premium", paidUntil: now, trialExpiresAt: null }, now)).toBe("free");
});

test("every plan has its interval", () => {
  const intervals = { premiumMs: 1, trialMs: 2, freeMs: 3 };
  expect([intervalOf("premium", intervals), intervalOf("trial", intervals), intervalOf("free", intervals)]).toEqual([
    1, 2, 3,
  ]);
});

test("the next parse is one interval (± 5 %) after the slot, and never in the past", () => {
  const spread = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e7 }), fc.integer({ min: -1e8, max: 1e8 }), spread, (interval, ago, s) => {
      const slot = new Date(now.getTime() - ago);
      const next = nextParseAt(slot, interval, now, s).getTime();
      expect(next).toBeGreaterThanOrEqual(now.getTime());
      const planned = next - slot.getTime();
      const late = ago - interval * (0.95 + 0.1 * s);
      if (late > interval + 1) {
        // After an outage: somewhere in the interval that begins now.
        expect(next).toBeLessThanOrEqual(now.getTime() + interval);
      } else if (next > now.getTime() && late < interval - 1) {
        expect(planned).toBeGreaterThanOrEqual(Math.floor(interval * 0.95));
        expect(planned).toBeLessThanOrEqual(Math.ceil(interval * 1.05));
      }
    }),
  );
});

test("a long run skips no interval, and an outage leaves no herd", () => {
  const minutes = (count: number) => count * 60_000;
  const slot = (ago: number) => new Date(now.getTime() - minutes(ago));
  expect(nextParseAt(slot(16), minutes(15), now, 0.5)).toEqual(now);
  const after = [0, 0.25, 0.5, 0.75].map((s) => nextParseAt(slot(600), minutes(15), now, s).getTime() - now.getTime());
  expect(after).toEqual([0, minutes(3.75), minutes(7.5), minutes(11.25)]);
});
