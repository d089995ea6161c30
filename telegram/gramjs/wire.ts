// First, and whole: see wrappers.ts.
import { Api } from "telegram";
import type { AuthKey } from "telegram/crypto/AuthKey.js";
import { RequestState } from "telegram/network/RequestState.js";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Log } from "../../runtime/log.ts";
import type { ConnectionTimes } from "../connection.ts";
import { LeaseLost, type TelegramError, Transient } from "../errors.ts";
import type { Gate } from "../policy.ts";
import type { Address } from "./addresses.ts";
import { classify } from "./classify.ts";
import { quietLogger } from "./logger.ts";
import { type PingEvents, Pings } from "./pings.ts";
import { LeasedSender, type SenderEvents } from "./sender.ts";
import { writeSession } from "./session-string.ts";
import { LeasedTcp } from "./tcp.ts";

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

/** What comes unasked. */
export interface WireEvents {
  /** An update, for a connection whose calls do not go out under `invokeWithoutUpdates`. */
  pushed(object: unknown): void;
  /** The connection is over, for whatever reason; told once. */
  ended(): void;
}

/** The data center answered -404: one such answer is tried again before the key counts as lost. */
export class KeyUnknown extends Transient {}

/** Thousands of these lie open and still in one process: what one holds for itself alone is kept small. */
export class LeasedWire implements Wire, SenderEvents, PingEvents {
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
