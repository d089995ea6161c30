import type { Connect } from "../connection.ts";
import { createTelegramApi } from "./api.ts";
import { openWire } from "./wire.ts";

/**
 * Connects an authorised session by GramJS. One connection lives under one lease: when it breaks, its calls fail as
 * Transient and nothing reconnects; the next lease makes the next connection.
 */
export const connect: Connect = async (options) => {
  const wire = await openWire(options);
  return { api: createTelegramApi(wire, options.policy), session: wire.session, close: wire.close };
};
