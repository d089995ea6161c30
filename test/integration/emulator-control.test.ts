import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createControlClient } from "../../emulator/control-client.ts";
import type { Emulator } from "../../emulator/start.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { rawGramJs } from "../support/raw-gramjs.ts";

let folder: string;
const running: Emulator[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gramfleet-emulator-"));
});
afterEach(async () => {
  for (const emulator of running.splice(0)) await emulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(overrides: Parameters<typeof startTestEmulator>[0] = {}): Promise<Emulator> {
  const emulator = await startTestEmulator(overrides);
  running.push(emulator);
  return emulator;
}

const stop = async (emulator: Emulator) => {
  running.splice(running.indexOf(emulator), 1);
  await emulator.close();
};

test("another process asks what is there, and has a hand in it", async () => {
  const path = join(folder, "control.sock");
  writeFileSync(path, "left behind by a killed emulator");
  const emulator = await start({ controlSocket: path, postsPerMinute: 6_000 });
  const control = createControlClient(path);

  const accounts = await control.accounts();
  expect(accounts).toEqual(emulator.accounts);
  const channels = await control.channels();
  expect(channels.map(({ id }) => id)).toEqual([...emulator.world.channels.keys()]);

  await eventually(async () => (await control.summary()).posts > 3);
  await control.setTraffic(false);
  const halted = await control.summary();
  expect(halted).toMatchObject({ trafficRunning: false, users: 3, channels: 4, violations: 0, keysKilled: 0 });

  const { id } = channels[0]!;
  const kept = await control.post(id, "kept");
  const gone = await control.post(id, "gone");
  await control.edit(id, kept, "kept, changed");
  await control.remove(id, [gone]);
  const audit = await control.audit(id);
  expect(audit.messages.at(-1)).toMatchObject({
    id: kept,
    edits: 1,
    service: false,
    textDigest: createHash("sha256").update("kept, changed").digest("hex"),
  });
  expect(audit.deleted).toContain(gone);
  expect(audit.messages).toHaveLength(emulator.world.channels.get(id)!.messages.size);
  expect(await control.summary()).toMatchObject({ posts: halted.posts + 2, edits: halted.edits + 1 });

  await expect(control.audit(1n)).rejects.toThrow("no channel 1");
  await expect(control.edit(id, gone, "")).rejects.toThrow("400");
  await expect(start({ controlSocket: path })).rejects.toThrow("another emulator listens");
});

test("another process changes what a channel is, and a group", async () => {
  const path = join(folder, "control.sock");
  const emulator = await start({ controlSocket: path });
  const control = createControlClient(path);
  const { telegramId } = (await control.accounts())[0]!;
  const channels = await control.channels();
  const [first, second] = [channels[0]!, channels[1]!];
  await control.setTraffic(false);
  await control.setTitle(first.id, "Renamed");
  await control.setUsername(first.id, "renamed_now");
  await control.ban(telegramId, first.id);
  await control.deleteChannel(second.id);
  await control.addGroup(900n, "Club", [telegramId]);
  await control.migrateGroup(900n, 901n);
  expect(await control.channels()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: first.id, title: "Renamed", username: "renamed_now", isPrivate: false }),
      expect.objectContaining({ id: second.id, username: null, isDeleted: true }),
      expect.objectContaining({ id: 901n, title: "Club", megagroup: true, participants: 1 }),
    ]),
  );
  expect(emulator.world.channels.get(first.id)?.banned).toEqual(new Set([telegramId]));
  await control.unban(telegramId, first.id);
  expect(emulator.world.channels.get(first.id)?.banned.size).toBe(0);
  await expect(control.setUsername(901n, "renamed_now")).rejects.toThrow("taken");
});

test("a second start goes on: world, ports, keys that logged in and keys that ended", async () => {
  const options = { dir: join(folder, "world"), users: 2, channels: 2 };
  const first = await start(options);
  const [stays, leaves] = first.accounts;
  const channel = [...first.world.channels.values()][0]!;
  first.world.addUser({
    id: 77n,
    phone: "9996629000",
    firstName: "New",
    username: null,
    dcId: 2,
    premium: false,
    password: null,
  });
  const login = await rawGramJs(first);
  await login.connect();
  await login.start({
    phoneNumber: "9996629000",
    phoneCode: async () => "22222",
    onError: (error) => {
      throw error;
    },
  });
  const session = String(login.session.save());
  await login.destroy();
  first.keys.change(first.keys.ofAccount(leaves!.telegramId)[0]!, {
    ended: { code: 406, errorMessage: "AUTH_KEY_DUPLICATED" },
  });
  first.world.remove(channel.id, [channel.topId]);
  const hash = first.channelHash(77n, channel.id);
  await stop(first);

  const second = await start(options);
  expect(second.dataCenters).toEqual(first.dataCenters);
  expect(second.publicKeyPem).toBe(first.publicKeyPem);
  expect(second.channelHash(77n, channel.id)).toBe(hash);
  expect(second.world.channels.get(channel.id)).toMatchObject({ pts: channel.pts, topId: channel.topId });
  expect(second.keys.ofAccount(leaves!.telegramId)).toEqual([]);
  expect(second.keys.ofAccount(stays!.telegramId)).toHaveLength(1);
  const again = await rawGramJs(second, { session });
  await again.connect();
  expect(String((await again.getMe()).id)).toBe("77");
  await again.destroy();

  // Its ports are taken while it runs: a copy of it moves aside.
  await stop(second);
  const { createServer } = await import("node:net");
  const squatter = createServer().listen(first.dataCenters[0]!.port, "127.0.0.1");
  await new Promise((resolve) => squatter.once("listening", resolve));
  try {
    const third = await start(options);
    expect(third.dataCenters[0]!.port).not.toBe(first.dataCenters[0]!.port);
    const ports = third.dataCenters.map(({ port }) => port);
    await stop(third);
    await expect(start({ ...options, ports: [first.dataCenters[0]!.port, ...ports.slice(1)] })).rejects.toThrow(
      "is taken",
    );
  } finally {
    await new Promise((resolve) => squatter.close(resolve));
  }
});
