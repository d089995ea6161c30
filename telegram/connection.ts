import type { Log } from "../runtime/log.ts";
import type { Me, TelegramApi } from "./api.ts";
import type { CallPolicy, Gate } from "./policy.ts";

/** Where Telegram's data centers are, when not at Telegram. */
export interface DataCenterAddresses {
  readonly addresses: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly publicKeyPem: string | null;
}

export interface ConnectionTimes {
  readonly connectDeadlineMs: number;
  readonly callDeadlineMs: number;
  readonly pingEveryMs: number;
  readonly pingDisconnectMs: number;
  readonly closeWaitMs: number;
}

export interface ConnectOptions {
  /** A StringSession, or "" for a new key. Secret. */
  readonly session: string;
  readonly api: { readonly apiId: number; readonly apiHash: string };
  readonly dataCenters: DataCenterAddresses | null;
  readonly gate: Gate;
  readonly policy: CallPolicy;
  readonly times: ConnectionTimes;
  readonly log: Log;
}

/** One living connection to Telegram under one lease. */
export interface TelegramConnection {
  readonly api: TelegramApi;
  /** Whom the session belongs to, as `getMe` says, which is its first call. */
  readonly me: Me;
  /**
   * Closes every socket and comes back when they are closed (or, after `closeWaitMs`, destroyed). No frame is sent and
   * no socket opened afterwards, whatever the library still has in mind. Never throws.
   */
  close(): Promise<void>;
}

/** @throws the errors of `telegram/errors`; leaves no socket behind when it does. */
export type Connect = (options: ConnectOptions) => Promise<TelegramConnection>;
