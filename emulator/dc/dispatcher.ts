import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { TlReadError } from "../tl/primitives.ts";
import { readRequest, UnreadableRequestError } from "../tl/read-request.ts";
import type { AuthKeyStore } from "./auth-keys.ts";
import type { Faults } from "./faults.ts";
import { type HandedOutWait, type HandedOutWaits, waitIn } from "./handed-out-waits.ts";
import {
  type AuthKeyRecord,
  type FloodGate,
  type Handlers,
  type RpcContext,
  RpcError,
  type TlRequest,
  type Witness,
} from "./service.ts";
import { type UnwrappedRequest, unwrapRequest } from "./unwrap-request.ts";

/** The layer of a key whose client has not named one: GramJS's. */
const DEFAULT_LAYER = 198;

/** What a connection has said about itself. */
export interface ConnectionState {
  readonly connectionId: number;
  apiId: number | null;
  layer: number | null;
  /** Whether its last request came under invokeWithoutUpdates: nothing is pushed to it then. */
  withoutUpdates: boolean;
}

/** One API request as it came out of the encrypted session. */
export interface ApiRequest {
  readonly key: AuthKeyRecord;
  readonly connection: ConnectionState;
  readonly sessionId: bigint;
  readonly msgId: bigint;
  readonly body: Buffer;
  /** Waits for messages named by invokeAfterMsg; false where one of them failed. */
  readonly succeeded: (msgIds: readonly bigint[]) => Promise<boolean>;
}

/** What is answered. */
export type ApiAnswer =
  | { readonly kind: "result"; readonly result: Buffer }
  | { readonly kind: "error"; readonly error: RpcError; readonly wait: HandedOutWait | null }
  | { readonly kind: "lost" };

export interface DispatcherParts {
  readonly dcId: number;
  readonly keys: AuthKeyStore;
  readonly handlers: Handlers;
  readonly floods: FloodGate;
  readonly waits: HandedOutWaits;
  readonly witness: Witness;
  readonly clock: Clock;
  readonly log: Log;
  readonly faults: Faults;
}

