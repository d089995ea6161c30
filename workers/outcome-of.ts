import { LeaseGone } from "../db/database.ts";
import { isStatementLost, isTooSlow, isUnreachable } from "../db/unreachable.ts";
import { queueOf } from "../queue/jobs.ts";
import { Discard, PauseQueue, Snooze } from "../queue/outcome.ts";
import { isRedisAway } from "../runtime/redis-away.ts";
import { LeaseHeld, SessionUnusable } from "../telegram/account.ts";
import {
  AccountFrozen,
  ApiIdRefused,
  AuthLost,
  FloodWait,
  LeaseLost,
  Transient,
  WaitRunning,
} from "../telegram/errors.ts";
import { OPENING_METHOD } from "../telegram/policy.ts";
import { VaultError } from "../telegram/vault.ts";
import { Interrupted } from "./interrupted.ts";

const OWN_QUEUE = queueOf({ apiId: 0, ownApi: true });

/**
 * The next look at a lease that somebody else holds comes after this at the earliest, and at the latest after as much,
 * doubled with every further look.
 */
const FIRST_LOOK_MS = 250;

/** A job that began no oftener than this goes on soon after a lost connection or a statement that took too long. */
const TRIED_SOON = 3;

/** A process with another keyring may take the job; this one has to be started anew, with the keys that it lacks. */
const KEY_MISSING_MS = 60_000;

/**
 * What an error means for the job that met it: a Snooze, a PauseQueue, a Discard, or the error itself, which is retried
 * as the job table says. Pure.
 *
 * @param at.starts how often the job was started: a lease held elsewhere is looked at ever more rarely
 * @param at.queue the job's: what holds a master API ID holds all of its queue; own API IDs share one, and hold nobody else
 */
export function outcomeOf(
  error: unknown,
  at: {
    readonly now: number;
    readonly starts: number;
    readonly queue: string;
    readonly leaseHeldSnoozeMs: number;
    /** How long a queue serves nobody after an error that names its API ID; its sessions are held by then. */
    readonly apiIdPauseMs: number;
    /** In [0, 1). */
    readonly random: number;
  },
): unknown {
  const later = (milliseconds: number, why: string) => new Snooze(new Date(at.now + milliseconds), why);
  if (error instanceof Snooze || error instanceof Discard || error instanceof PauseQueue) return error;
  const isShared = at.queue !== OWN_QUEUE;
  if (error instanceof WaitRunning && isShared && holdsEverybody(error))
    return new PauseQueue(Math.max(1, error.until.getTime() - at.now), error.message);
  if (error instanceof ApiIdRefused && isShared) return new PauseQueue(at.apiIdPauseMs, error.message);
  if (error instanceof WaitRunning) return new Snooze(error.until, error.message);
  if (error instanceof FloodWait) return later(error.seconds * 1_000, error.message);
  if (error instanceof LeaseHeld) {
    const doublings = Math.min(Math.max(0, at.starts - 1), 10);
    const latest = Math.min(at.leaseHeldSnoozeMs, FIRST_LOOK_MS * 2 ** doublings);
    // Spread: an account's jobs that looked together would find each other's lease every time.
    const after = FIRST_LOOK_MS + at.random * Math.max(0, latest - FIRST_LOOK_MS);
    return later(Math.min(latest, after), "the session is leased elsewhere");
  }
  // Nothing is wrong with the session. What does not open by the right key fails, for people to see.
  if (error instanceof VaultError && error.reason === "unknown_key") return later(KEY_MISSING_MS, error.message);
  if (error instanceof LeaseLost || error instanceof LeaseGone || error instanceof Interrupted)
    return later(at.leaseHeldSnoozeMs, error.message);
  if (
    error instanceof SessionUnusable ||
    error instanceof AuthLost ||
    error instanceof AccountFrozen ||
    error instanceof ApiIdRefused
  )
    return new Discard(error.message);
  // Not the job's fault: it goes on where it was as soon as they are back.
  if (isUnreachable(error)) return later(at.leaseHeldSnoozeMs, "PostgreSQL does not answer");
  if (isRedisAway(error) || isWithoutSlot(error)) return later(at.leaseHeldSnoozeMs, "Redis does not answer");
  // Neither, as a rule. What meets it again and again has failed, for people to see.
  if ((error instanceof Transient || isTooSlow(error) || isStatementLost(error)) && at.starts <= TRIED_SOON)
    return later(at.leaseHeldSnoozeMs, error.message);
  return error;
}

/** Nobody of this API ID can do anything before that: not even open an account. */
const holdsEverybody = ({ scope, method }: WaitRunning): boolean =>
  scope === "api_id" || (scope === "api_method" && method === OPENING_METHOD);

/** The limiter had no slot in time: nothing was sent. */
const isWithoutSlot = (error: unknown): boolean =>
  error instanceof Transient && error.errorName === "LIMITER_UNAVAILABLE";

/** Whether the job goes on later as it is: nothing has ended. */
export const isPostponed = (outcome: unknown): boolean => outcome instanceof Snooze || outcome instanceof PauseQueue;

/** A wait that Telegram asked for, too long to be waited in place. */
export const isWait = (error: unknown): error is WaitRunning | FloodWait =>
  error instanceof WaitRunning || error instanceof FloodWait;
