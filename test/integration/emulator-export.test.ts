import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import bigInt from "big-integer";
import { Api } from "telegram";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Emulator } from "../../emulator/start.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { rawGramJs } from "../support/raw-gramjs.ts";

const FILE = fileURLToPath(new URL("../../../shared/data/channels/trantor_library.result.json", import.meta.url));

describe.skipIf(!existsSync(FILE))("an exported channel (skipped where ../shared/data is not there)", () => {
  let emulator: Emulator;

  beforeAll(async () => {
    emulator = await startTestEmulator({ worldFiles: [FILE], users: 2, channels: 1 });
  });
  afterAll(() => emulator.close());

  test("is followed by everybody, and read whole by its name", async () => {
    const exported = [...emulator.world.channels.values()].find((channel) => channel.exported)!;
    expect(exported.messages.size).toBe(924);
    for (const { joined } of emulator.world.users.values()) expect(joined).toContain(exported.id);

    const client = await rawGramJs(emulator, emulator.accounts[0]);
    try {
      await client.connect();
      const resolved = await client.invoke(new Api.contacts.ResolveUsername({ username: exported.username! }));
      const { id, accessHash } = resolved.chats[0] as Api.Channel;
      const peer = new Api.InputPeerChannel({ channelId: id, accessHash: accessHash! });
      const page = { offsetDate: 0, addOffset: 0, limit: 100, maxId: 0, minId: 0, hash: bigInt.zero };
      let offsetId = 0;
      let read = 0;
      for (let pages = 0; pages < 10; pages++) {
        const answer = await client.invoke(new Api.messages.GetHistory({ peer, offsetId, ...page }));
        if (!(answer instanceof Api.messages.ChannelMessages)) throw new Error(answer.className);
        for (const message of answer.messages) {
          const world = exported.messages.get(message.id)!;
          expect((message as Api.Message).date).toBe(world.date);
          if (message instanceof Api.MessageService) expect(world.action).not.toBeNull();
          else expect((message as Api.Message).message).toBe(world.message);
        }
        read += answer.messages.length;
        offsetId = answer.messages.at(-1)?.id ?? 0;
      }
      expect(read).toBe(924);
    } finally {
      await client.destroy();
    }
  });
});
