import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningRedis, redisUrl, startRedis } from "../../embedded/redis.ts";
import { prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

/** A Redis of this file's own: it is stopped. */
const dir = mkdtempSync(join(tmpdir(), "gramfleet-redis-"));
const socket = join(dir, "redis.sock");
let redis: RunningRedis;
let home: TestDatabase;

prepareCommands();
beforeAll(async () => {
  redis = await startRedis({ socket, logFile: join(dir, "redis.log"), path: process.env.PATH ?? "" });
  home = await testDatabase();
});
afterAll(async () => {
  await redis?.stop();
  await home?.drop();
  rmSync(dir, { recursive: true, force: true });
});

it.each(["worker", "scheduler"])("a %s ends in order on SIGTERM though Redis has gone and stays away", async (name) => {
  const running = startGramfleet([name], {
    env: {
      DATABASE_URL: home.url,
      REDIS_URL: redisUrl(socket),
      MASTER_API_IDS: "1001",
      MASTER_API_HASHES: "a".repeat(32),
      SESSION_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 1).toString("base64")}`,
      METRICS_PORT: "0",
    },
  });
  await running.ready();
  await redis.stop();
  running.signal("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 0 });
  redis = await startRedis({ socket, logFile: join(dir, "redis.log"), path: process.env.PATH ?? "" });
});
