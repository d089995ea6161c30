import type { Held, LeaseRef, WorkerTx } from "../db/database.ts";
import type { SessionInfo } from "../db/sessions.ts";
import type { TelegramApi } from "./api.ts";

/** An account while it is open: leased, connected, its owner checked. */
export interface OpenAccount {
  readonly session: SessionInfo;
  readonly api: TelegramApi;
  readonly lease: LeaseRef;
  /** Aborted when the lease is lost: whatever is under way ends. */
  readonly signal: AbortSignal;
  /** A transaction fenced by the lease. @throws LeaseLost */
  commit<T>(work: (tx: WorkerTx) => Promise<T>): Promise<T>;
  /** One statement, fenced as `Database.onceUnderLease` says. @throws LeaseLost */
  commitOnce(work: (tx: WorkerTx, held: Held) => Promise<boolean>): Promise<void>;
  /** Calls made and waits met so far. */
  tally(): { readonly calls: number; readonly waits: number };
}

/**
 * `use`: the session counts as used. `look`: it does not. `revoke`: to log it out, which is not kept from happening by the
 * hold that says so, nor by Telegram having frozen the account; it does not count as used either.
 */
export type Purpose = "use" | "look" | "revoke";

/** Opens accounts: the only way in which a stored session is ever connected. */
export interface Accounts {
  /**
   * Leases, unseals, connects, checks the owner by `getMe`, runs `work`, closes every socket, releases.
   *
   * @param session its id, or its row as the caller has just read it: spares a look before the lease. What counts is
   * read under the lease
   * @param needs methods without which `work` can do nothing: where one of them has to wait, nothing is sent
   * @param purpose what it is opened for
   * @throws SessionUnusable where the session is not AUTHORIZED or is held: nothing was sent
   * @throws LeaseHeld where another process has it: nothing was sent
   * @throws WaitRunning, AuthLost (the session is STALE by then, its reason recorded), and whatever `work` throws
   */
  open<T>(
    session: bigint | SessionInfo,
    work: (account: OpenAccount) => Promise<T>,
    needs?: readonly string[],
    purpose?: Purpose,
  ): Promise<T>;
  /**
   * Opens a session that its API ID's refusal holds, to see whether Telegram takes the API ID again: one `getMe`, and
   * nothing is read.
   *
   * @throws ApiIdRefused where it does not; and as `open`
   */
  tryApiId(sessionId: bigint): Promise<void>;
  /** How many are open in this process now. */
  readonly size: number;
  /** Ends everything that is open, and waits until it is closed and released. */
  close(): Promise<void>;
}

/** Another process holds the lease. */
export class LeaseHeld extends Error {
  override name = "LeaseHeld";
}

/** The session is not AUTHORIZED, or has a hold: `reason` says which. */
export class SessionUnusable extends Error {
  override name = "SessionUnusable";
  readonly reason: string;

  constructor(reason: string) {
    super(`session not usable: ${reason}`);
    this.reason = reason;
  }
}
