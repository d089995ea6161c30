import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { priorityOf, type Urgency } from "../../queue/priority.ts";

const NOON = new Date("2026-03-01T12:00:00Z");
const later = (seconds: number) => new Date(NOON.getTime() + seconds * 1_000);

describe("priority by deadline", () => {
  it("serves premium before trial before free before backfill, when due together", () => {
    const order: Urgency[] = ["manual", "premium", "trial", "free", "backfill"];
    const priorities = order.map((urgency) => priorityOf(urgency, NOON));
    expect([...priorities].sort((a, b) => a - b)).toEqual(priorities);
    expect(new Set(priorities).size).toBe(priorities.length);
  });

  it("ages upward: what waits longer than its handicap goes before a fresh premium parse", () => {
    expect(priorityOf("free", NOON)).toBeLessThan(priorityOf("premium", later(80)));
    expect(priorityOf("backfill", NOON)).toBeLessThan(priorityOf("premium", later(620)));
    expect(priorityOf("backfill", NOON)).toBeGreaterThan(priorityOf("premium", later(580)));
  });

  it("stays within what BullMQ takes, at any time", () => {
    const urgencies = fc.constantFrom<Urgency>("manual", "premium", "trial", "free", "backfill");
    fc.assert(
      fc.property(
        urgencies,
        fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }),
        (u, at) => {
          const priority = priorityOf(u, at);
          expect(Number.isInteger(priority)).toBe(true);
          expect(priority).toBeGreaterThanOrEqual(1);
          expect(priority).toBeLessThanOrEqual(2 ** 21);
        },
      ),
    );
  });
});
