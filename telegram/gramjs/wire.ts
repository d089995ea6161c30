// First, and whole: GramJS's network modules import each other in circles, and only this way in works.
import { Api } from "telegram";
import { RequestState } from "telegram/network/RequestState.js";
import { LAYER } from "telegram/tl/AllTLObjects.js";
import { DeadlinePassed, withDeadline } from "../../runtime/deadline.ts";
import type { ConnectOptions } from "../connection.ts";
import { AuthLost, LeaseLost, type TelegramError, Transient } from "../errors.ts";
import { type Address, addressOf, firstDataCenter } from "./addresses.ts";
import { classify } from "./classify.ts";
import { useFastCodec } from "./codec/fast-codec.ts";
import { useFastHandshake } from "./codec/fast-handshake.ts";
import { BoundedTcp } from "./frames.ts";
import { QuietLogger } from "./logger.ts";
import { startPings } from "./pings.ts";
import { useStrictReaders } from "./readers.ts";
import { LeasedSender } from "./sender.ts";
import { trustServerKey } from "./server-keys.ts";
import { readSession, writeSession } from "./session-string.ts";
import { LeasedSockets } from "./sockets.ts";

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

  const sockets = new LeasedSockets(options.gate);
  const inFlight = new Set<(end: End) => void>();
  let end: End | null = null;
  let connectError: unknown = null;
  let stopPings = () => {};
  let destroyed = () => {};

  const finish = (why: End) => {
    if (end) return;
    end = why;
    stopPings();
    for (const fail of inFlight) fail(why);
    options.hears?.ended();
  };
  const lost = () => finish(sockets.refused ? gateClosed : connectionLost);

  const logger = new QuietLogger(options.log);
  const sender = new LeasedSender({
    dcId,
    authKey: stored?.authKey,
    logger,
    events: {
      lost,
      keyUnknown: () => finish((method) => new KeyUnknown("AUTH_KEY_NOT_FOUND", method)),
      failed: (error) => {
        connectError ??= error;
      },
      pushed: (object) => {
        if (isDestroyed(object)) destroyed();
        else options.hears?.pushed(object);
      },
    },
  });

  const invoke = <R extends Api.AnyRequest>(
    method: string,
    request: R,
    deadlineMs = options.times.callDeadlineMs,
  ): Promise<R["__response"]> => {
    if (end) return Promise.reject(end(method));
    if (!sockets.admits()) {
      lost();
      return Promise.reject(gateClosed(method));
    }
    const state = new RequestState(request);
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        inFlight.delete(fail);
      };
      const fail = (why: End) => {
        settle();
        sender.forget(state);
        reject(why(method));
      };
      const timer = setTimeout(() => fail(deadlinePassed), deadlineMs);
      inFlight.add(fail);
      sender.addStateToQueue(state);
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
  };

  const destroyKey = async (): Promise<void> => {
    const confirmed = new Promise<void>((resolve) => {
      destroyed = resolve;
    });
    // Its answer is a message of its own: the call itself stays without one, unless something goes wrong.
    await Promise.race([confirmed, invoke("destroy_auth_key", new Api.DestroyAuthKey())]);
  };

  const close = async () => {
    sender.userDisconnected = true;
    finish(connectionClosed);
    await sockets.close(options.times.closeWaitMs);
    await sender._disconnect().catch(() => {});
  };

  try {
    const connected = sender.connect(
      new BoundedTcp({
        ip: address.host,
        port: address.port,
        dcId,
        loggers: logger,
        socket: sockets.socketClass(),
        testServers: false,
      }),
      false,
    );
    if (!(await withDeadline("connect", options.times.connectDeadlineMs, connected))) {
      throw sockets.refused ? gateClosed("connect") : classify(connectError, "connect");
    }
    const answer = await options.policy.run({ method: first.method }, () => {
      // The first frame also asks the data center to drop this connection when we fall silent. After a short wait it
      // is sent again, and the pings with it.
      stopPings();
      stopPings = startPings({ times: options.times, send: (ping) => sender.send(ping), dead: lost });
      const request = initConnection(options.api.apiId, first.request);
      return invoke(first.method, request, options.times.connectDeadlineMs);
    });
    const session = () => (stored ? options.session : writeSession(dcId, address.host, sender.authKey));
    return { wire: { dcId, invoke, session, destroyKey, close }, answer };
  } catch (error) {
    await close();
    throw error instanceof DeadlinePassed ? classify(error, "connect") : error;
  }
}

/** One who does not know the key any more has forgotten it, too. */
function isDestroyed(object: unknown): boolean {
  return object instanceof Api.DestroyAuthKeyOk || object instanceof Api.DestroyAuthKeyNone;
}

/** Why a wire is over, as an error for each call that meets it. */
type End = (method: string) => TelegramError;

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
