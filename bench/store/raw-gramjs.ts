import { Api, TelegramClient } from "telegram";
import { Logger, LogLevel } from "telegram/extensions/Logger.js";
import { PromisedNetSockets } from "telegram/extensions/PromisedNetSockets.js";
import { StringSession } from "telegram/sessions/index.js";
import { trustServerKey } from "../../telegram/gramjs/server-keys.ts";
import { serve } from "../serve.ts";
import type { Run } from "../side-by-side.ts";

/**
 * The other side of `store`: GramJS as it comes, reading a channel page by page and keeping nothing. It is given what
 * makes it fast: a connection that stays open, TCP_NODELAY, no pause of its own, no limiter, no log.
 */
const PAGE = 100;

const given = JSON.parse(process.env.BENCH_RAW_GRAMJS ?? "{}") as RawGramJs;

/** What the driver passes to it, as JSON in BENCH_RAW_GRAMJS. */
export interface RawGramJs {
  readonly session: string;
  readonly apiId: number;
  readonly apiHash: string;
  readonly dataCenters: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly publicKeyPem: string;
  readonly username: string;
}

trustServerKey(given.publicKeyPem);
const client = await connect();
const peer = await findChannel();
serve({ read }, async () => void (await client.destroy()));

async function connect(): Promise<TelegramClient> {
  const session = new StringSession(given.session);
  await session.load();
  const here = given.dataCenters.find(({ id }) => id === session.dcId)!;
  const raw = new TelegramClient(session, given.apiId, given.apiHash, {
    // GramJS hard-codes its ports; nothing else is changed about its sockets.
    networkSocket: class extends PromisedNetSockets {
      override async connect() {
        const connected = await super.connect(here.port, here.host);
        const { client: socket } = this as unknown as { client?: { setNoDelay(on: boolean): void } };
        socket?.setNoDelay(true);
        return connected;
      }
    },
    floodSleepThreshold: 0,
    baseLogger: new Logger(LogLevel.NONE),
  });
  await raw.connect();
  return raw;
}

async function findChannel(): Promise<Api.InputPeerChannel> {
  const { chats } = await client.invoke(new Api.contacts.ResolveUsername({ username: given.username }));
  const channel = chats[0];
  if (!(channel instanceof Api.Channel) || !channel.accessHash) throw new Error(`${given.username} is no channel`);
  return new Api.InputPeerChannel({ channelId: channel.id, accessHash: channel.accessHash });
}

/** From the newest page down, each asked for when the one above is there: a page's offset is the lowest id above it. */
async function read(): Promise<Run> {
  const startedAt = performance.now();
  let count = 0;
  for (let offsetId = 0; offsetId !== 1; ) {
    const page = await client.invoke(new Api.messages.GetHistory({ peer, offsetId, limit: PAGE }));
    const messages = page instanceof Api.messages.ChannelMessages ? page.messages : [];
    const lowest = messages.at(-1)?.id;
    if (lowest === undefined) break;
    count += messages.length;
    offsetId = lowest;
  }
  return { count, seconds: (performance.now() - startedAt) / 1_000 };
}
