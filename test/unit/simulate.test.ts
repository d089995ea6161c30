import { describe, expect, it } from "vitest";
import { Agenda } from "../../bench/simulate/agenda.ts";
import { compare } from "../../bench/simulate/agreement.ts";
import { serviceFrom } from "../../bench/simulate/calibrate.ts";
import { planFor, ROOM, tooFull } from "../../bench/simulate/plan.ts";
import { startPosting } from "../../bench/simulate/posts.ts";
import { type Scenario, simulate } from "../../bench/simulate/simulate.ts";

const scenario: Scenario = {
  ...{ users: 900, premiumShare: 1, premiumEvery: 900, freeEvery: 3_600 },
  ...{ channelsPerUser: 10, channels: 1_000, postsPerChannelPerDay: 0 },
  ...{ workers: 1, apiIds: 1, callsPerSecond: 100, concurrency: 16, floodProbability: 0, floodSeconds: 0 },
  ...{
    service: { cpuAtRest: 0, cpuPerParse: 0.03, cpuPerChange: 0, roundTrip: 0.1 },
    warmUp: 1_800,
    seconds: 3_600,
    seed: 7,
  },
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

describe("the check's costs", () => {
  const counted = (parses: number, changes: number) => ({
    parsesPerSecond: parses,
    changesPerSecond: changes,
    callsPerSecond: 2 * parses + changes,
    // A worker that takes 0.04 of a core at rest, 8 ms a parse and 5 ms a change; a run of 8 ms and two calls of 50 ms.
    workerUse: 0.04 + parses * 0.008 + changes * 0.005,
    duration: 0.108,
  });
  const costs = { cpuAtRest: 0.04, cpuPerParse: 0.008, cpuPerChange: 0.005, roundTrip: 0.05 };

  it("are those that explain its three loads", () => {
    const service = serviceFrom({ light: counted(10, 0), heavy: counted(25, 0), changing: counted(25, 8) });
    for (const [name, cost] of Object.entries(costs)) expect(service[name as keyof typeof costs]).toBeCloseTo(cost, 9);
  });

  it("are never below nothing, whatever was counted", () => {
    const odd = { light: counted(10, 0), heavy: { ...counted(25, 0), workerUse: 0.01 }, changing: counted(25, 8) };
    const service = serviceFrom({ ...odd, changing: { ...odd.changing, workerUse: 0 } });
    for (const cost of Object.values(service)) expect(cost).toBeGreaterThanOrEqual(0);
  });

  it("are none where nothing was parsed", () => {
    const nothing = { ...counted(0, 0), workerUse: 0 };
    expect(() => serviceFrom({ light: nothing, heavy: nothing, changing: nothing })).toThrow("no costs");
    expect(() => serviceFrom({ light: counted(10, 0), heavy: counted(25, 0), changing: counted(25, 0) })).toThrow();
  });

  it("predict another load than those they were taken from", () => {
    const fleet = { ...scenario, users: 1_800, channels: 9_000_000, postsPerChannelPerDay: 864, service: costs };
    const seen = simulate({ ...fleet, workers: 2 });
    const changes = seen.callsPerSecond - 2 * seen.parsesPerSecond;
    expect(changes).toBeGreaterThan(10);
    expect(seen.workerUse).toBeCloseTo(0.04 + (seen.parsesPerSecond * 0.008 + changes * 0.005) / 2, 3);
  });
});

describe("what was seen", () => {
  const predicted = { parsesPerSecond: 30, callsPerSecond: 80, workerUse: 0.3, lag: { p50: 0.4, p99: 0.8 } };
  const exactly = { ...predicted, workerWaited: 0.1 };

  it("agrees where nothing is further off than it may be", () => {
    const seen = { ...exactly, callsPerSecond: 87, workerUse: 0.22, lag: { p50: 0.8, p99: 3 } };
    expect(compare(seen, predicted)).toMatchObject({ tooFarOff: [], notCompared: [] });
  });

  it.each([
    ["parsesPerSecond", { parsesPerSecond: 26 }],
    ["callsPerSecond", { callsPerSecond: 90 }],
    ["workerUse", { workerUse: 0.18 }],
    ["workerUse", { workerUse: 0.42 }],
    ["lagP50", { lag: { p50: 1, p99: 1 } }],
    ["lagP50", { lag: { p50: Number.NaN, p99: Number.NaN } }],
  ])("does not where %s is: %j", (what, other) => {
    expect(compare({ ...exactly, ...other }, predicted).tooFarOff).toEqual([what]);
  });

  it("says nothing of lag where the worker had hardly a processor, and compares the rest", () => {
    const starved = { ...exactly, workerWaited: 0.6, workerUse: 0.5, lag: { p50: 4, p99: 9 } };
    expect(compare(starved, predicted)).toMatchObject({ tooFarOff: ["workerUse"], notCompared: ["lagP50"] });
  });
});

describe("posts of the check", () => {
  const channels = [1n, 2n, 3n];

  it("appear at their rate until they are stopped", async () => {
    const posts: bigint[] = [];
    const control = { post: async (channel: bigint) => posts.push(channel) };
    const startedAt = performance.now();
    const posting = startPosting({ control, channels, perSecond: 100, signal: new AbortController().signal });
    await expect.poll(() => posts.length).toBeGreaterThan(20);
    await posting.stop();
    const [seconds, count] = [(performance.now() - startedAt) / 1_000, posts.length];
    expect(count).toBeLessThanOrEqual(seconds * 100 + 1);
    expect(new Set(posts)).toEqual(new Set(channels));
  });

  it("are none at rate 0, and end with the check", async () => {
    const control = { post: async () => expect.unreachable("nobody asked for it") };
    await startPosting({ control, channels, perSecond: 0, signal: new AbortController().signal }).stop();
    await startPosting({ control, channels, perSecond: 10, signal: AbortSignal.abort() }).stop();
  });

  it("tell when one was refused", async () => {
    let asked = 0;
    const post = () => {
      asked += 1;
      return Promise.reject(new Error("no channel 1"));
    };
    const { signal } = new AbortController();
    const posting = startPosting({ control: { post }, channels, perSecond: 1_000, signal });
    await expect.poll(() => asked).toBe(1);
    await expect(posting.stop()).rejects.toThrow("no channel 1");
  });
});
