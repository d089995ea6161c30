import { afterEach, expect, test } from "vitest";
import { openRedis } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { createLimiter, type Limiter } from "../../telegram/limiter.ts";
import { eventually } from "../support/eventually.ts";
import { testRedis } from "../support/services.ts";

const METHOD = "updates.getChannelDifference";
const OTHER = "messages.getHistory";
const service = testRedis();
const open: Limiter[] = [];
let apiId = 1_000;

afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made.close()));
});

/** One process's limiter, serving an API ID that no other test has. */
async function process(api: number): Promise<Limiter> {
  const made = createLimiter({
    redis: () => openRedis(service.url, "limiter"),
    callsPerSecond: 1000,
    prefix: service.prefix,
    slotDeadlineMs: 5_000,
    clock: systemClock,
    log: silentLog,
  });
  open.push(made);
  await made.run(api, async () => undefined);
  return made;
}

async function setUp() {
  apiId += 1;
  const api = apiId;
  return { api, one: await process(api), two: await process(api) };
}

/** Three accounts of one API ID, told to wait, in two processes. */
async function spread({ api, one, two }: Awaited<ReturnType<typeof setUp>>, seconds = 60): Promise<void> {
  await one.methods.flooded(api, METHOD, 1n, seconds);
  await two.methods.flooded(api, METHOD, 2n, seconds);
  expect(one.methods.check(api, METHOD)).toBeNull();
  await one.methods.flooded(api, METHOD, 3n, seconds);
}

/** A moment at which the pause is over and nobody has tried yet. */
const pauseOver = (limiter: Limiter, api: number) =>
  eventually(() => limiter.methods.check(api, METHOD) === null && limiter.methods.enter(api, METHOD, 0n) !== null);

test("floods met by different processes pause the method in all of them, and in one that starts later", async () => {
  const parts = await setUp();
  const { api, one, two } = parts;
  await spread(parts);
  for (const limiter of [one, two]) {
    const until = await eventually(() => limiter.methods.check(api, METHOD), { timeoutMs: 2_000 });
    expect(Math.abs(until.getTime() - Date.now() - 60_000)).toBeLessThan(5_000);
    expect(limiter.methods.check(api, OTHER)).toBeNull();
    expect(limiter.methods.check(api + 500, METHOD)).toBeNull();
  }
  // Its own look before its first call tells it.
  const later = await process(api);
  expect(later.methods.enter(api, METHOD, 9n)).not.toBeNull();
});

test("calls of other accounts count, in whatever process: half of them must be flooded", async () => {
  const parts = await setUp();
  const { api, one, two } = parts;
  for (const account of [11n, 12n, 13n, 14n]) two.methods.answered(api, METHOD, account);
  // A flood in that process tells at once who else has called there.
  await two.methods.flooded(api, METHOD, 1n, 60);
  await one.methods.flooded(api, METHOD, 2n, 60);
  await one.methods.flooded(api, METHOD, 3n, 60);
  await one.run(api, async () => undefined);
  expect(one.methods.enter(api, METHOD, 1n)).toBeNull();
  // The fourth of eight.
  await two.methods.flooded(api, METHOD, 4n, 60);
  await eventually(() => one.methods.check(api, METHOD), { timeoutMs: 2_000 });
});

test("afterwards one account probes, in one process; its success lets everybody go on", async () => {
  const parts = await setUp();
  const { api, one, two } = parts;
  await spread(parts, 1);
  await Promise.all([one, two].map((limiter) => pauseOver(limiter, api)));
  const asked = [4n, 5n, 6n, 7n].map(async (account, index) => {
    const limiter = index % 2 ? one : two;
    return { account, limiter, again: await limiter.methods.admit(api, METHOD, account) };
  });
  const admitted = (await Promise.all(asked)).filter(({ again }) => again === null);
  expect(admitted).toHaveLength(1);
  const { account, limiter } = admitted[0]!;
  expect(limiter.methods.enter(api, METHOD, account)).toBeNull();
  expect(limiter.methods.enter(api, METHOD, 99n)).not.toBeNull();
  limiter.methods.answered(api, METHOD, account);
  await eventually(() => [one, two].every((each) => each.methods.enter(api, METHOD, 99n) === null));
  expect(await one.methods.admit(api, METHOD, 99n)).toBeNull();
});

test("a probe's flood doubles the pause, in all of them", async () => {
  const parts = await setUp();
  const { api, one, two } = parts;
  await spread(parts, 2);
  await Promise.all([one, two].map((limiter) => pauseOver(limiter, api)));
  expect(await one.methods.admit(api, METHOD, 4n)).toBeNull();
  expect(await two.methods.admit(api, METHOD, 5n)).not.toBeNull();
  await one.methods.flooded(api, METHOD, 4n, 1);
  for (const limiter of [one, two]) {
    const until = await eventually(() => limiter.methods.check(api, METHOD), { timeoutMs: 2_000 });
    expect(until.getTime() - Date.now()).toBeGreaterThan(2_000);
    expect(until.getTime() - Date.now()).toBeLessThanOrEqual(4_000);
  }
});

test("a probe that came to nothing leaves the next one to another account", async () => {
  const parts = await setUp();
  const { api, one, two } = parts;
  await spread(parts, 1);
  await Promise.all([one, two].map((limiter) => pauseOver(limiter, api)));
  expect(await one.methods.admit(api, METHOD, 4n)).toBeNull();
  one.methods.gaveUp(api, METHOD, 4n);
  await eventually(async () => (await two.methods.admit(api, METHOD, 5n)) === null);
  expect(await one.methods.admit(api, METHOD, 4n)).not.toBeNull();
});

test("Redis losing everything ends a pause, and a later flood finds a clean slate", async () => {
  const parts = await setUp();
  const { api, one } = parts;
  await spread(parts);
  await eventually(() => one.methods.check(api, METHOD));
  const redis = openRedis(service.url, "worker");
  await redis.del(...(await redis.keys(`*{api:${api}}*`)));
  await redis.quit();
  await one.run(api, async () => undefined);
  expect(one.methods.enter(api, METHOD, 9n)).toBeNull();
  await one.methods.flooded(api, METHOD, 9n, 60);
  expect(one.methods.check(api, METHOD)).toBeNull();
});
