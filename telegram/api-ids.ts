import { holdPinned, putOutOfService } from "../db/api-id-outage.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../runtime/log.ts";
import { type ApiIdBreakers, createApiIdBreakers } from "./api-ids/breakers.ts";
import type { ApiIdRefused } from "./errors.ts";
import type { Limiter } from "./limiter.ts";

/** Whether Telegram takes our API IDs: a breaker each in this process, and what all processes know in PostgreSQL. */
export interface ApiIdService {
  /** To be asked before an API ID is used. @throws ApiIdOut where this process knows it to be out */
  admit(apiId: number): void;
  /** To be told when Telegram has refused it to whoever was admitted: from then on this process admits nobody. */
  trip(apiId: number): void;
  /** Telegram has refused it: it is out of service for everybody, its sessions are held, and its calls pause. */
  refused(apiId: number, error: ApiIdRefused): Promise<void>;
  readonly breakers: Pick<ApiIdBreakers, "serves" | "follow" | "halfOpen" | "tryOnce">;
  close(): void;
}

/** Both in milliseconds. */
export interface ApiIdTimes {
  /** How long after a refusal one account tries the API ID again; doubled with each refusal that follows. */
  readonly apiIdProbeFirstMs: number;
  /** How long an API ID's calls pause after a refusal: what is under way notices. Not longer than the first. */
  readonly apiIdPauseMs: number;
}

/** What `config/limits` says, for whoever does not. */
const TIMES: ApiIdTimes = { apiIdProbeFirstMs: 60_000, apiIdPauseMs: 60_000 };

/** Sessions held by one transaction. */
const HELD_AT_ONCE = 1_000;

export function createApiIdService(options: {
  readonly database: Database;
  readonly limiter: Pick<Limiter, "pause">;
  readonly times?: Partial<ApiIdTimes>;
  readonly log: Log;
  /** What tests take away: every refusal is met anew. */
  readonly without?: boolean;
}): ApiIdService {
  const { database, limiter, log } = options;
  const times = { ...TIMES, ...options.times };
  const breakers = createApiIdBreakers();
  if (options.without)
    return {
      ...{ admit: () => {}, trip: () => {}, refused: async () => undefined, breakers },
      close: () => breakers.close(),
    };
  return {
    admit: (apiId) => breakers.admit(apiId),
    trip: (apiId) => breakers.trip(apiId),
    async refused(apiId, { errorName }) {
      const fresh = await database.asWorker((tx) => putOutOfService(tx, apiId, errorName, times.apiIdProbeFirstMs));
      if (!fresh) return;
      log.error({ api_id: apiId, error: errorName }, "API ID out of service");
      await limiter
        .pause(apiId, times.apiIdPauseMs)
        .catch((failure: unknown) => log.warn({ err: failure, api_id: apiId }, "API ID not paused"));
      const held = await holdAll(database);
      log.warn({ api_id: apiId, sessions: held }, "sessions held with their API ID");
    },
    breakers,
    close: () => breakers.close(),
  };
}

/** Holds every session whose API ID serves it no more; gives how many. What it leaves, the scheduler's maintenance holds. */
export async function holdAll(database: Pick<Database, "asWorker">): Promise<number> {
  for (let held = 0; ; ) {
    const now = await database.asWorker((tx) => holdPinned(tx, HELD_AT_ONCE));
    held += now;
    if (now < HELD_AT_ONCE) return held;
  }
}
