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
  /** @throws ApiIdOut where the breaker is open, or half open */
  admit(apiId: number): void;
  /** Telegram has refused the API ID to somebody who was admitted: the breaker opens. */
  trip(apiId: number): void;
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
  /** Those that are open or half open; what is in service has none: people bring API IDs of their own. */
  const breakers = new Map<number, Breaker>();

  /** Open for so long, whatever it was before. */
  function open(apiId: number, forMs: number): void {
    forget(apiId);
    const breaker: Breaker = new CircuitBreaker((work: () => Promise<unknown>) => work(), {
      name: String(apiId),
      // Calls have deadlines of their own.
      timeout: false,
      errorThresholdPercentage: 0,
      resetTimeout: Math.max(1, Math.min(forMs, UNTIL_TOLD_MS)),
      errorFilter: (error: unknown) => !(error instanceof ApiIdRefused || error instanceof Undecided),
      rollingCountBuckets: 1,
      rollingPercentilesEnabled: false,
    });
    breakers.set(apiId, breaker);
    breaker.on("close", () => forget(apiId));
    breaker.open();
  }

  function forget(apiId: number): void {
    const breaker = breakers.get(apiId);
    breakers.delete(apiId);
    breaker?.shutdown();
  }

  return {
    admit(apiId) {
      if (breakers.has(apiId)) throw new ApiIdOut(`API ID ${apiId} is out of service`);
    },
    trip(apiId) {
      if (!breakers.has(apiId)) open(apiId, UNTIL_TOLD_MS);
    },
    serves(apiId, served) {
      if (served) breakers.get(apiId)?.close();
      else if (!breakers.has(apiId)) open(apiId, UNTIL_TOLD_MS);
    },
    follow(outages) {
      const out = new Set(outages.map(({ apiId }) => apiId));
      for (const [apiId, breaker] of [...breakers]) if (!out.has(apiId)) breaker.close();
      for (const { apiId, probeInMs } of outages) {
        const isDue = breakers.get(apiId)?.halfOpen && probeInMs === 0;
        if (!isDue) open(apiId, probeInMs);
      }
    },
    halfOpen: () => [...breakers].flatMap(([apiId, breaker]) => (breaker.halfOpen ? [apiId] : [])),
    async tryOnce(apiId, attempt) {
      const breaker = breakers.get(apiId);
      if (breaker?.halfOpen && breaker.pendingClose) await breaker.fire(attempt);
    },
    close() {
      for (const apiId of [...breakers.keys()]) forget(apiId);
    },
  };
}
