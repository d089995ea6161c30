import fc from "fast-check";
import { expect, it } from "vitest";
import { decide } from "../../workers/parse/decide.ts";

it.each([
  ["never read", { pts: null, topMessageId: 0 }, { pts: 5, topMessageId: 3 }, "first-read"],
  ["nothing new", { pts: 5, topMessageId: 3 }, { pts: 5, topMessageId: 3 }, "unchanged"],
  ["an edit", { pts: 5, topMessageId: 3 }, { pts: 6, topMessageId: 3 }, "difference"],
  ["a post", { pts: 5, topMessageId: 3 }, { pts: 6, topMessageId: 4 }, "difference"],
  ["a deleted top", { pts: 5, topMessageId: 3 }, { pts: 6, topMessageId: 2 }, "difference"],
  ["an answer from behind", { pts: 9, topMessageId: 7 }, { pts: 6, topMessageId: 4 }, "unchanged"],
  ["a top beyond the pts", { pts: 5, topMessageId: 3 }, { pts: 5, topMessageId: 4 }, "difference"],
  ["a top that could not be seen", { pts: 5, topMessageId: 3 }, { pts: 5, topMessageId: 0 }, "unchanged"],
] as const)("%s", (_what, stored, seen, expected) => {
  expect(decide(stored, seen)).toBe(expected);
});

it("leaves a channel alone exactly where what is stored has reached what is seen", () => {
  const pts = fc.integer({ min: 1, max: 50 });
  const top = fc.integer({ min: 0, max: 50 });
  fc.assert(
    fc.property(pts, top, pts, top, (storedPts, storedTop, seenPts, seenTop) => {
      const decision = decide({ pts: storedPts, topMessageId: storedTop }, { pts: seenPts, topMessageId: seenTop });
      const reached = seenPts < storedPts || (seenPts === storedPts && seenTop <= storedTop);
      expect(decision === "unchanged").toBe(reached);
    }),
  );
});
