import type { Redis } from "ioredis";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openRedis } from "../../queue/redis.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { limiterKeys } from "../../telegram/limiter/pause.ts";
import { ApiIdPaused, createLimiter, type Limiter, LimiterUnavailable } from "../../telegram/limiter.ts";
import { eventually } from "../support/eventually.ts";
import { testRedis } from "../support/services.ts";

const API = 1001;
const service = testRedis();
const open: Limiter[] = [];

interface LimiterOptions {
  callsPerSecond?: number;
  slotDeadlineMs?: number;
  url?: string;
  redis?: () => Redis;
}

/** `prefix` of its own per test, so that no test meets another's slots. */
function limiter(prefix: string, options: LimiterOptions = {}) {
  const made = createLimiter({
    redis: options.redis ?? (() => openRedis(options.url ?? service.url, "limiter")),
    callsPerSecond: options.callsPerSecond ?? 1000,
    prefix: `${service.prefix}-${prefix}`,
    slotDeadlineMs: options.slotDeadlineMs ?? 5_000,
    clock: systemClock,
    log: silentLog,
  });
  open.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made.close()));
});

describe("slots", () => {
  test("two processes together keep the rate of an API ID", async () => {
    const one = limiter("rate", { callsPerSecond: 200 });
    const two = limiter("rate", { callsPerSecond: 200 });
    const startedAt = performance.now();
    const done = await Promise.all(
      Array.from({ length: 60 }, (_, index) => (index % 2 ? one : two).run(API, async () => index)),
    );
    expect(done).toHaveLength(60);
    // 60 slots, 5 ms apart: the last one cannot be before 295 ms.
    expect(performance.now() - startedAt).toBeGreaterThan(280);
  });

  test("a rate whose slots are no whole milliseconds apart", async () => {
    const one = limiter("fraction", { callsPerSecond: 300 });
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 60 }, () => one.run(API, async () => undefined)));
    expect(performance.now() - startedAt).toBeGreaterThan(180);
  });

  test("calls that wait together take their slots together, and all of them count", async () => {
    let commands = 0;
    const counted = () => {
      const redis = openRedis(service.url, "limiter");
      const send = redis.sendCommand.bind(redis);
      redis.sendCommand = (...command) => {
        commands += 1;
        return send(...command);
      };
      return redis;
    };
    const one = limiter("together", { callsPerSecond: 400, redis: counted });
    await one.run(API, async () => undefined);
    commands = 0;
    const startedAt = performance.now();
    const begun: number[] = [];
    await Promise.all(Array.from({ length: 100 }, () => one.run(API, async () => begun.push(performance.now()))));
    // One job for twenty calls: three scripts, and a look at the pause for each moment at which calls begin.
    expect(commands).toBeLessThan(200);
    expect(performance.now() - startedAt).toBeGreaterThan(240);
    for (const [index, at] of begun.entries()) expect(at - startedAt).toBeGreaterThan((index - 1) * 2.5 - 5);
  });

  test("API IDs do not wait for each other", async () => {
    const one = limiter("apart", { callsPerSecond: 1 });
    await one.run(1, async () => undefined);
    const startedAt = performance.now();
    await one.run(2, async () => undefined);
    expect(performance.now() - startedAt).toBeLessThan(900);
  });

  test("what the work throws, at once or later, arrives unchanged", async () => {
    const one = limiter("throws");
    await expect(one.run(API, () => Promise.reject(new RangeError("later")))).rejects.toThrow(new RangeError("later"));
    const atOnce = () => {
      throw new RangeError("at once");
    };
    await expect(one.run(API, atOnce)).rejects.toThrow(new RangeError("at once"));
  });

  test("a slot outlives Redis losing everything", async () => {
    const one = limiter("flushed");
    await one.run(API, async () => undefined);
    const redis = openRedis(service.url, "worker");
    const names = await redis.keys(`b_${service.prefix}-flushed*`);
    expect(names.length).toBeGreaterThan(0);
    await redis.del(...names);
    await redis.quit();
    await expect(one.run(API, async () => "again")).resolves.toBe("again");
  });

  test("a process whose clock is an hour ahead holds nobody up", async () => {
    const ahead = limiter("clock");
    const now = Date.now.bind(Date);
    const spy = vi.spyOn(Date, "now").mockImplementation(() => now() + 3_600_000);
    try {
      await ahead.run(API, async () => undefined);
    } finally {
      spy.mockRestore();
    }
    await expect(limiter("clock").run(API, async () => "soon")).resolves.toBe("soon");
  });

  test("too many waiting: the call fails in time, its work never runs", async () => {
    const other = limiter("deadline", { callsPerSecond: 1, slotDeadlineMs: 60_000 });
    await other.run(API, async () => undefined);
    const one = limiter("deadline", { callsPerSecond: 1, slotDeadlineMs: 100 });
    let ran = false;
    const late = one.run(API, async () => {
      ran = true;
    });
    await expect(late).rejects.toThrow(LimiterUnavailable);
    await other.run(API, async () => undefined);
    expect(ran).toBe(false);
  });

  test("Redis away: the call fails, it does not go out unlimited", async () => {
    const one = limiter("away", { url: "unix:///nowhere/redis.sock", slotDeadlineMs: 200 });
    let ran = false;
    const call = one.run(API, async () => {
      ran = true;
    });
    await expect(call).rejects.toThrow(LimiterUnavailable);
    expect(ran).toBe(false);
  });
});

