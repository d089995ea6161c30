// First, and whole: see wrappers.ts.
import "telegram";
import type { Api } from "telegram/tl/api.js";
import { DeadlinePassed } from "../../runtime/deadline.ts";
import type { ConnectOptions } from "../connection.ts";
import { AuthLost, Transient } from "../errors.ts";
import { type Address, addressOf, firstDataCenter } from "./addresses.ts";
import { classify } from "./classify.ts";
import { useFastCodec } from "./codec/fast-codec.ts";
import { useFastHandshake } from "./codec/fast-handshake.ts";
import { useStrictReaders } from "./readers.ts";
import { trustServerKey } from "./server-keys.ts";
import { readSession } from "./session-string.ts";
import { KeyUnknown, LeasedWire, type Wire, type WireEvents } from "./wire.ts";
import { initConnection } from "./wrappers.ts";

export type WireOptions = ConnectOptions & {
  /** Another data center than the session's, with a new key there. */
  readonly dcId?: number;
  readonly hears?: WireEvents;
};

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

function resolveAddress(dcId: number, options: WireOptions, stored: Address | null): Address {
  try {
    return addressOf(dcId, options.dataCenters, stored);
  } catch {
    throw new Transient("DATA_CENTER_UNKNOWN", "connect");
  }
}
