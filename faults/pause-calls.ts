/** A call as it came to a data center. */
export interface ArrivedCall {
  /** Milliseconds, by the data centers' clock. */
  readonly at: number;
  /** No answer left before; the same for one that was told to wait, which is at once. */
  readonly answeredAt: number;
  readonly accountId: bigint | null;
  readonly method: string;
  /** What it was told to wait; null where it was let through. */
  readonly waitSeconds: number | null;
}

/** What the calls of one API ID say of the pause of a method that every job begins with (FLOOD_SCOPE=auto). */
export interface PauseSeen {
  /** How long it was to be: the shortest of the first three waits. Milliseconds, as all of these. */
  readonly pauseMs: number;
  /** From the third flood to the last call, of any method, before the pause's end. */
  readonly lastCallMs: number;
  /** The calls that tried the method after a pause; the last one was let through. */
  readonly probes: readonly ArrivedCall[];
  /** By how much a probe came before its pause's end: the pause is twice as long after each that was told to wait. */
  readonly earlyMs: number;
  /** Accounts that called anything between the end of the pause and the answer that ended it, the probing ones aside. */
  readonly besides: number;
}

/**
 * Null as long as no probe has been answered.
 *
 * @param calls since the floods were ordered, of an API ID with six accounts at most: three floods decide then, and
 * with more only half of all do
 */
export function pauseSeen(calls: readonly ArrivedCall[], method: string): PauseSeen | null {
  const sorted = [...calls].sort((a, b) => a.at - b.at);
  const floods = sorted.filter((call) => call.method === method && call.waitSeconds !== null).slice(0, 3);
  const third = floods[2];
  if (!third) return null;
  const pauseMs = Math.min(...floods.map(({ waitSeconds }) => waitSeconds ?? 0)) * 1_000;
  const later = sorted.slice(sorted.indexOf(third) + 1);
  const during = later.filter(({ at }) => at < third.at + pauseMs);
  const after = later.filter(({ at }) => at >= third.at + pauseMs);
  const success = after.find((call) => call.method === method && call.waitSeconds === null);
  if (!success) return null;
  const probes = after.filter((call) => call.method === method && call.at <= success.at);
  const probing = new Set(probes.map(({ accountId }) => accountId));
  const rest = after.filter(({ at, accountId }) => at < success.answeredAt && !probing.has(accountId));
  return {
    pauseMs,
    lastCallMs: Math.max(0, ...during.map(({ at }) => at - third.at)),
    probes,
    earlyMs: Math.max(0, ...probes.map(({ at }, index) => earliest(third, probes, pauseMs, index) - at)),
    besides: new Set(rest.map(({ accountId }) => accountId)).size,
  };
}

function earliest(third: ArrivedCall, probes: readonly ArrivedCall[], pauseMs: number, index: number): number {
  return (probes[index - 1] ?? third).at + pauseMs * 2 ** index;
}
