// First, and whole: GramJS's network modules import each other in circles, and only this way in works.
import { Api } from "telegram";
import type { AuthKey } from "telegram/crypto/AuthKey.js";
import { RequestState } from "telegram/network/RequestState.js";
import { LAYER } from "telegram/tl/AllTLObjects.js";
import { DeadlinePassed, withDeadline } from "../../runtime/deadline.ts";
import type { Log } from "../../runtime/log.ts";
import type { ConnectionTimes, ConnectOptions } from "../connection.ts";
import { AuthLost, LeaseLost, type TelegramError, Transient } from "../errors.ts";
import type { Gate } from "../policy.ts";
import { type Address, addressOf, firstDataCenter } from "./addresses.ts";
import { classify } from "./classify.ts";
import { useFastCodec } from "./codec/fast-codec.ts";
import { useFastHandshake } from "./codec/fast-handshake.ts";
import { quietLogger } from "./logger.ts";
import { type PingEvents, Pings } from "./pings.ts";
import { useStrictReaders } from "./readers.ts";
import { LeasedSender, type SenderEvents } from "./sender.ts";
import { trustServerKey } from "./server-keys.ts";
import { readSession, writeSession } from "./session-string.ts";
import { LeasedTcp } from "./tcp.ts";

/** What Telegram shows its user in the list of devices. The same on every machine: a session does not change its face. */
const DEVICE = { deviceModel: "gramfleet", systemVersion: "server", appVersion: "1.0" } as const;

/** One MTProto connection of one key to one data center. It is never opened again: when it is lost, it is over. */
export interface Wire {
  readonly dcId: number;
  /** Sends one request and gives its answer, within the call deadline. @throws only errors of `telegram/errors` */
  invoke<R extends Api.AnyRequest>(method: string, request: R): Promise<R["__response"]>;
  /** The StringSession of its key. Secret. */
  session(): string;
  /**
   * Makes the data center forget the key (`destroy_auth_key`), so that nothing can be logged in with it any more.
   *
   * @throws Transient where that was not confirmed
   */
  destroyKey(): Promise<void>;
  close(): Promise<void>;
}

export type WireOptions = ConnectOptions & {
  /** Another data center than the session's, with a new key there. */
  readonly dcId?: number;
  readonly hears?: WireEvents;
};

/** What comes unasked. */
export interface WireEvents {
  /** An update, for a connection whose calls do not go out under `invokeWithoutUpdates`. */
  pushed(object: unknown): void;
  /** The connection is over, for whatever reason; told once. */
  ended(): void;
}

/** A connection's first call: it travels in `initConnection` (core.telegram.org/api/invoking), and costs no call more. */
export interface FirstCall<R extends Api.AnyRequest> {
  readonly method: string;
  readonly request: R;
}

/** A wire, and the answer that it was opened with. */
export interface OpenedWire<R extends Api.AnyRequest> {
  readonly wire: Wire;
  readonly answer: R["__response"];
}

/**
 * Opens a wire: TCP, the key exchange where there is no key yet, and `initConnection` with the first call, which passes
 * the policy like any other. A key that the data center does not know is tried once more over a new connection before
 * it counts as lost.
 *
 * @throws errors of `telegram/errors`; leaves no socket behind
 */
export async function openWire<R extends Api.AnyRequest>(
  options: WireOptions,
  first: FirstCall<R>,
): Promise<OpenedWire<R>> {
  try {
    return await openOnce(options, first);
  } catch (error) {
    if (!(error instanceof KeyUnknown)) throw error;
  }
  try {
    return await openOnce(options, first);
  } catch (error) {
    throw error instanceof KeyUnknown ? new AuthLost("AUTH_KEY_INVALID", "connect") : error;
  }
}

/** The data center answered -404. Inside this module only. */
class KeyUnknown extends Transient {}

async function openOnce<R extends Api.AnyRequest>(options: WireOptions, first: FirstCall<R>): Promise<OpenedWire<R>> {
  const stored = options.session && options.dcId === undefined ? await readSession(options.session) : null;
  const dcId = stored?.dcId ?? options.dcId ?? firstDataCenter(options.dataCenters);
  const address = resolveAddress(dcId, options, stored);
  useStrictReaders();
  useFastCodec(options.log);
  if (!stored) useFastHandshake(options.log);
  if (options.dataCenters?.publicKeyPem) trustServerKey(options.dataCenters.publicKeyPem);
  const { gate, times, log, hears } = options;
  const wire = new LeasedWire({ dcId, address, authKey: stored?.authKey, gate, times, log, hears });
  try {
    await wire.connect();
    const answer = await options.policy.run({ method: first.method }, () => {
      // The first frame also asks the data center to drop this connection when we fall silent. After a short wait it
      // is sent again, and the pings with it.
      wire.ping();
      return wire.invoke(first.method, initConnection(options.api.apiId, first.request), times.connectDeadlineMs);
    });
    return { wire, answer };
  } catch (error) {
    await wire.close();
    throw error instanceof DeadlinePassed ? classify(error, "connect") : error;
  }
}

/** Thousands of these lie open and still in one process: what one holds for itself alone is kept small. */
class LeasedWire implements Wire, SenderEvents, PingEvents {
  readonly dcId: number;
  readonly #host: string;
  readonly #times: ConnectionTimes;
  readonly #hears: WireEvents | undefined;
  readonly #tcp: LeasedTcp;
  readonly #sender: LeasedSender;
  /** What fails each call under way. */
  readonly #underWay: ((why: End) => void)[] = [];
  #pings: Pings | null = null;
  #end: End | null = null;
  #connectError: unknown = null;
  #onDestroyed: (() => void) | null = null;

