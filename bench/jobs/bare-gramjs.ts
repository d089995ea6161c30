import pLimit from "p-limit";
import { Api, type TelegramClient } from "telegram";
import { openBareGramJs } from "../bare-gramjs.ts";
import { serve } from "../serve.ts";
import type { Run } from "../side-by-side.ts";

/**
 * The other side of `jobs`: for each account connect, getMe, one getPeerDialogs over all its channels, disconnect. Which
 * channels these are, and how they are addressed, is known before the clock starts.
 */
export interface BareJobs {
  readonly concurrency: number;
}

const { given, client } = openBareGramJs<BareJobs>();
const limit = pLimit(given.concurrency);
const people = await Promise.all(
  given.accounts.map((account) => limit(async () => ({ account, peers: await peersOf(account) }))),
);
serve({ run }, async () => {});

type Account = (typeof given.accounts)[number];

async function run(): Promise<Run> {
  const startedAt = performance.now();
  const looked = await Promise.all(people.map((person) => limit(() => look(person.account, person.peers))));
  const seconds = (performance.now() - startedAt) / 1_000;
  return { count: looked.filter((right) => right).length, seconds };
}

/** Whether each channel was answered for. */
async function look(account: Account, peers: readonly Api.InputDialogPeer[]): Promise<boolean> {
  return connected(account, async (raw) => {
    const [me] = await raw.invoke(new Api.users.GetUsers({ id: [new Api.InputUserSelf()] }));
    const { dialogs } = await raw.invoke(new Api.messages.GetPeerDialogs({ peers: [...peers] }));
    return me instanceof Api.User && peers.length > 0 && dialogs.length === peers.length;
  });
}

async function peersOf(account: Account): Promise<Api.InputDialogPeer[]> {
  return connected(account, async (raw) => {
    const answer = await raw.invoke(new Api.messages.GetDialogs({ offsetPeer: new Api.InputPeerEmpty(), limit: 100 }));
    const chats = answer instanceof Api.messages.DialogsNotModified ? [] : answer.chats;
    return chats
      .filter((chat) => chat instanceof Api.Channel)
      .map(({ id, accessHash }) => {
        if (!accessHash) throw new Error(`channel ${id} came without a hash`);
        return new Api.InputDialogPeer({ peer: new Api.InputPeerChannel({ channelId: id, accessHash }) });
      });
  });
}

/** `destroy` is GramJS's way to disconnect for good: `disconnect` leaves timers behind. */
async function connected<T>(account: Account, work: (raw: TelegramClient) => Promise<T>): Promise<T> {
  const raw = await client(account);
  await raw.connect();
  try {
    return await work(raw);
  } finally {
    await raw.destroy();
  }
}
