import type { Redis } from "ioredis";
import { readMethodState } from "./method-state.ts";
import { limiterKeys, lookAtPauses } from "./pause.ts";

/** A pause of an API ID, as operators see it. */
export interface ApiIdPause {
  readonly apiId: number;
  /** Null: everything. */
  readonly method: string | null;
  /** Null where the time is over, and one account has to try the method before the others go on. */
  readonly until: Date | null;
}

/** The pauses of these API IDs, by API ID. */
export async function readPauses(redis: Redis, prefix: string, apiIds: readonly number[]): Promise<ApiIdPause[]> {
  const pauses: ApiIdPause[] = [];
  for (const apiId of [...apiIds].sort((a, b) => a - b)) {
    const { leftMs, now, methods } = await lookAtPauses(redis, limiterKeys(prefix, apiId));
    const after = (milliseconds: number) => (milliseconds > 0 ? new Date(Date.now() + milliseconds) : null);
    if (leftMs > 0) pauses.push({ apiId, method: null, until: after(leftMs) });
    for (const [method, text] of methods) {
      const state = readMethodState(text);
      if (state) pauses.push({ apiId, method, until: after(state.until - now) });
    }
  }
  return pauses;
}
