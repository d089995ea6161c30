/** Floods of one method on one API ID, over all processes, within {@link WINDOW_MS}. */
export interface Spread {
  /** Accounts that called the method. */
  readonly called: number;
  /** The seconds that each flooded account was told. */
  readonly waits: readonly number[];
}

/** Floods and calls of one method are held together for this long. */
export const WINDOW_MS = 60_000;
const LONGEST_FIRST_PAUSE_MS = 60_000;
/** However often a probe is flooded, somebody asks again within the hour. */
export const LONGEST_PAUSE_MS = 3_600_000;
/** A probe that never came back holds the others no longer than this: a call's deadline. */
export const PROBE_MS = 30_000;

/**
 * Whether floods of single accounts are really the API ID's: at least 3 accounts, and at least half of those that called
 * the method. Gives the pause in milliseconds (the shortest of the waits, 60 s at most), null where they are the
 * accounts' own.
 */
export function pauseForSpread({ called, waits }: Spread): number | null {
  if (waits.length < 3 || waits.length * 2 < called) return null;
  return Math.min(LONGEST_FIRST_PAUSE_MS, ...waits.map((seconds) => seconds * 1000));
}

/** FLOOD_SCOPE=auto: methods that an API ID must not call for a while, in any process. */
export interface MethodPauses {
  /** When the method's pause is over for this API ID, as far as this process knows; null where none runs. */
  check(apiId: number, method: string): Date | null;
  /**
   * Asks whether the account may call: after a pause one account goes first, as a probe, over all processes. Costs a look
   * at Redis only where a pause is known. Null: it may; else when to ask again.
   *
   * @throws where Redis does not answer
   */
  admit(apiId: number, method: string, account: bigint): Promise<Date | null>;
  /** As check, but right before the call: null only where no pause is known, or the account is the one that probes. */
  enter(apiId: number, method: string, account: bigint): Date | null;
  /** Telegram answered the account's call without a flood: a probe's success ends the pause. Never throws. */
  answered(apiId: number, method: string, account: bigint): void;
  /** Telegram asked the account to wait: one of many such begins a pause, a probe's doubles it. Never throws. */
  flooded(apiId: number, method: string, account: bigint, seconds: number): Promise<void>;
  /** The account's call came to nothing: were it a probe, the next one may try. Never throws. */
  gaveUp(apiId: number, method: string, account: bigint): void;
}

/** Where nobody counts over accounts: FLOOD_SCOPE=account and =api_id, and logins, which have no account yet. */
export const noMethodPauses: MethodPauses = {
  check: () => null,
  admit: async () => null,
  enter: () => null,
  answered: () => {},
  flooded: async () => {},
  gaveUp: () => {},
};