  constructor(options: {
    readonly dcId: number;
    readonly address: Address;
    readonly authKey: AuthKey | undefined;
    readonly gate: Gate;
    readonly times: ConnectionTimes;
    readonly log: Log;
    readonly hears: WireEvents | undefined;
  }) {
    const { dcId, address, authKey, gate, log } = options;
    this.dcId = dcId;
    this.#host = address.host;
    this.#times = options.times;
    this.#hears = options.hears;
    this.#tcp = new LeasedTcp(address, gate);
    this.#sender = new LeasedSender({ dcId, authKey, logger: quietLogger(log), events: this });
  }

  /** TCP, and the key exchange where there is no key. @throws DeadlinePassed, and errors of `telegram/errors` */
  async connect(): Promise<void> {
    const connected = this.#sender.open(this.#tcp);
    if (await withDeadline("connect", this.#times.connectDeadlineMs, connected)) return;
    throw this.#tcp.refused ? gateClosed("connect") : classify(this.#connectError, "connect");
  }

  /** Begins to ping, anew where it does already. */
  ping(): void {
    this.#pings?.stop();
    this.#pings = new Pings(this.#times, this);
  }

  invoke<R extends Api.AnyRequest>(
    method: string,
    request: R,
    deadlineMs = this.#times.callDeadlineMs,
  ): Promise<R["__response"]> {
    if (this.#end) return Promise.reject(this.#end(method));
    if (!this.#tcp.admits()) {
      this.lost();
      return Promise.reject(gateClosed(method));
    }
    const state = new RequestState(request);
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        const at = this.#underWay.indexOf(fail);
        if (at >= 0) this.#underWay.splice(at, 1);
      };
      const fail = (why: End) => {
        settle();
        this.#sender.forget(state);
        reject(why(method));
      };
      const timer = setTimeout(() => fail(deadlinePassed), deadlineMs);
      this.#underWay.push(fail);
      this.#sender.addStateToQueue(state);
      void state.promise?.then(
        (answer) => {
          settle();
          resolve(answer);
        },
        (error: unknown) => {
          settle();
          reject(classify(error, method));
        },
      );
    });
  }

  session(): string {
    return writeSession(this.dcId, this.#host, this.#sender.authKey);
  }

  async destroyKey(): Promise<void> {
    const confirmed = new Promise<void>((resolve) => {
      this.#onDestroyed = resolve;
    });
    // Its answer is a message of its own: the call itself stays without one, unless something goes wrong.
    await Promise.race([confirmed, this.invoke("destroy_auth_key", new Api.DestroyAuthKey())]);
  }

  async close(): Promise<void> {
    this.#sender.userDisconnected = true;
    this.#finish(connectionClosed);
    await this.#tcp.close(this.#times.closeWaitMs);
    await this.#sender._disconnect().catch(() => {});
  }

  sendPing(ping: Api.PingDelayDisconnect): Promise<unknown> | undefined {
    return this.#sender.send(ping);
  }

  lost(): void {
    this.#finish(this.#tcp.refused ? gateClosed : connectionLost);
  }

  keyUnknown(): void {
    this.#finish(keyUnknown);
  }

  failed(error: unknown): void {
    this.#connectError ??= error;
  }

  pushed(object: unknown): void {
    if (isDestroyed(object)) this.#onDestroyed?.();
    else this.#hears?.pushed(object);
  }

  #finish(why: End): void {
    if (this.#end) return;
    this.#end = why;
    this.#pings?.stop();
    for (const fail of [...this.#underWay]) fail(why);
    this.#hears?.ended();
  }
}

/** One who does not know the key any more has forgotten it, too. */
function isDestroyed(object: unknown): boolean {
  return object instanceof Api.DestroyAuthKeyOk || object instanceof Api.DestroyAuthKeyNone;
}

/** Why a wire is over, as an error for each call that meets it. */
type End = (method: string) => TelegramError;

const keyUnknown: End = (method) => new KeyUnknown("AUTH_KEY_NOT_FOUND", method);
const connectionLost: End = (method) => new Transient("CONNECTION_LOST", method);
const connectionClosed: End = (method) => new Transient("CONNECTION_CLOSED", method);
const deadlinePassed: End = (method) => new Transient("DEADLINE_PASSED", method);
const gateClosed: End = (method) => new LeaseLost("GATE_CLOSED", method);

function resolveAddress(dcId: number, options: WireOptions, stored: Address | null): Address {
  try {
    return addressOf(dcId, options.dataCenters, stored);
  } catch {
    throw new Transient("DATA_CENTER_UNKNOWN", "connect");
  }
}

function initConnection(apiId: number, first: Api.AnyRequest): Api.InvokeWithLayer {
  return new Api.InvokeWithLayer({
    layer: LAYER,
    query: new Api.InitConnection({
      apiId,
      ...DEVICE,
      systemLangCode: "en",
      langPack: "",
      langCode: "en",
      query: withoutUpdates(first),
    }),
  });
}

/** Asks Telegram to push no updates for this call: what changed is asked for, never listened to. */
export function withoutUpdates(query: Api.AnyRequest): Api.InvokeWithoutUpdates {
  return new Api.InvokeWithoutUpdates({ query });
}
