import { readFileSync } from "node:fs";
import { TelegramClient } from "telegram";
import { Logger, LogLevel } from "telegram/extensions/Logger.js";
import { PromisedNetSockets } from "telegram/extensions/PromisedNetSockets.js";
import { StringSession } from "telegram/sessions/index.js";
import { trustServerKey } from "../telegram/gramjs/server-keys.ts";
import type { BareAccount, Given } from "./given.ts";

/**
 * GramJS as it comes, for the other sides. It is given what makes it fast: TCP_NODELAY, no pause of its own, no limiter,
 * no log. Nothing of it is mended but what it needs to find the emulator: addresses and the server's public key.
 */
export interface BareGramJs<More> {
  readonly given: Given & More;
  /** A client of somebody's, not connected yet. */
  client(account: BareAccount): Promise<TelegramClient>;
}

/** Reads what the driver wrote for this side. */
export function openBareGramJs<More = unknown>(): BareGramJs<More> {
  const given = JSON.parse(readFileSync(process.env.BENCH_GIVEN ?? "", "utf8")) as Given & More;
  trustServerKey(given.publicKeyPem);
  return { given, client: (account) => createClient(given, account) };
}

async function createClient(given: Given, account: BareAccount): Promise<TelegramClient> {
  const session = new StringSession(account.session);
  await session.load();
  return new TelegramClient(session, account.apiId, account.apiHash, {
    networkSocket: socketTo(given, session.dcId),
    floodSleepThreshold: 0,
    baseLogger: new Logger(LogLevel.NONE),
  });
}

const sockets = new Map<number, typeof PromisedNetSockets>();

/** GramJS hard-codes its ports; nothing else is changed about its sockets. One class for each data center. */
function socketTo({ dataCenters }: Given, dcId: number): typeof PromisedNetSockets {
  const here = dataCenters.find(({ id }) => id === dcId)!;
  const made =
    sockets.get(dcId) ??
    class extends PromisedNetSockets {
      override async connect() {
        const connected = await super.connect(here.port, here.host);
        const { client: socket } = this as unknown as { client?: { setNoDelay(on: boolean): void } };
        socket?.setNoDelay(true);
        return connected;
      }
    };
  sockets.set(dcId, made);
  return made;
}
