import type { Redis } from "ioredis";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { type MethodPauses, pauseForSpread } from "../flood-scope.ts";
import { beginPause, claimProbe, noteCalls, settleProbe } from "./method-scripts.ts";
import { readMethodState } from "./method-state.ts";
import type { LimiterKeys, Pauses } from "./pause.ts";

/** Who called is told to the other processes together, this late at most: a flood tells it at once. */
const TELL_AFTER_MS = 200;
/** While another account probes, the rest ask again after this. */
const ASK_AGAIN_MS = 1_000;

/** What this process knows of a paused method; times are its own monotonic clock. Redis has the last word. */
interface Known {
  readonly until: number;
  readonly probe: { readonly account: bigint; readonly until: number } | null;
}

/** The limiter's share of it: what each of its looks at Redis tells, and the end. */
export interface SharedMethodPauses extends MethodPauses {
  learn(apiId: number, pauses: Pauses): void;
  close(): void;
}

/** Pauses of methods that all processes share, in Redis. */
export function createMethodPauses(options: {
  redis: Redis;
  keysOf: (apiId: number) => LimiterKeys;
  clock: Clock;
  log: Log;
}): SharedMethodPauses {
  const { redis, keysOf, clock, log } = options;
  const apis = new Map<number, Map<string, Known>>();
  /** Accounts that called, by API ID and method, not yet told. */
  const untold = new Map<string, { readonly apiId: number; readonly method: string; readonly accounts: Set<bigint> }>();
  let telling: NodeJS.Timeout | null = null;

  const dateOf = (until: number) => new Date(clock.now() + Math.max(1, until - clock.monotonic()));
  const complain = (error: unknown) => log.debug({ err: error }, "method pauses");

  function toKnown(text: string, redisNow: number): Known | null {
    const state = readMethodState(text);
    if (!state) return null;
    const here = (at: number) => clock.monotonic() + (at - redisNow);
    const { until, probe } = state;
    return { until: here(until), probe: probe && { account: probe.account, until: here(probe.until) } };
  }

  function learnOne(apiId: number, method: string, known: Known | null): void {
    const methods = apis.get(apiId) ?? new Map<string, Known>();
    apis.set(apiId, methods);
    if (known) methods.set(method, known);
    else methods.delete(method);
    if (methods.size === 0) apis.delete(apiId);
  }

  /** When somebody else than `account` may ask again; null where `account` is the one that probes. */
  function heldFor(known: Known, account: bigint): Date | null {
    const now = clock.monotonic();
    if (now < known.until) return dateOf(known.until);
    if (known.probe?.account === account) return null;
    return dateOf(now + ASK_AGAIN_MS);
  }

  function take(apiId: number, method: string): Set<bigint> {
    const key = `${apiId} ${method}`;
    const accounts = untold.get(key)?.accounts ?? new Set<bigint>();
    untold.delete(key);
    return accounts;
  }

  function tell(): void {
    telling = null;
    for (const { apiId, method } of [...untold.values()])
      noteCalls(redis, keysOf(apiId), method, take(apiId, method), null).catch(complain);
  }

  function noteCalled(apiId: number, method: string, account: bigint): void {
    const key = `${apiId} ${method}`;
    const entry = untold.get(key) ?? { apiId, method, accounts: new Set<bigint>() };
    untold.set(key, entry);
    entry.accounts.add(account);
    telling ??= setTimeout(tell, TELL_AFTER_MS).unref();
  }

  function settle(apiId: number, method: string, account: bigint, outcome: "ok" | "nothing"): void {
    if (apis.get(apiId)?.get(method)?.probe?.account !== account) return;
    settleProbe(redis, keysOf(apiId), method, account, outcome)
      .then((settled) => {
        if (settled && outcome === "ok") learnOne(apiId, method, null);
      })
      .catch(complain);
  }

  async function noteFlood(apiId: number, method: string, account: bigint, seconds: number): Promise<void> {
    const keys = keysOf(apiId);
    if (await settleProbe(redis, keys, method, account, "flood")) {
      log.warn({ api_id: apiId, method, seconds }, "method still flooded: paused for twice as long");
      return;
    }
    const called = take(apiId, method).add(account);
    const pauseMs = pauseForSpread(await noteCalls(redis, keys, method, called, { account, seconds }));
    if (pauseMs === null || apis.get(apiId)?.has(method)) return;
    await beginPause(redis, keys, method, pauseMs);
    log.warn({ api_id: apiId, method, milliseconds: pauseMs }, "method paused for the API ID: many accounts flooded");
  }

  return {
    learn(apiId, { now, methods }) {
      if (methods.length === 0) {
        apis.delete(apiId);
        return;
      }
      const known = methods.flatMap(([method, text]) => {
        const state = toKnown(text, now);
        return state ? [[method, state] as const] : [];
      });
      apis.set(apiId, new Map(known));
    },
    check(apiId, method) {
      const known = apis.get(apiId)?.get(method);
      return known && clock.monotonic() < known.until ? dateOf(known.until) : null;
    },
    async admit(apiId, method, account) {
      const before = apis.get(apiId)?.get(method);
      if (!before) return null;
      if (clock.monotonic() < before.until) return dateOf(before.until);
      const { now, state } = await claimProbe(redis, keysOf(apiId), method, account);
      const known = toKnown(state, now);
      learnOne(apiId, method, known);
      return known && heldFor(known, account);
    },
    enter(apiId, method, account) {
      const known = apis.get(apiId)?.get(method);
      return known ? heldFor(known, account) : null;
    },
    answered(apiId, method, account) {
      noteCalled(apiId, method, account);
      settle(apiId, method, account, "ok");
    },
    gaveUp: (apiId, method, account) => settle(apiId, method, account, "nothing"),
    flooded: (apiId, method, account, seconds) =>
      noteFlood(apiId, method, account, seconds).catch((error) =>
        log.warn({ err: error, api_id: apiId, method }, "flood not told to the other processes"),
      ),
    close() {
      if (telling) clearTimeout(telling);
    },
  };
}
