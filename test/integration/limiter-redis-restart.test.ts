import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { type RunningRedis, redisUrl, startRedis } from "../../embedded/redis.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { sleep } from "../../runtime/sleep.ts";
import { createLimiter } from "../../telegram/limiter.ts";
import { eventually } from "../support/eventually.ts";

/** A Redis of this file's own: it is ended. */
const dir = mkdtempSync(join(tmpdir(), "gramfleet-redis-"));
const socket = join(dir, "redis.sock");
const start = () => startRedis({ socket, logFile: join(dir, "redis.log"), path: process.env.PATH ?? "" });
let server: RunningRedis;

beforeAll(async () => {
  server = await start();
});
afterAll(async () => {
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Enough that Redis ends between any two of a call's commands, of one API ID or another. */
const MANY = 30;
const RESTARTS = 3;

test("Redis killed amid calls, first ones and later ones: every API ID has slots again once it is back", async () => {
  const redis = openRedis(redisUrl(socket), "limiter");
  let reconnects = 0;
  redis.on("reconnecting", () => {
    reconnects += 1;
  });
  const limiter = createLimiter({
    redis: () => redis,
    ...{ callsPerSecond: 500, prefix: "restart", slotDeadlineMs: 10_000, clock: systemClock, log: silentLog },
  });
  const begun = new Map<number, number>();
  const stop = new AbortController();
  const callers: Promise<void>[] = [];
  const callWith = async (apiId: number) => {
    const note = async () => begun.set(apiId, (begun.get(apiId) ?? 0) + 1);
    while (!stop.signal.aborted) await limiter.run(apiId, note).catch(() => sleep(5));
  };
  const use = (more: number) => {
    for (let each = 0; each < more; each += 1) callers.push(callWith(1_000 + callers.length));
  };
  const allBegun = () =>
    eventually(() => begun.size === callers.length, { timeoutMs: 8_000, what: "a slot for every API ID" });
  try {
    use(MANY);
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      await allBegun();
      use(MANY);
      process.kill(server.pid ?? 0, "SIGKILL");
      await server.ended;
      // Until then commands under way are sent again, and from then on they fail.
      const enough = reconnects + 3 * (restart % 2);
      await eventually(() => reconnects >= enough);
      begun.clear();
      server = await start();
    }
    await allBegun();
  } finally {
    stop.abort();
    await limiter.close();
    await Promise.all(callers);
  }
});
