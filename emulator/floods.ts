import type { Clock } from "../runtime/clock.ts";
import type { FloodGate, RpcContext, TlRequest } from "./dc/service.ts";
import { bucketFor, type FloodBucket, TELEGRAM_BUCKETS } from "./flood-buckets.ts";

/** A wait that a test or an operator orders: for these accounts, or for all accounts under one API ID. */
export interface ForcedFlood {
  readonly accountIds?: readonly bigint[];
  readonly apiId?: number;
  /** The one method, as GramJS names it; every method where left out. */
  readonly method?: string;
  /** Real seconds: not divided by the pace. */
  readonly seconds: number;
}

export interface Floods extends FloodGate {
  /** Orders a wait from now on; the returned function takes it back. */
  forceFlood(flood: ForcedFlood): () => void;
}

interface Level {
  tokens: number;
  at: number;
}

/**
 * Telegram's limits as token buckets, one for each account (before its login: auth key; for codes: phone) and method.
 * Everything runs `pace` times faster, the seconds handed out included (whole seconds, at least 1).
 *
 * @param buckets by GramJS's method name, `default` for the others; null: no limits but the forced ones
 */
export function createFloods(options: {
  clock: Clock;
  pace: number;
  buckets?: Readonly<Record<string, FloodBucket>> | null;
}): Floods {
  const { clock, pace } = options;
  const buckets = options.buckets === undefined ? TELEGRAM_BUCKETS : options.buckets;
  const levels = new Map<string, Level>();
  const forced = new Set<ForcedFlood & { readonly until: number }>();

  const forcedSeconds = (method: string, context: RpcContext): number => {
    let milliseconds = 0;
    for (const flood of forced) {
      const left = flood.until - clock.monotonic();
      if (left <= 0) forced.delete(flood);
      else if (concerns(flood, method, context)) milliseconds = Math.max(milliseconds, left);
    }
    return Math.ceil(milliseconds / 1000);
  };

  return {
    take(request, context) {
      const method = request.className;
      const ordered = forcedSeconds(method, context);
      if (ordered > 0) return wait(ordered);
      const bucket = buckets && bucketFor(buckets, method);
      if (!bucket) return null;
      const level = levelOf(levels, `${subject(request, context)} ${method}`, bucket, clock, pace);
      if (level.tokens >= 1) {
        level.tokens -= 1;
        return null;
      }
      return wait(Math.max(1, Math.ceil(bucket.waitSeconds / pace)));
    },
    forceFlood(flood) {
      const entry = { ...flood, until: clock.monotonic() + flood.seconds * 1000 };
      forced.add(entry);
      return () => {
        forced.delete(entry);
      };
    },
  };
}

const wait = (seconds: number) => ({ seconds, errorMessage: `FLOOD_WAIT_${seconds}` });

function concerns(flood: ForcedFlood, method: string, { apiId, key }: RpcContext): boolean {
  if (flood.method !== undefined && flood.method !== method) return false;
  if (flood.apiId !== undefined) return flood.apiId === apiId;
  return key.accountId !== null && (flood.accountIds?.includes(key.accountId) ?? false);
}

/** Whose bucket it is. Codes are counted by phone: a new auth key each time must not help. */
function subject(request: TlRequest, { key }: RpcContext): string {
  const phone = request.phoneNumber;
  if (typeof phone === "string") return `phone ${phone.replace(/\D/g, "")}`;
  return key.accountId === null ? `key ${key.keyId}` : `account ${key.accountId}`;
}

function levelOf(levels: Map<string, Level>, id: string, bucket: FloodBucket, clock: Clock, pace: number): Level {
  const now = clock.monotonic();
  let level = levels.get(id);
  if (!level) {
    level = { tokens: bucket.burst, at: now };
    levels.set(id, level);
  }
  const gained = ((now - level.at) / 60_000) * bucket.perMinute * pace;
  level.tokens = Math.min(bucket.burst, level.tokens + gained);
  level.at = now;
  return level;
}
