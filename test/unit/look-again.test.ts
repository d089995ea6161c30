import fc from "fast-check";
import { expect, it } from "vitest";
import { isToBeFound, lookAgainAt } from "../../workers/parse/look-again.ts";

const HOUR = 3_600_000;
const NOW = 1_800_000_000_000;
const times = { restMs: 6 * HOUR, longestMs: 168 * HOUR };
const restAfter = (lastedMs: number) => lookAgainAt(new Date(NOW - lastedMs), NOW, times).getTime() - NOW;

it.each([
  ["at once", 0, 6],
  ["after the first rest", 6, 6],
  ["after the second", 12, 12],
  ["after a day", 24, 24],
  ["after a month", 720, 168],
  ["by a clock behind the database's", -1, 6],
])("rests %s for as long as it has lasted, within bounds", (_, lasted, rest) => {
  expect(restAfter(lasted * HOUR)).toBe(rest * HOUR);
});

it("costs ever fewer look-ups: a name that nobody has for a year, at most 60", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 * 60_000 }), { minLength: 1, maxLength: 20 }), (lates) => {
      const since = new Date(NOW);
      let looks = 0;
      // A parse comes some time after it may look, never before.
      for (let now = NOW; now < NOW + 365 * 24 * HOUR; looks += 1) {
        const at = lookAgainAt(since, now, times).getTime();
        expect(at - now).toBeGreaterThanOrEqual(times.restMs);
        expect(at - now).toBeLessThanOrEqual(times.longestMs);
        now = at + (lates[looks % lates.length] ?? 0);
      }
      expect(looks).toBeLessThanOrEqual(60);
    }),
  );
});

it.each([
  ["a new one", null, null, true],
  ["one whose time has come", null, new Date(NOW), true],
  ["one that rests", null, new Date(NOW + 1), false],
  ["one that has its channel", 5n, null, false],
])("looks up %s", (_, channelId, lookAt, expected) => {
  expect(isToBeFound({ channelId, lookAt }, NOW)).toBe(expected);
});
