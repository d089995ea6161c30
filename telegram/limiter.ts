import Bottleneck from "bottleneck";
import type { Redis } from "ioredis";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Log } from "../runtime/log.ts";
import { createLimiterConnection } from "./limiter/connection.ts";
import { type LimiterKeys, limiterKeys, pauseLeft, setPause } from "./limiter/pause.ts";

/** The rate of each API ID, over all processes. */
export interface Limiter {
  /**
   * Runs `work` in the API ID's next slot; its synchronous beginning runs directly after the last look at the pause.
   *
   * @throws ApiIdPaused where the API ID is paused, LimiterUnavailable where no slot came in time; `work` did not run
   */
  run<T>(apiId: number, work: () => Promise<T>): Promise<T>;
  /** No slot of this API ID for `milliseconds`, in any process. Never shortens a pause. */
  pause(apiId: number, milliseconds: number): Promise<void>;
  close(): Promise<void>;
}

/** The API ID is paused until then. Nothing was sent. */
export class ApiIdPaused extends Error {
  override name = "ApiIdPaused";
  readonly until: Date;

  constructor(until: Date) {
    super(`API ID paused until ${until.toISOString()}`);
    this.until = until;
  }
}

/** No slot could be had: Redis is away, or too many wait. Nothing was sent. */
export class LimiterUnavailable extends Error {
  override name = "LimiterUnavailable";
}

/** A slot is held for one look at Redis only; a process that dies in it gives it back after this long. */
const SLOT_EXPIRATION_MS = 3_000;
/** Bottleneck forgets an API ID that nobody calls with after this long. */
const IDLE_MS = 120_000;

/** A call that waits this long for its slot looks whether a pause is why: its announcement may have been missed. */
const LOOK_AFTER_MS = 250;

/** A call that waits for its slot. */
interface Waiter {
  refuse(error: Error): void;
}

export function createLimiter(options: {
  /** A connection of the limiter's own (role "limiter"), closed with it. */
  redis: () => Redis;
  callsPerSecond: number;
  /** What every Redis key begins with. */
  prefix: string;
  /** How long a call waits for its slot. */
  slotDeadlineMs: number;
  clock: Clock;
  log: Log;
}): Limiter {
  const { callsPerSecond, prefix, slotDeadlineMs, clock, log } = options;
  const redis = options.redis();
  const connection = createLimiterConnection(redis);
  const waiting = new Map<number, Set<Waiter>>();
  const group = new Bottleneck.Group({
    id: prefix,
    connection,
    timeout: IDLE_MS,
    minTime: 1000 / callsPerSecond,
    // How many slots are given out ahead of time: enough to ride over a busy moment, few enough to be called back.
    maxConcurrent: Math.max(10, Math.ceil(callsPerSecond / 5)),
    heartbeatInterval: 250,
  });
  const complain = (error: unknown) => log.debug({ err: error }, "limiter");
  connection.on("error", complain);
  group.on("created", (limiter, key) => {
    limiter.on("error", complain);
    const apiId = Number(/\d+/.exec(key)?.[0]);
    limiter.on("message", () => void refuseWhilePaused(apiId).catch(complain));
  });

  const keysOf = (apiId: number): LimiterKeys => limiterKeys(prefix, apiId);

  /** What this process knows of pauses: when each is over on its monotonic clock. Redis has the last word. */
  const pausedUntil = new Map<number, number>();
  const pausedError = (milliseconds: number) => new ApiIdPaused(new Date(clock.now() + milliseconds));
  let connecting: Promise<void> | null = null;

  /** Commands are not queued while Redis is away: a call waits here, until its own deadline. */
  function ready(): Promise<void> {
    if (redis.status === "ready") return Promise.resolve();
    connecting ??= new Promise<void>((resolve) => {
      redis.once("ready", () => {
        connecting = null;
        resolve();
      });
    });
    return connecting;
  }

  /** Asks Redis, and refuses everybody who waits for a slot of a paused API ID: nobody waits through a pause. */
  async function refuseWhilePaused(apiId: number): Promise<void> {
    const left = await pauseLeft(redis, keysOf(apiId));
    if (left === 0) return;
    pausedUntil.set(apiId, clock.monotonic() + left);
    for (const waiter of waiting.get(apiId) ?? []) waiter.refuse(pausedError(left));
  }

  /** Spares Redis the question while a pause is known to run. */
  function knownPause(apiId: number): number {
    const left = (pausedUntil.get(apiId) ?? 0) - clock.monotonic();
    if (left <= 0) pausedUntil.delete(apiId);
    return Math.max(0, left);
  }

  function slot<T>(apiId: number, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const line = waiting.get(apiId) ?? new Set<Waiter>();
      waiting.set(apiId, line);
      const leave = () => {
        clearTimeout(timer);
        clearTimeout(impatience);
        if (!line.delete(waiter)) return false;
        if (line.size === 0 && waiting.get(apiId) === line) waiting.delete(apiId);
        return true;
      };
      const waiter: Waiter = {
        refuse(error) {
          if (leave()) reject(error);
        },
      };
      const timer = setTimeout(
        () => waiter.refuse(new LimiterUnavailable(`no slot within ${slotDeadlineMs} ms`)),
        slotDeadlineMs,
      );
      const impatience = setTimeout(() => void refuseWhilePaused(apiId).catch(complain), LOOK_AFTER_MS);
      line.add(waiter);
      const takeSlot = async (): Promise<void> => {
        await ready();
        const known = knownPause(apiId);
        if (known > 0) waiter.refuse(pausedError(known));
        if (!line.has(waiter)) return;
        try {
          await group.key(keysOf(apiId).key).schedule({ expiration: SLOT_EXPIRATION_MS }, async () => {
            if (!line.has(waiter)) return;
            await refuseWhilePaused(apiId);
            if (leave()) resolve(begin(work));
          });
        } catch (error) {
          // Redis went away in between: once more when it is back, unless the deadline comes first.
          if (redis.status !== "ready" && line.has(waiter)) return takeSlot();
          waiter.refuse(new LimiterUnavailable("no slot to be had", { cause: error }));
        }
      };
      void takeSlot();
    });
  }

  return {
    run: slot,
    async pause(apiId, milliseconds) {
      await withDeadline("Redis", slotDeadlineMs, ready());
      await setPause(redis, keysOf(apiId), milliseconds);
    },
    async close() {
      for (const line of [...waiting.values()])
        for (const waiter of line) waiter.refuse(new LimiterUnavailable("the process ends"));
      clearInterval((group as unknown as { interval: NodeJS.Timeout }).interval);
      const stopped = group.limiters().map(({ limiter }) => limiter.stop({ dropWaitingJobs: true }));
      await withDeadline("limiter", 1_000, Promise.allSettled(stopped)).catch(() => undefined);
      await withDeadline("limiter", 1_000, connection.disconnect(true)).catch(() => undefined);
      await connection.disconnect(false);
    },
  };
}

/** Begins at once; what is thrown before the first await is a rejection too. */
function begin<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}
