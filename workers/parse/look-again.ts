import type { Subscription } from "../../db/channels.ts";

const HOUR_MS = 3_600_000;
/** A name that nobody has costs a `resolveUsername` each time, of which Telegram bears few. */
export const LONGEST_NAME_REST_MS = 7 * 24 * HOUR_MS;
/** A channel that was lost costs one cheap call, and may come back any day. */
export const LONGEST_PEER_REST_MS = 24 * HOUR_MS;

/**
 * When to look again at what has not been what it should be `since` then: after as long as that has lasted, so that the
 * rests double; `restMs` at least, `longestMs` at most.
 */
export function lookAgainAt(
  since: Date,
  now: number,
  { restMs, longestMs }: { readonly restMs: number; readonly longestMs: number },
): Date {
  const lasted = now - since.getTime();
  return new Date(now + Math.min(longestMs, Math.max(restMs, lasted)));
}

/** Whether the subscription's name is to be looked up in a parse that happens now. */
export function isToBeFound({ channelId, lookAt }: Pick<Subscription, "channelId" | "lookAt">, now: number): boolean {
  return channelId === null && (lookAt === null || lookAt.getTime() <= now);
}
