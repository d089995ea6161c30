import { TelegramClient } from "telegram";
import { Logger, LogLevel } from "telegram/extensions/Logger.js";
import { PromisedNetSockets } from "telegram/extensions/PromisedNetSockets.js";
import { StringSession } from "telegram/sessions/index.js";
import type { Emulator } from "../../emulator/start.ts";
import { trustServerKey } from "../../telegram/gramjs/server-keys.ts";

/** GramJS as it comes, pointed at an emulator; not connected yet. Destroy it at the end. */
export async function rawGramJs(
  emulator: Pick<Emulator, "dataCenters" | "publicKeyPem" | "apiIds">,
  login: { readonly session?: string; readonly dcId?: number; readonly apiId?: number } = {},
): Promise<TelegramClient> {
  trustServerKey(emulator.publicKeyPem);
  const session = new StringSession(login.session ?? "");
  await session.load();
  // GramJS hard-codes ports: data centers get names instead, and the socket knows where they are.
  session.setDC(
    login.session ? session.dcId : (login.dcId ?? 2),
    nameOf(login.session ? session.dcId : (login.dcId ?? 2)),
    443,
  );
  const api = emulator.apiIds.find(({ apiId }) => apiId === login.apiId) ?? emulator.apiIds[0]!;
  const client = new TelegramClient(session, api.apiId, api.apiHash, {
    networkSocket: class extends PromisedNetSockets {
      override async connect(_port: number, name: string) {
        const address = emulator.dataCenters.find(({ id }) => nameOf(id) === name)!;
        const connected = await super.connect(address.port, address.host);
        noDelay(this);
        return connected;
      }
    },
    floodSleepThreshold: 0,
    retryDelay: 10,
    baseLogger: new Logger(LogLevel.NONE),
  });
  client.getDC = async (id: number) => ({ id, ipAddress: nameOf(id), port: 443 });
  return client;
}

const nameOf = (dcId: number) => `dc-${dcId}`;

/** Without it small answers wait for the ack of the one before. GramJS keeps its socket in `client`. */
function noDelay(sockets: PromisedNetSockets): void {
  const { client } = sockets as unknown as { client?: { setNoDelay(on: boolean): void } };
  client?.setNoDelay(true);
}
