import { describe, expect, it } from "vitest";
import { Agenda } from "../../bench/simulate/agenda.ts";
import { planFor, ROOM, tooFull } from "../../bench/simulate/plan.ts";
import { type Scenario, simulate } from "../../bench/simulate/simulate.ts";

const scenario: Scenario = {
  ...{ users: 900, premiumShare: 1, premiumEvery: 900, freeEvery: 3_600 },
  ...{ channelsPerUser: 10, channels: 1_000, postsPerChannelPerDay: 0 },
  ...{ workers: 1, apiIds: 1, callsPerSecond: 100, concurrency: 16, floodProbability: 0, floodSeconds: 0 },
  ...{ service: { cpuPerParse: 0.03, cpuPerChange: 0, roundTrip: 0.1 }, warmUp: 1_800, seconds: 3_600, seed: 7 },
};

it("brings what is to happen in the order of its times", () => {
  const agenda = new Agenda();
  const times = [5, 3, 9, 3, 1, 7, 2, 8];
  for (const [event, time] of times.entries()) agenda.add(time, event);
  const seen = times.map(() => agenda.next().time);
  expect(seen).toEqual(times.toSorted((one, other) => one - other));
  expect(agenda.size).toBe(0);
  expect(() => agenda.next()).toThrow();
});

describe("a fleet with room", () => {
  it("does what arithmetic says", () => {
    const seen = simulate(scenario);
    // 900 users every 900 seconds, two calls each, 0.03 s of one processor; a place is taken for two calls and the CPU.
    expect(seen.dueRate).toBe(1);
    expect(seen.parsesPerSecond).toBeCloseTo(1, 1);
    expect(seen.callsPerParse).toBeCloseTo(2, 1);
    expect(seen.limiterUse).toBeCloseTo(0.02, 2);
    expect(seen.workerUse).toBeCloseTo(0.03, 2);
    expect(seen.slotUse).toBeCloseTo(0.23 / 16, 2);
    expect(seen.lag.p50).toBeGreaterThan(0.23);
    expect(seen.lag.p99).toBeLessThan(1);
    expect(seen.waiting).toBe(0);
  });

  it("says the same for the same seed", () => expect(simulate(scenario)).toEqual(simulate(scenario)));

  it("asks once for each 100 channels, and once for each in which something is new", () => {
    expect(simulate({ ...scenario, channelsPerUser: 250 }).callsPerParse).toBeCloseTo(4, 1);
    // A post a second in every channel: all ten have changed whenever somebody looks.
    const busy = simulate({ ...scenario, channels: 9_000_000, postsPerChannelPerDay: 86_400 });
    expect(busy.callsPerParse).toBeCloseTo(12, 0);
  });

  it("asks for a shared channel once for all its followers", () => {
    const posts = { postsPerChannelPerDay: 864, seed: 3 };
    const alone = simulate({ ...scenario, ...posts, channels: 9_000_000 });
    const shared = simulate({ ...scenario, ...posts, channels: 10 });
    expect(alone.callsPerParse).toBeGreaterThan(11);
    // Ten channels with a post each hundred seconds: a tenth of a call a second among all parses at most.
    expect(shared.callsPerSecond - 2 * shared.parsesPerSecond).toBeLessThan(0.12);
  });
});

describe("a fleet without room", () => {
  it("does no more than its limiter lets through, and falls behind", () => {
    const seen = simulate({ ...scenario, callsPerSecond: 1 });
    expect(seen.limiterUse).toBeCloseTo(1, 1);
    expect(seen.parsesPerSecond).toBeCloseTo(0.5, 1);
    expect(seen.lag.p50).toBeGreaterThan(100);
    expect(tooFull(seen, ROOM)).toContain("limiterUse");
  });

  it("does no more than its processors can", () => {
    const seen = simulate({ ...scenario, service: { ...scenario.service, cpuPerParse: 2 } });
    expect(seen.workerUse).toBeCloseTo(1, 1);
    expect(seen.parsesPerSecond).toBeCloseTo(0.5, 1);
  });

  it("puts an account off that is asked to wait, and parses it afterwards", () => {
    const seen = simulate({ ...scenario, floodProbability: 0.05, floodSeconds: 60 });
    expect(seen.floods).toBeGreaterThan(100);
    expect(seen.parsesPerSecond).toBeCloseTo(1, 1);
    expect(seen.lag.p99).toBeGreaterThan(60);
  });
});

describe("a plan", () => {
  const big = { ...scenario, users: 90_000, channels: 90_000, warmUp: 100, seconds: 100 };

  it("has as many workers and API IDs as leave room, and no more", () => {
    const plan = planFor(big, {});
    // 100 parses a second: 3 processors at half, 200 calls a second at 70 %.
    expect(plan.apiIds).toBe(3);
    expect([6, 7]).toContain(plan.workers);
    expect(plan.tooFull).toEqual([]);
    expect(tooFull(simulate({ ...big, workers: 5, apiIds: 3 }), ROOM)).toContain("workerUse");
  });

  it("says what is too full where it may not add any", () => {
    expect(planFor(big, { workers: 2, apiIds: 3 }).tooFull).toContain("workerUse");
  });
});
