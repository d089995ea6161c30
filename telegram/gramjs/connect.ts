import type { Connect } from "../connection.ts";
import { AuthDoubtful, AuthLost } from "../errors.ts";
import { createTelegramApi, getMe } from "./api.ts";
import { toMe } from "./to-channel.ts";
import { openWire } from "./wire.ts";

/**
 * Connects an authorised session by GramJS, with `getMe` as its first call. One connection lives under one lease: when
 * it breaks, its calls fail as Transient and nothing reconnects; the next lease makes the next connection.
 */
export const connect: Connect = async (options) => {
  const { wire, answer } = await confirmed(() => openWire(options, getMe()));
  try {
    const me = toMe(answer[0], getMe().method);
    return { me, api: createTelegramApi(wire, options.policy), session: wire.session, close: wire.close };
  } catch (error) {
    await wire.close();
    throw error;
  }
};

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
