import Bottleneck from "bottleneck";
import type { Redis } from "ioredis";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Log } from "../runtime/log.ts";
import { isRedisAway } from "../runtime/redis-away.ts";
import { sleep } from "../runtime/sleep.ts";
import type { MethodPauses } from "./flood-scope.ts";
import { beginAtOnce } from "./limiter/at-once.ts";
import { createLimiterConnection } from "./limiter/connection.ts";
import { expireOnlyWhatBegan } from "./limiter/expiry.ts";
import { Line } from "./limiter/line.ts";
import { createLoads, type Load } from "./limiter/load.ts";
import { createMethodPauses } from "./limiter/method-pauses.ts";
import { type LimiterKeys, limiterKeys, lookAtPauses, setPause } from "./limiter/pause.ts";

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
  /** When the API ID's pause is over, as far as this process knows; null where none runs. */
  paused(apiId: number): Date | null;
  /** The pauses of single methods (FLOOD_SCOPE=auto): looked at together with the API ID's, before each call. */
  readonly methods: MethodPauses;
  /** How near each API ID is to its limit that this process has called with lately. */
  loads(): ReadonlyMap<number, Load>;
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

/** Bottleneck keeps a job whose registration failed, and looks at it again only when another one comes. */
const NUDGE_EVERY_MS = 1_000;

/** Between two tries of a connection that has gone and does not know it yet. */
const AWAY_MS = 50;

/** A look at the pause that was asked for so short a time ago is as good as a new one. */
const FRESH_MS = 5;

/** A look at the pause of an API ID. */
interface Look {
  readonly sentAt: number;
  readonly done: Promise<void>;
}