describe("pause", () => {
  test("nothing begins, in any process, before the pause is over", async () => {
    const one = limiter("pause");
    const two = limiter("pause");
    await Promise.all([one.run(API, async () => undefined), two.run(API, async () => undefined)]);
    const begun: number[] = [];
    let until = Number.POSITIVE_INFINITY;
    const outcomes = { refused: 0, done: 0 };
    const calls = Array.from({ length: 200 }, async (_, index) => {
      try {
        await (index % 2 ? one : two).run(API, async () => {
          begun.push(performance.now());
        });
        outcomes.done += 1;
      } catch (error) {
        if (!(error instanceof ApiIdPaused)) throw error;
        outcomes.refused += 1;
      }
    });
    await eventually(() => begun.length > 5);
    await one.pause(API, 500);
    const paused = performance.now();
    until = paused + 450;
    await Promise.all(calls);
    expect(begun.filter((at) => at > paused + 5 && at < until)).toEqual([]);
    expect(outcomes.refused).toBeGreaterThan(0);
    expect(outcomes.refused + outcomes.done).toBe(200);
    await eventually(() => two.run(API, async () => true).catch(() => false));
    expect(performance.now()).toBeGreaterThan(until);
  });

  test("whoever waits for a slot hears of it at once", async () => {
    const one = limiter("hears", { callsPerSecond: 1 });
    const two = limiter("hears", { callsPerSecond: 1 });
    await one.run(API, async () => undefined);
    const next = one.run(API, async () => undefined);
    const waiting = one.run(API, async () => undefined);
    // By then the last call has waited for a second, and has another one to go.
    await next;
    const startedAt = performance.now();
    const refused = expect(waiting).rejects.toThrow(ApiIdPaused);
    await two.pause(API, 60_000);
    await refused;
    expect(performance.now() - startedAt).toBeLessThan(700);
    await expect(two.run(API, async () => undefined)).rejects.toThrow(ApiIdPaused);
  });

  test("who comes when those before are refused begins in none of their slots", async () => {
    const one = limiter("late");
    await one.run(API, async () => undefined);
    const redis = openRedis(service.url, "worker");
    // Nobody announces it: the look that goes out with the slot is the first to see it.
    await redis.set(limiterKeys(`${service.prefix}-late`, API).flood, "1", "PX", 5_000);
    await redis.quit();
    const work = vi.fn(async () => undefined);
    const again = one.run(API, work).catch(() => one.run(API, work));
    await expect(again).rejects.toThrow(ApiIdPaused);
    expect(work).not.toHaveBeenCalled();
  });

  test("a shorter pause does not shorten a longer one", async () => {
    const one = limiter("longer");
    await one.pause(API, 60_000);
    await one.pause(API, 10);
    const refused = await one.run(API, async () => undefined).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiIdPaused);
    expect((refused as ApiIdPaused).until.getTime() - Date.now()).toBeGreaterThan(50_000);
  });
});
