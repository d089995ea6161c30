import CircuitBreaker from "opossum";
import type { Outage } from "../../db/api-id-outage.ts";
import { ApiIdRefused } from "../errors.ts";

/** A try of an API ID that says nothing of it: no account could be had, or Telegram did not answer. */
export class Undecided extends Error {
  override name = "Undecided";
}

/** The API ID is known here to be out of service: nothing was sent. */
export class ApiIdOut extends Error {
  override name = "ApiIdOut";
}

/**
 * A circuit breaker for each API ID, as this process knows it. One refusal opens it, for a refusal is no chance failure.
 * What all processes know stands in PostgreSQL, and is followed: when it is half open, and when it closes, is said there.
 */
export interface ApiIdBreakers {
  /** @throws ApiIdOut where the breaker is open; a refusal of Telegram's by `work` opens it */
  run<T>(apiId: number, work: () => Promise<T>): Promise<T>;
  /** What was read of one API ID. */
  serves(apiId: number, served: boolean): void;
  /** What was read of all of them. */
  follow(outages: readonly Outage[]): void;
  /** The API IDs whose time has come to be tried. */
  halfOpen(): number[];
  /** Lets one try through, of a half-open breaker: success closes it, everything else opens it again. */
  tryOnce(apiId: number, attempt: () => Promise<void>): Promise<void>;
  close(): void;
}

/** A breaker that only follows rows is told of its time; until then it stays open for as long as a timer goes. */
const UNTIL_TOLD_MS = 2 ** 31 - 1;

type Breaker = CircuitBreaker<[work: () => Promise<unknown>], unknown>;

export function createApiIdBreakers(): ApiIdBreakers {
  /** Those that are open, half open, or have work under way: people bring API IDs of their own. */
  const breakers = new Map<number, { readonly breaker: Breaker; running: number }>();

  function made(apiId: number, resetTimeout: number) {
    const breaker: Breaker = new CircuitBreaker((work: () => Promise<unknown>) => work(), {
      name: String(apiId),
      // Calls have deadlines of their own.
      timeout: false,
      errorThresholdPercentage: 0,
      resetTimeout,
      errorFilter: (error: unknown) => !(error instanceof ApiIdRefused || error instanceof Undecided),
      rollingCountBuckets: 1,
      rollingPercentilesEnabled: false,
    });
    const entry = { breaker, running: 0 };
    breakers.set(apiId, entry);
    breaker.on("close", () => forgetIdle(apiId));
    return entry;
  }

  function forgetIdle(apiId: number): void {
    const entry = breakers.get(apiId);
    if (entry?.running === 0 && entry.breaker.closed) forget(apiId);
  }

  function forget(apiId: number): void {
    const entry = breakers.get(apiId);
    breakers.delete(apiId);
    entry?.breaker.shutdown();
  }

  /** Open for so long, whatever it was before. */
  function open(apiId: number, forMs: number): void {
    forget(apiId);
    made(apiId, Math.max(1, Math.min(forMs, UNTIL_TOLD_MS))).breaker.open();
  }

  async function fired(
    apiId: number,
    entry: { readonly breaker: Breaker; running: number },
    work: () => Promise<unknown>,
  ) {
    entry.running += 1;
    try {
      return await entry.breaker.fire(work);
    } finally {
      entry.running -= 1;
      if (breakers.get(apiId) === entry) forgetIdle(apiId);
    }
  }

  return {
    async run(apiId, work) {
      const entry = breakers.get(apiId) ?? made(apiId, UNTIL_TOLD_MS);
      if (!entry.breaker.closed) throw new ApiIdOut(`API ID ${apiId} is out of service`);
      return (await fired(apiId, entry, work)) as Awaited<ReturnType<typeof work>>;
    },
    serves(apiId, served) {
      const breaker = breakers.get(apiId)?.breaker;
      if (served && breaker && !breaker.closed) breaker.close();
      else if (!served && (!breaker || breaker.closed)) open(apiId, UNTIL_TOLD_MS);
    },
    follow(outages) {
      const out = new Set(outages.map(({ apiId }) => apiId));
      for (const [apiId, { breaker }] of breakers) if (!out.has(apiId) && !breaker.closed) breaker.close();
      for (const { apiId, probeInMs } of outages) {
        const isDue = breakers.get(apiId)?.breaker.halfOpen && probeInMs === 0;
        if (!isDue) open(apiId, probeInMs);
      }
    },
    halfOpen: () => [...breakers].flatMap(([apiId, { breaker }]) => (breaker.halfOpen ? [apiId] : [])),
    async tryOnce(apiId, attempt) {
      const entry = breakers.get(apiId);
      if (entry?.breaker.halfOpen && entry.breaker.pendingClose) await fired(apiId, entry, attempt);
    },
    close() {
      for (const apiId of [...breakers.keys()]) forget(apiId);
    },
  };
}
