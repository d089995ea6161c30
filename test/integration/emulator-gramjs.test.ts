import bigInt from "big-integer";
import { Api, type TelegramClient } from "telegram";
import { computeCheck } from "telegram/Password.js";
import type { StringSession } from "telegram/sessions/index.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { TELEGRAM_BUCKETS } from "../../emulator/flood-buckets.ts";
import type { Emulator } from "../../emulator/start.ts";
import { encodeMessage } from "../../emulator/tl/write-message.ts";
import type { WorldChannel } from "../../emulator/world/model.ts";
import { plainPost } from "../../emulator/world/plain-post.ts";
import { decode } from "../support/emulated-calls.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { rawGramJs } from "../support/raw-gramjs.ts";

let emulator: Emulator;
const clients: TelegramClient[] = [];

beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.destroy();
});
afterAll(() => emulator.close());

async function gramjs(login: Parameters<typeof rawGramJs>[1] = {}): Promise<TelegramClient> {
  const client = await rawGramJs(emulator, login);
  clients.push(client);
  expect(await client.connect()).toBe(true);
  return client;
}

const big = (value: bigint) => bigInt(value.toString());
const inputOf = (accountId: bigint, { id }: WorldChannel) =>
  new Api.InputChannel({ channelId: big(id), accessHash: big(emulator.channelHash(accountId, id)) });
const peerOf = (accountId: bigint, { id }: WorldChannel) =>
  new Api.InputPeerChannel({ channelId: big(id), accessHash: big(emulator.channelHash(accountId, id)) });

/** As the world says, in GramJS's own objects. */
const toldByWorld = (channel: WorldChannel) =>
  [...channel.messages.values()].map((message) => decode<Api.TypeMessage>(encodeMessage(channel, message)).getBytes());

async function wholeHistory(client: TelegramClient, peer: Api.TypeInputPeer): Promise<Api.TypeMessage[]> {
  const messages: Api.TypeMessage[] = [];
  for (;;) {
    const offsetId = messages.at(-1)?.id ?? 0;
    const page = await client.invoke(
      new Api.messages.GetHistory({
        peer,
        offsetId,
        offsetDate: 0,
        addOffset: 0,
        limit: 100,
        maxId: 0,
        minId: 0,
        hash: bigInt.zero,
      }),
    );
    if (!(page instanceof Api.messages.ChannelMessages)) throw new Error(page.className);
    if (page.messages.length === 0) return messages.reverse();
    messages.push(...page.messages);
  }
}

describe("a planted account", () => {
  test("is logged in without a key exchange, and knows itself and its dialogs", async () => {
    const account = emulator.accounts[0]!;
    const client = await gramjs(account);
    const me = await client.getMe();
    expect(String(me.id)).toBe(String(account.telegramId));
    expect(me.phone).toBe(account.phone);
    const dialogs = await client.getDialogs({});
    const joined = emulator.world.users.get(account.telegramId)!.joined;
    expect(Array.from(dialogs, ({ entity }) => String(entity?.id)).sort()).toEqual([...joined].map(String).sort());
    expect([...emulator.keys.all()]).toHaveLength(emulator.accounts.length);
    expect(emulator.witness.summary()).toMatchObject({ violations: 0, keysKilled: 0 });
  });

  test("reads a whole channel, page by page, as the world has it", async () => {
    const account = emulator.accounts[0]!;
    const client = await gramjs(account);
    const channel = [...emulator.world.channels.values()].find(({ topId }) => topId > 1_000)!;
    const read = await wholeHistory(client, peerOf(account.telegramId, channel));
    const expected = toldByWorld(channel);
    expect(read.length).toBe(expected.length);
    for (const [index, message] of read.entries()) expect(message.getBytes().equals(expected[index]!)).toBe(true);
  });

  test("is refused with another account's access hash", async () => {
    const [own, other] = emulator.accounts;
    const client = await gramjs(own);
    const channel = [...emulator.world.channels.values()][0]!;
    const stolen = new Api.channels.GetFullChannel({ channel: inputOf(other!.telegramId, channel) });
    await expect(client.invoke(stolen)).rejects.toThrow("CHANNEL_INVALID");
  });

  test("hears of posts, edits and deletions by the channel's difference", async () => {
    const account = emulator.accounts[1]!;
    const client = await gramjs(account);
    const channel = [...emulator.world.channels.values()].find(({ username }) => username !== null)!;
    const { world } = emulator;
    const since = channel.pts;
    const first = world.post(channel.id, plainPost("first", 1_700_000_000));
    const second = world.post(channel.id, plainPost("second", 1_700_000_001));
    world.post(channel.id, plainPost("third", 1_700_000_002));
    const old = [...channel.messages.values()].find(({ action, id }) => action === null && id < first.id)!;
    world.edit(channel.id, old.id, { message: "changed" });
    world.edit(channel.id, first.id, { message: "first, changed" });
    world.remove(channel.id, [second.id]);
    const difference = await client.invoke(
      new Api.updates.GetChannelDifference({
        channel: inputOf(account.telegramId, channel),
        filter: new Api.ChannelMessagesFilterEmpty(),
        pts: since,
        limit: 100,
      }),
    );
    if (!(difference instanceof Api.updates.ChannelDifference)) throw new Error(difference.className);
    expect(difference.newMessages.map((message) => (message as Api.Message).message)).toEqual([
      "first, changed",
      "third",
    ]);
    expect(difference.otherUpdates.map(({ className }) => className)).toEqual([
      "UpdateEditChannelMessage",
      "UpdateDeleteChannelMessages",
    ]);
    expect(difference).toMatchObject({ pts: channel.pts, final: true });
  });
});