/** Executes API requests: takes wrappers off, refuses what must be refused, calls the handler, tells the witness. */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  /** The layer that each key's client last named. */
  readonly #layers = new Map<bigint, number>();
  readonly #unserved = new Set<string>();

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Never rejects: what goes wrong is answered. */
  async execute(api: ApiRequest): Promise<ApiAnswer> {
    const call: Call = { api, method: "unreadable", early: false, wait: null };
    try {
      const result = await this.#run(call);
      this.#witness(call, "ok", null);
      return result ? { kind: "result", result } : { kind: "lost" };
    } catch (thrown) {
      const error = this.#asRpcError(thrown, call);
      const wait = this.#noteWait(call, error);
      this.#witness(call, error.errorMessage, error);
      return { kind: "error", error, wait };
    }
  }

  async #run(call: Call): Promise<Buffer | null> {
    const { api } = call;
    const unwrapped = unwrap(api.body);
    this.#noteInit(api, unwrapped);
    const request = this.#read(unwrapped.query, api);
    call.method = request.className;
    if (api.key.ended) throw new RpcError(api.key.ended.code, api.key.ended.errorMessage);
    const context = this.#contextOf(api);
    const handler = this.#parts.handlers.get(request.className);
    if (!handler) {
      this.#warnUnserved(request.className);
      throw new RpcError(501, "METHOD_NOT_SERVED");
    }
    if (unwrapped.after.length > 0 && !(await api.succeeded(unwrapped.after)))
      throw new RpcError(400, "MSG_WAIT_FAILED");
    this.#refuseEarly(call, context);
    const told = this.#parts.floods.take(request, context);
    if (told) throw new RpcError(420, told.errorMessage);
    const result = await handler(request, context);
    const { beforeAnswer } = this.#parts.faults;
    return beforeAnswer && (await beforeAnswer(request, context)) === "lose" ? null : result;
  }

  /** An api_id stays with a key that is logged in; before that, the last one said counts. */
  #noteInit(api: ApiRequest, unwrapped: UnwrappedRequest): void {
    const { key, connection } = api;
    connection.withoutUpdates = unwrapped.withoutUpdates;
    if (unwrapped.layer !== null) {
      connection.layer = unwrapped.layer;
      this.#layers.set(key.keyId, unwrapped.layer);
    }
    const said = unwrapped.apiId;
    if (said === null) return;
    connection.apiId = said;
    if (key.apiId === said) return;
    if (key.apiId === null || key.accountId === null) {
      this.#parts.keys.change(key, { apiId: said });
      return;
    }
    const at = this.#parts.clock.now();
    this.#parts.witness.apiIdChanged({
      keyId: key.keyId,
      accountId: key.accountId,
      from: key.apiId,
      to: said,
      at,
    });
  }

  #contextOf(api: ApiRequest): RpcContext {
    const { key, connection } = api;
    const { keys, dcId, clock } = this.#parts;
    const apiId = connection.apiId ?? key.apiId;
    if (apiId === null) throw new RpcError(400, "CONNECTION_NOT_INITED");
    return {
      key,
      dcId,
      connectionId: connection.connectionId,
      sessionId: api.sessionId,
      msgId: api.msgId,
      layer: connection.layer ?? this.#layers.get(key.keyId) ?? DEFAULT_LAYER,
      apiId,
      now: clock.now(),
      account() {
        if (key.accountId === null) throw new RpcError(401, "AUTH_KEY_UNREGISTERED");
        return key.accountId;
      },
      authorize: (accountId) => keys.change(key, accountId === null ? { accountId } : { accountId, apiId }),
    };
  }

  #read(query: Buffer, api: ApiRequest): TlRequest {
    try {
      return readRequest(query);
    } catch (error) {
      if (!(error instanceof UnreadableRequestError)) throw error;
      const { ended } = api.key;
      if (ended) throw new RpcError(ended.code, ended.errorMessage);
      const constructorId = query.readUInt32LE(0).toString(16);
      this.#parts.log.warn({ constructor_id: constructorId, layer: api.connection.layer }, "request not readable");
      throw new RpcError(400, "INPUT_CONSTRUCTOR_INVALID");
    }
  }

  /** A wait that still runs is told again, and is a violation where the client knew of it. */
  #refuseEarly(call: Call, context: RpcContext): void {
    const { key } = call.api;
    const running = this.#parts.waits.running(whom(key), call.method, context.now);
    if (!running) return;
    call.early = true;
    call.wait = running;
    const leftMs = running.until - context.now;
    if (running.acknowledgedBy !== null && call.api.msgId > running.acknowledgedBy) {
      const { keyId, accountId } = key;
      this.#parts.witness.violation({ keyId, accountId, method: call.method, earlyMs: leftMs, at: context.now });
    }
    throw new RpcError(420, `${running.prefix}${Math.ceil(leftMs / 1000)}`);
  }

  #noteWait(call: Call, error: RpcError): HandedOutWait | null {
    if (call.wait) return call.wait;
    const told = error.code === 420 ? waitIn(error.errorMessage) : null;
    return told ? this.#parts.waits.handOut(whom(call.api.key), call.method, told, this.#parts.clock.now()) : null;
  }

  #witness(call: Call, outcome: string, error: RpcError | null): void {
    const { key, connection } = call.api;
    this.#parts.witness.call({
      connectionId: connection.connectionId,
      keyId: key.keyId,
      accountId: key.accountId,
      apiId: connection.apiId ?? key.apiId ?? 0,
      dcId: this.#parts.dcId,
      method: call.method,
      outcome,
      waitSeconds: error ? (waitIn(error.errorMessage)?.seconds ?? null) : null,
      early: call.early,
      at: this.#parts.clock.now(),
    });
  }

  #asRpcError(thrown: unknown, call: Call): RpcError {
    if (thrown instanceof RpcError) return thrown;
    this.#parts.log.error({ err: thrown, method: call.method }, "handler failed");
    return new RpcError(500, "INTERNAL");
  }

  #warnUnserved(method: string): void {
    const first = !this.#unserved.has(method);
    this.#unserved.add(method);
    this.#parts.log[first ? "warn" : "debug"]({ method }, "method not served");
  }
}

interface Call {
  readonly api: ApiRequest;
  method: string;
  early: boolean;
  wait: HandedOutWait | null;
}

function unwrap(body: Buffer): UnwrappedRequest {
  try {
    return unwrapRequest(body);
  } catch (error) {
    if (error instanceof TlReadError) throw new RpcError(400, "INPUT_CONSTRUCTOR_INVALID");
    throw error;
  }
}

function whom(key: AuthKeyRecord): string {
  return key.accountId === null ? `key ${key.keyId}` : `account ${key.accountId}`;
}
