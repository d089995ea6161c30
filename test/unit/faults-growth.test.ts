import { expect, test } from "vitest";
import { growth } from "../../faults/growth.ts";

test("growth is the last quarter's mean over the second's, whatever the first was", () => {
  expect(growth([900, 100, 50, 110])).toBeCloseTo(1.1);
  expect(growth([5, 9, 10, 10, 70, 80, 11, 11])).toBeCloseTo(1.1);
  // What does not fill a quarter belongs to the middle.
  expect(growth([1, 10, 10, 10, 10])).toBe(1);
  expect(() => growth([1, 2, 3])).toThrow(RangeError);
});
