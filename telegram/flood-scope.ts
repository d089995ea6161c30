import type { Clock } from "../runtime/clock.ts";

/** What one account met at one method lately; times are one process's monotonic milliseconds. */
export interface AccountFlood {
  readonly calledAt: number;
  readonly floodedAt: number | null;
  readonly seconds: number;
}

const WINDOW_MS = 60_000;
const LONGEST_FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** A probe that never came back holds the others no longer than this. */
const PROBE_MS = 30_000;

/**
 * Whether floods of single accounts are really the API ID's: within a minute at least 3 accounts, and at least half of
 * those that called the method, were flooded on it. Gives the pause in milliseconds (the shortest of the waits, 60 s at
 * most), null where they are the accounts' own.
 */
export function pauseForSpread(accounts: Iterable<AccountFlood>, now: number): number | null {
  let called = 0;
  const waits: number[] = [];
  for (const account of accounts) {
    if (now - account.calledAt > WINDOW_MS) continue;
    called += 1;
    if (account.floodedAt !== null && now - account.floodedAt <= WINDOW_MS) waits.push(account.seconds * 1000);
  }
  if (waits.length < 3 || waits.length * 2 < called) return null;
  return Math.min(LONGEST_FIRST_PAUSE_MS, ...waits);
}

/** FLOOD_SCOPE=auto within one process: methods that an API ID must not call for a while. */
export interface MethodPauses {
  /** When the method's pause is over for this API ID, as a date; null where nothing holds it. */
  check(apiId: number, method: string): Date | null;
  /** As check, but right before the call: after a pause one account goes first, as a probe. */
  enter(apiId: number, method: string, account: bigint): Date | null;
  /** What came of a call. A probe's success ends the pause, its flood doubles it. */
  observe(apiId: number, method: string, account: bigint, floodSeconds: number | null): void;
}

interface Method {
  readonly accounts: Map<bigint, AccountFlood>;
  pause: { until: number; lengthMs: number; probe: { account: bigint; since: number } | null } | null;
}

export function createMethodPauses(clock: Clock): MethodPauses {
  const methods = new Map<string, Method>();
  const dateOf = (until: number) => new Date(clock.now() + Math.max(1, until - clock.monotonic()));

  function held(method: Method | undefined): number | null {
    const now = clock.monotonic();
    if (!method?.pause) return null;
    if (now < method.pause.until) return method.pause.until;
    const { probe } = method.pause;
    return probe && now - probe.since < PROBE_MS ? now + 1_000 : null;
  }

  return {
    check(apiId, name) {
      const until = held(methods.get(`${apiId} ${name}`));
      return until === null ? null : dateOf(until);
    },
    enter(apiId, name, account) {
      const method = methods.get(`${apiId} ${name}`);
      const until = held(method);
      if (until !== null) return dateOf(until);
      if (method?.pause) method.pause.probe = { account, since: clock.monotonic() };
      return null;
    },
    observe(apiId, name, account, floodSeconds) {
      const key = `${apiId} ${name}`;
      const now = clock.monotonic();
      const method = methods.get(key) ?? { accounts: new Map<bigint, AccountFlood>(), pause: null };
      methods.set(key, method);
      const before = method.accounts.get(account);
      const flooded = floodSeconds !== null;
      method.accounts.set(account, {
        calledAt: now,
        floodedAt: flooded ? now : (before?.floodedAt ?? null),
        seconds: floodSeconds ?? before?.seconds ?? 0,
      });
      const probing = method.pause?.probe?.account === account;
      if (method.pause && probing) {
        const lengthMs = Math.min(LONGEST_PAUSE_MS, method.pause.lengthMs * 2);
        method.pause = flooded ? { until: now + lengthMs, lengthMs, probe: null } : null;
        if (!flooded) method.accounts.clear();
      } else if (!method.pause && flooded) {
        forget(method.accounts, now);
        const lengthMs = pauseForSpread(method.accounts.values(), now);
        if (lengthMs !== null) method.pause = { until: now + lengthMs, lengthMs, probe: null };
      }
    },
  };
}

function forget(accounts: Map<bigint, AccountFlood>, now: number): void {
  for (const [account, flood] of accounts) if (now - flood.calledAt > WINDOW_MS) accounts.delete(account);
}
