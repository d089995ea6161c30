import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type RedisSentinel, startRedisSentinel } from "../support/redis-nodes.ts";
import { type JudgedFleet, startJudgedFleet } from "./support/judged-fleet.ts";

/* A primary, a replica and a sentinel: a fleet goes on where another server has become the primary. */

let redis: RedisSentinel;
let fleet: JudgedFleet;

beforeAll(async () => {
  redis = await startRedisSentinel();
  fleet = await startJudgedFleet({
    world: { users: 18, channels: 6, postsPerMinute: 240, answerMs: [5, 40] },
    workers: 2,
    env: { REDIS_URL: redis.url },
  });
});
afterAll(async () => {
  await fleet?.close();
  await redis?.close();
});

/** Waits until another server is the primary, and takes commands. */
const another = async (than: number) =>
  eventually(
    async () => {
      const primary = await redis.primary();
      return primary.port !== than && /role:master/.test(await primary.redis.info("replication")) && primary;
    },
    { what: "another primary", timeoutMs: 60_000 },
  );

it("parses everybody by the primary that the sentinel names", async () => {
  await fleet.parseEverybody();
  await fleet.complete();
});

it("a failover asked for: the fleet goes on at the new primary", async () => {
  const before = await redis.primary();
  await redis.sentinel.redis.call("SENTINEL", "FAILOVER", "fleet");
  const after = await another(before.port);
  await fleet.parseEverybody();
  expect(Number(/connected_clients:(\d+)/.exec(await after.redis.info("clients"))?.[1])).toBeGreaterThan(4);
});

it("a primary that freezes is left, and nothing is lost or doubled", async () => {
  const before = await eventually(
    async () => {
      // The one before follows by now, or there is nobody to fail over to.
      const primary = await redis.primary();
      return /connected_slaves:1/.test(await primary.redis.info("replication")) && primary;
    },
    { what: "a replica of the new primary", timeoutMs: 60_000 },
  );
  before.signal("SIGSTOP");
  try {
    await another(before.port);
    await fleet.parseEverybody();
    expect(await fleet.verdict()).toEqual([]);
  } finally {
    before.signal("SIGCONT");
  }
});
