import type { Me, TelegramApi } from "../api.ts";
import type { Connect, TelegramConnection } from "../connection.ts";
import { AuthDoubtful, AuthLost } from "../errors.ts";
import type { CallPolicy } from "../policy.ts";
import { GramJsApi, getMe } from "./api.ts";
import { openWire } from "./open-wire.ts";
import { toMe } from "./to-channel.ts";
import type { Wire } from "./wire.ts";

/**
 * Connects an authorised session by GramJS, with `getMe` as its first call. One connection lives under one lease: when
 * it breaks, its calls fail as Transient and nothing reconnects; the next lease makes the next connection.
 */
export const connect: Connect = async (options) => {
  const { wire, answer } = await confirmed(() => openWire(options, getMe()));
  try {
    return new Connection(toMe(answer[0], getMe().method), wire, options.policy);
  } catch (error) {
    await wire.close();
    throw error;
  }
};

class Connection implements TelegramConnection {
  readonly me: Me;
  readonly api: TelegramApi;
  readonly #wire: Wire;

  constructor(me: Me, wire: Wire, policy: CallPolicy) {
    this.me = me;
    this.api = new GramJsApi(wire, policy);
    this.#wire = wire;
  }

  close(): Promise<void> {
    return this.#wire.close();
  }
}

/** An unknown 401 is confirmed by one `getMe`: where that is what was refused, by another over a new connection. */
async function confirmed<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof AuthDoubtful)) throw error;
  }
  try {
    return await open();
  } catch (error) {
    throw error instanceof AuthDoubtful ? new AuthLost(error.errorName, error.method) : error;
  }
}
