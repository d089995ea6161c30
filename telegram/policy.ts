/** What every opening of an account begins with: a wait for it holds everything. */
export const OPENING_METHOD = "users.getUsers";

/** What a call is, as limits and logs see it. */
export interface Call {
  /** Telegram's name, `messages.getHistory` for example. */
  readonly method: string;
  /** The one chat it concerns, where a wait may be that chat's alone. */
  readonly chatId?: bigint;
}

/**
 * What stands around every call to Telegram: the API ID's limiter, then, synchronously before the write, the lease's
 * deadline, the account's wait ledger and the API ID's flood key; afterwards metrics, the log line and, for a flood,
 * the ledger.
 */
export interface CallPolicy {
  run<T>(call: Call, invoke: () => Promise<T>): Promise<T>;
}

/** Whether the lease that a connection lives under still holds. Synchronous: it is asked at every socket write. */
export interface Gate {
  isOpen(): boolean;
}

/** For connections before any lease exists and for tests. */
export const openGate: Gate = { isOpen: () => true };