describe("a login", () => {
  test("by code is sent on to the phone's data center", async () => {
    const { id } = emulator.world.addUser({
      id: 77n,
      phone: "9996619000",
      firstName: "New",
      username: null,
      dcId: 1,
      premium: false,
      password: null,
    });
    const client = await gramjs({ dcId: 2 });
    await client.start({
      phoneNumber: "+9996619000",
      phoneCode: async () => "11111",
      onError: (error) => {
        throw error;
      },
    });
    expect(String((await client.getMe()).id)).toBe(String(id));
    expect(emulator.keys.ofAccount(id)).toMatchObject([{ dcId: 1, apiId: emulator.apiIds[0]!.apiId }]);
    expect(client.session.dcId).toBe(1);
    // What it saves is good for the next connection.
    const saved = (client.session as StringSession).save();
    await client.destroy();
    expect(String((await (await gramjs({ session: saved })).getMe()).id)).toBe(String(id));
  });

  test("by code and password", async () => {
    emulator.world.addUser({
      id: 78n,
      phone: "9996629000",
      firstName: "Careful",
      username: null,
      dcId: 2,
      premium: false,
      password: "пароль",
    });
    const client = await gramjs({ dcId: 2 });
    const { phoneCodeHash } = await client.sendCode(emulator.apiIds[0]!, "9996629000");
    const signIn = new Api.auth.SignIn({ phoneNumber: "9996629000", phoneCodeHash, phoneCode: "22222" });
    await expect(client.invoke(signIn)).rejects.toThrow("SESSION_PASSWORD_NEEDED");
    const check = async (password: string) => {
      const asked = await client.invoke(new Api.account.GetPassword());
      return client.invoke(new Api.auth.CheckPassword({ password: await computeCheck(asked, password) }));
    };
    await expect(check("password")).rejects.toThrow("PASSWORD_HASH_INVALID");
    await check("пароль");
    expect(String((await client.getMe()).id)).toBe("78");
  });
});

describe("limits", () => {
  test("answer FLOOD_WAIT, and a call before its end is a violation", async () => {
    const paced = await startTestEmulator({ buckets: TELEGRAM_BUCKETS, pace: 10_000, channels: 1, users: 1 });
    try {
      const account = paced.accounts[0]!;
      const client = await rawGramJs(paced, account);
      clients.push(client);
      await client.connect();
      paced.floods.forceFlood({ accountIds: [account.telegramId], method: "updates.GetState", seconds: 30 });
      const refused = expect.objectContaining({ errorMessage: "FLOOD", seconds: 30 });
      await expect(client.invoke(new Api.updates.GetState())).rejects.toEqual(refused);
      expect(paced.witness.summary()).toMatchObject({ waits: 1, violations: 0 });
      // Its next request acknowledges the wait.
      await client.invoke(new Api.help.GetConfig());
      await expect(client.invoke(new Api.updates.GetState())).rejects.toMatchObject({ errorMessage: "FLOOD" });
      expect(paced.witness.summary().violations).toBe(1);
    } finally {
      for (const client of clients.splice(0)) await client.destroy();
      await paced.close();
    }
  });
});