/** Calls that wait for the same API ID take their slots together, so many parts of a second's at most. */
const SLOTS_AT_ONCE = 20;

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
  const slotMs = 1000 / callsPerSecond;
  const mostAtOnce = Math.max(1, Math.floor(callsPerSecond / SLOTS_AT_ONCE));
  /** Lines in which somebody waits, each with its `serve`. */
  const lines = new Map<number, Line>();
  const group = new Bottleneck.Group({
    id: prefix,
    connection,
    timeout: IDLE_MS,
    minTime: slotMs,
    // How many slots are given out ahead of time: enough to ride over a busy moment, few enough to be called back.
    maxConcurrent: Math.max(10, Math.ceil(callsPerSecond / 5)),
    heartbeatInterval: 250,
  });
  const complain = (error: unknown) => log.debug({ err: error }, "limiter");
  connection.on("error", complain);
  group.on("created", (limiter, key) => {
    expireOnlyWhatBegan(limiter);
    beginAtOnce(limiter);
    limiter.on("error", complain);
    const apiId = Number(/\d+/.exec(key)?.[0]);
    limiter.on("message", () => void refuseWhilePaused(apiId).catch(complain));
  });

  const keysOf = (apiId: number): LimiterKeys => limiterKeys(prefix, apiId);

  const methods = createMethodPauses({ redis, keysOf, clock, log });
  const loads = createLoads({ callsPerSecond, forgetMs: IDLE_MS, clock });

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
    const pauses = await lookAtPauses(redis, keysOf(apiId));
    methods.learn(apiId, pauses);
    const left = pauses.leftMs;
    loads.note(apiId, Math.max(left, pauses.aheadMs));
    if (left === 0) return;
    pausedUntil.set(apiId, clock.monotonic() + left);
    lines.get(apiId)?.refuse(pausedError(left));
  }

  /** Spares Redis the question while a pause is known to run. */
  function knownPause(apiId: number): number {
    const left = (pausedUntil.get(apiId) ?? 0) - clock.monotonic();
    if (left <= 0) pausedUntil.delete(apiId);
    return Math.max(0, left);
  }

  /** Takes slots for whoever waits, until nobody does. One at a time: who comes meanwhile goes with the next ones. */
  async function serve(apiId: number, line: Line): Promise<void> {
    while (line.size > 0) {
      await ready();
      const known = knownPause(apiId);
      if (known > 0) line.refuse(pausedError(known));
      const slots = Math.min(line.size, mostAtOnce);
      if (slots > 0) await takeSlots(apiId, line, slots);
    }
    lines.delete(apiId);
  }

  /** A job of Bottleneck's with the weight of all its calls: the next one's time comes after all their slots. */
  async function takeSlots(apiId: number, line: Line, slots: number): Promise<void> {
    const job = { weight: slots, expiration: SLOT_EXPIRATION_MS };
    let nudging: NodeJS.Timeout | undefined;
    try {
      const limiter = group.key(keysOf(apiId).key);
      const nudge = () => redis.status === "ready" && limiter.schedule({ weight: 0 }, async () => {}).catch(complain);
      nudging = setInterval(nudge, NUDGE_EVERY_MS);
      const look = { sentAt: clock.monotonic(), done: refuseWhilePaused(apiId) };
      look.done.catch(() => {});
      await limiter.schedule(job, () => handOut(apiId, line, slots, look));
    } catch (error) {
      // Where Redis went away in between: once more when it is back, unless the deadlines come first. The error may be
      // there before the connection knows of it, and the connection back before the error is.
      if (isRedisAway(error)) await sleep(AWAY_MS);
      else if (redis.status === "ready")
        line.refuse(new LimiterUnavailable("no slot to be had", { cause: error }), slots);
    } finally {
      clearInterval(nudging);
    }
  }

  /** Begins a call in each slot at its time, each directly after a look at the pause: the first, `look`, came with the slots. */
  async function handOut(apiId: number, line: Line, slots: number, look: Look): Promise<void> {
    const startedAt = clock.monotonic();
    for (let given = 0; given < slots && line.size > 0; ) {
      const early = () => startedAt + given * slotMs - clock.monotonic();
      while (early() > 0) await sleep(Math.ceil(early()));
      const isFresh = clock.monotonic() - look.sentAt < FRESH_MS;
      await (isFresh ? look.done : refuseWhilePaused(apiId));
      // Whoever has come since those before were refused: the slots are of before the pause.
      const known = knownPause(apiId);
      if (known > 0) {
        line.refuse(pausedError(known));
        return;
      }
      const due = Math.min(slots, 1 + Math.floor((clock.monotonic() - startedAt) / slotMs));
      for (; given < due; given += 1) line.next();
    }
  }

  function run<T>(apiId: number, work: () => Promise<T>): Promise<T> {
    const known = lines.get(apiId);
    const line = known ?? new Line();
    const begun = line.join(work, {
      deadlineMs: slotDeadlineMs,
      late: () => new LimiterUnavailable(`no slot within ${slotDeadlineMs} ms`),
      lookAfterMs: LOOK_AFTER_MS,
      look: () => void refuseWhilePaused(apiId).catch(complain),
    });
    if (!known) {
      lines.set(apiId, line);
      void serve(apiId, line);
    }
    return begun;
  }

  return {
    run,
    async pause(apiId, milliseconds) {
      await withDeadline("Redis", slotDeadlineMs, ready());
      await setPause(redis, keysOf(apiId), milliseconds);
    },
    paused(apiId) {
      const left = knownPause(apiId);
      return left > 0 ? pausedError(left).until : null;
    },
    methods,
    loads: () => loads.all((apiId) => lines.get(apiId)?.size ?? 0),
    async close() {
      methods.close();
      for (const line of lines.values()) line.refuse(new LimiterUnavailable("the process ends"));
      clearInterval((group as unknown as { interval: NodeJS.Timeout }).interval);
      const stopped = group.limiters().map(({ limiter }) => limiter.stop({ dropWaitingJobs: true }));
      await withDeadline("limiter", 1_000, Promise.allSettled(stopped)).catch(() => undefined);
      await withDeadline("limiter", 1_000, connection.disconnect(true)).catch(() => undefined);
      await connection.disconnect(false);
    },
  };
}
