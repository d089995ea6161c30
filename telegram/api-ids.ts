import { holdPinned, putOutOfService } from "../db/api-id-outage.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../runtime/log.ts";
import { type ApiIdBreakers, createApiIdBreakers } from "./api-ids/breakers.ts";
import type { ApiIdRefused } from "./errors.ts";
import type { Limiter } from "./limiter.ts";

/** Whether Telegram takes our API IDs: a breaker each in this process, and what all processes know in PostgreSQL. */
export interface ApiIdService {
  /** Runs what an API ID is needed for. @throws ApiIdOut where this process knows it to be out: `work` did not run */
  run<T>(apiId: number, work: () => Promise<T>): Promise<T>;
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
    return { run: (_, work) => work(), refused: async () => undefined, breakers, close: () => breakers.close() };
  return {
    run: (apiId, work) => breakers.run(apiId, work),
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
