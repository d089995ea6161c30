import { Api } from "telegram";
import { openBareGramJs } from "../bare-gramjs.ts";
import { serve } from "../serve.ts";
import type { Run } from "../side-by-side.ts";

/** The other side of `store` and `read`: GramJS, connected, reading a channel page by page and keeping nothing. */
const PAGE = 100;

/** What the driver passes to it beside the account. */
export interface RawGramJs {
  readonly username: string;
}

const bare = openBareGramJs<RawGramJs>();
const client = await bare.client(bare.given.accounts[0]!);
await client.connect();
const peer = await findChannel(bare.given.username);
serve({ read }, async () => void (await client.destroy()));

async function findChannel(username: string): Promise<Api.InputPeerChannel> {
  const { chats } = await client.invoke(new Api.contacts.ResolveUsername({ username }));
  const channel = chats[0];
  if (!(channel instanceof Api.Channel) || !channel.accessHash) throw new Error(`${username} is no channel`);
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
