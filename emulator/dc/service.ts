/** An error that a DC answers with (`rpc_error`). */
export class RpcError extends Error {
  override name = "RpcError";
  readonly code: number;
  readonly errorMessage: string;

  constructor(code: number, errorMessage: string) {
    super(errorMessage);
    this.code = code;
    this.errorMessage = errorMessage;
  }
}

/** An auth key as the DCs know it. `accountId` is null until somebody logs in with it. */
export interface AuthKeyRecord {
  /** The low 64 bits of the key's SHA-1, signed. */
  readonly keyId: bigint;
  readonly key: Buffer;
  readonly dcId: number;
  /** Set by initConnection; the first authorised one stays. */
  apiId: number | null;
  accountId: bigint | null;
  /** Why it is dead: AUTH_KEY_DUPLICATED for ever (406), SESSION_REVOKED, AUTH_KEY_UNREGISTERED (401), … */
  ended: { readonly code: number; readonly errorMessage: string } | null;
}

/** The request as it reached the DC, unwrapped of invokeWithLayer, initConnection and invokeWithoutUpdates. */
export interface RpcContext {
  readonly key: AuthKeyRecord;
  readonly dcId: number;
  readonly connectionId: number;
  /** The client's MTProto session id. */
  readonly sessionId: bigint;
  readonly msgId: bigint;
  readonly layer: number;
  /** The api_id of this connection's initConnection. */
  readonly apiId: number;
  /** Wall clock of the emulator, milliseconds. */
  readonly now: number;
  /** The account logged in with this key; throws RpcError 401 AUTH_KEY_UNREGISTERED where there is none. */
  account(): bigint;
  /** Binds the key to an account (login), or unbinds it (logout). */
  authorize(accountId: bigint | null): void;
}

/** A parsed TL request: GramJS's own class instance; `className` is `messages.GetHistory` for example. */
export interface TlRequest {
  readonly className: string;
  readonly [field: string]: unknown;
}

/** Answers one API method with the boxed TL bytes of its result, or throws RpcError. */
export type Handler = (request: TlRequest, context: RpcContext) => Buffer | Promise<Buffer>;

/** API methods by GramJS's className (`messages.GetHistory`). What is not in it is answered 501 METHOD_NOT_SERVED, loudly. */
export type Handlers = ReadonlyMap<string, Handler>;

/** Decides on waits before a request is executed. */
export interface FloodGate {
  /** Takes one token for (account or key, method); gives the wait in whole seconds (≥ 1) where there is none left, else null. */
  take(request: TlRequest, context: RpcContext): { readonly seconds: number; readonly errorMessage: string } | null;
}

/** The log of connections and calls: what the promises are judged by. */
export interface Witness {
  connectionOpened(event: { connectionId: number; dcId: number; at: number }): void;
  connectionClosed(event: { connectionId: number; at: number }): void;
  /** The first frame of a key on a connection. */
  keySeen(event: { connectionId: number; keyId: bigint; sessionId: bigint; at: number }): void;
  /** A key killed because two connections used it. */
  keyKilled(event: {
    keyId: bigint;
    accountId: bigint | null;
    connectionIds: readonly [older: number, newer: number];
    at: number;
  }): void;
  /** One API method executed (or refused with an error), once; pings, acks, salts and resends are none. */
  call(event: {
    connectionId: number;
    keyId: bigint;
    accountId: bigint | null;
    apiId: number;
    dcId: number;
    method: string;
    /** "ok", or the error's name. */
    outcome: string;
    waitSeconds: number | null;
    /** Refused because a wait handed out before still ran, whether or not the client had acknowledged it. */
    early: boolean;
    at: number;
  }): void;
  /** A request sent after the client had acknowledged a wait that is not over. */
  violation(event: { keyId: bigint; accountId: bigint | null; method: string; earlyMs: number; at: number }): void;
  /** A key that is logged in under one api_id said another one in initConnection. */
  apiIdChanged(event: { keyId: bigint; accountId: bigint; from: number; to: number; at: number }): void;
}
