import { afterAll, beforeAll, expect, it } from "vitest";
import { queuesOf } from "../../queue/jobs.ts";
import { keyPrefix } from "../../queue/prefix.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-nodes.ts";
import { type JudgedFleet, startJudgedFleet } from "./support/judged-fleet.ts";

/* Three nodes that serve, and a replica of the first: a fleet, whose nodes forget and die while it works. */

const MASTERS = 3;
let cluster: RedisCluster;
let fleet: JudgedFleet;
let queues: string[];

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: MASTERS, replicas: 1 });
  fleet = await startJudgedFleet({
    world: { users: 24, channels: 8, postsPerMinute: 240, answerMs: [5, 40] },
    workers: 2,
    env: { REDIS_URL: cluster.url },
  });
  queues = queuesOf(fleet.config.apiIds.masters.map(({ apiId }) => apiId));
});
afterAll(async () => {
  await fleet?.close();
  await cluster?.close();
});

const epochOf = (queue: string) => `${keyPrefix(fleet.config.redisPrefix, fleet.redis, queue)}:epoch`;

it("parses everybody, with queues on several nodes", async () => {
  await fleet.parseEverybody();
  await fleet.complete();
  const counts = await fleet.producer.queueCounts();
  for (const { completed } of counts.filter(({ queue }) => queue !== "parse-own")) expect(completed).toBeGreaterThan(0);
  const owners = await Promise.all(queues.map(async (queue) => (await cluster.ownerOf(epochOf(queue))).port));
  expect(new Set(owners).size).toBeGreaterThan(1);
});

it("one node of three forgets everything: whoever waited there is enqueued again", async () => {
  const queue = queues[0] as string;
  const node = await cluster.ownerOf(epochOf(queue));
  await node.redis.flushall();
  await eventually(async () => (await fleet.redis.exists(epochOf(queue))) === 1, {
    what: "an epoch that begins again",
    timeoutMs: 60_000,
  });
  await fleet.parseEverybody();
  expect(await fleet.producer.queueCounts([queue])).toMatchObject([{ queue }]);
});

it("a queue that is paused for a wait is paused for every worker", async () => {
  const apiId = fleet.config.apiIds.masters[0]?.apiId;
  await fleet.producer.pause(`parse-${apiId}`);
  expect(await fleet.producer.pausedQueues(queues)).toEqual([`parse-${apiId}`]);
  await fleet.producer.resume(`parse-${apiId}`);
  fleet.emulator.floods.forceFlood({ accountIds: [fleet.emulator.accounts[0]!.telegramId], seconds: 3 });
  await fleet.parseEverybody();
  expect(fleet.emulator.summary()).toMatchObject({ violations: 0 });
});

it("a node dies, its replica takes its place, and nothing is lost or doubled", async () => {
  const dead = cluster.nodes[0]!;
  dead.signal("SIGKILL");
  await eventually(async () => /role:master/.test(await cluster.nodes[MASTERS]!.redis.info("replication")), {
    what: "a replica that has taken its node's place",
    timeoutMs: 60_000,
  });
  await fleet.parseEverybody();
  // A job that was done when its node died may have ended after the last word that the replica heard of it.
  expect(await fleet.verdict()).toEqual([]);
});
