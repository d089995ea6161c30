import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RunningRedis, redisUrl, startRedis } from "../../embedded/redis.ts";
import { assertRedis, openRedis, type RedisRole } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { createLimiter } from "../../telegram/limiter.ts";
import { eventually } from "../support/eventually.ts";

/** A Redis of this file's own: it is reconfigured and stopped. */
const dir = mkdtempSync(join(tmpdir(), "gramfleet-redis-"));
const socket = join(dir, "redis.sock");
const start = () => startRedis({ socket, logFile: join(dir, "redis.log"), path: process.env.PATH ?? "" });
let server: RunningRedis;
const open: Redis[] = [];

const connect = (role: RedisRole, url = redisUrl(socket)) => {
  const redis = openRedis(url, role);
  open.push(redis);
  return redis;
};

beforeAll(async () => {
  server = await start();
});
afterEach(() => {
  for (const redis of open.splice(0)) redis.disconnect();
});
afterAll(async () => {
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe("assertRedis", () => {
  test("passes a Redis that answers and keeps what it is given, over a unix socket too", async () => {
    const redis = connect("producer", `${redisUrl(socket)}?db=3`);
    await expect(assertRedis(redis)).resolves.toBeUndefined();
    expect(redis.options.db).toBe(3);
  });

  test("one line where nobody answers, without credentials", async () => {
    const redis = connect("producer", "redis://user:hunter2@127.0.0.1:1");
    const refused = await assertRedis(redis, 200).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OperatorError);
    expect(String(refused)).toMatch(/127\.0\.0\.1:1.*REDIS_URL$/);
    expect(String(refused)).not.toContain("hunter2");
  });

  test("refuses one that evicts keys", async () => {
    const redis = connect("worker");
    await redis.config("SET", "maxmemory-policy", "allkeys-lru");
    await expect(assertRedis(redis)).rejects.toThrow(/noeviction/);
    await redis.config("SET", "maxmemory-policy", "noeviction");
    await expect(assertRedis(redis)).resolves.toBeUndefined();
  });
});

test("Redis gone and back: a producer fails at once, a limited call waits for it", async () => {
  const producer = connect("producer");
  await assertRedis(producer);
  const limiter = createLimiter({
    redis: () => connect("limiter"),
    ...{ callsPerSecond: 1000, prefix: "back", slotDeadlineMs: 10_000, clock: systemClock, log: silentLog },
  });
  await limiter.run(1, async () => undefined);
  await server.stop();
  await eventually(() => producer.status !== "ready");
  await expect(producer.get("anything")).rejects.toThrow();
  const call = limiter.run(1, async () => "went out");
  server = await start();
  await expect(call).resolves.toBe("went out");
  await limiter.close();
});

test("a slot that is asked for as the connection ends, which does not know it yet, is had once it is back", async () => {
  const client = connect("limiter");
  const limiter = createLimiter({
    redis: () => client,
    ...{ callsPerSecond: 1000, prefix: "ending", slotDeadlineMs: 10_000, clock: systemClock, log: silentLog },
  });
  await limiter.run(1, async () => undefined);
  client.stream.end();
  expect(client.status).toBe("ready");
  await expect(limiter.run(1, async () => "went out")).resolves.toBe("went out");
  await limiter.close();
});
