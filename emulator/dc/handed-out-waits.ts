/** A wait that an account was told for a method. */
export interface HandedOutWait {
  /** Wall clock, milliseconds. */
  readonly until: number;
  /** The error without its seconds: `FLOOD_WAIT_`, `FLOOD_PREMIUM_WAIT_`. */
  readonly prefix: string;
  /** The client's msg_id by which it said that it knows; null until then. */
  acknowledgedBy: bigint | null;
}

/**
 * The waits that data centers have handed out and that still run, by whom they concern (an account, or a key before its
 * login) and method.
 *
 * A client knows of a wait from the moment it acknowledges the answer that told it: what it sends afterwards (a larger
 * msg_id: they count the same clock in every session) before the wait is over is a violation. No tolerance is needed:
 * Telegram's seconds are whole and rounded up, and counted here from before the answer left.
 */
export class HandedOutWaits {
  readonly #waits = new Map<string, HandedOutWait>();
  #sweepAt = 1024;

  running(whom: string, method: string, now: number): HandedOutWait | null {
    const id = `${whom} ${method}`;
    const wait = this.#waits.get(id);
    if (!wait) return null;
    if (now < wait.until) return wait;
    this.#waits.delete(id);
    return null;
  }

  /** Remembers a wait of `seconds` from `now`. */
  handOut(whom: string, method: string, told: { seconds: number; prefix: string }, now: number): HandedOutWait {
    if (this.#waits.size >= this.#sweepAt) this.#sweep(now);
    const wait: HandedOutWait = { until: now + told.seconds * 1000, prefix: told.prefix, acknowledgedBy: null };
    this.#waits.set(`${whom} ${method}`, wait);
    return wait;
  }

  /** The client acknowledged, by its message `msgId`, an answer that told it of `wait`. */
  acknowledge(wait: HandedOutWait, msgId: bigint): void {
    if (wait.acknowledgedBy === null || msgId < wait.acknowledgedBy) wait.acknowledgedBy = msgId;
  }

  #sweep(now: number): void {
    for (const [id, wait] of this.#waits) if (wait.until <= now) this.#waits.delete(id);
    this.#sweepAt = Math.max(1024, this.#waits.size * 2);
  }
}

/** The wait in an error's name, null where it is none: FROZEN_METHOD_INVALID has code 420 too. */
export function waitIn(errorMessage: string): { seconds: number; prefix: string } | null {
  const match = /^(FLOOD_(?:PREMIUM_)?WAIT_)(\d+)$/.exec(errorMessage);
  return match ? { prefix: match[1]!, seconds: Number(match[2]) } : null;
}
