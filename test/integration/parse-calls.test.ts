import { afterEach, beforeEach, expect, it } from "vitest";
import type { Emulator } from "../../emulator/start.ts";
import type { WorldChannel } from "../../emulator/world/model.ts";
import { plainPost } from "../../emulator/world/plain-post.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { prepareFleet, type RunningFleet } from "../support/running-fleet.ts";

/* What one parse costs Telegram, from opening the account to closing it: a real worker, real GramJS, the emulator counts. */
const CHANNELS = 100;

let emulator: Emulator;
let fleet: RunningFleet;
beforeEach(async () => {
  emulator = await startTestEmulator({ users: 1, channels: 0 });
  fleet = await prepareFleet(emulator, { workers: 1 });
});
afterEach(async () => {
  await fleet?.close();
  await emulator?.close();
});

function post({ id, topId }: WorldChannel): void {
  emulator.world.post(id, plainPost(`post ${topId + 1}`, Math.floor(Date.now() / 1_000)));
}

async function callsOfParse(): Promise<number> {
  const count = () => Object.values(emulator.witness.summary().callsByMethod).reduce((sum, calls) => sum + calls, 0);
  const before = count();
  await fleet.parseEverybody();
  return count() - before;
}

it("looks at 100 channels in 3 calls where nothing is new, and in 14 where ten have changed", async () => {
  const [account] = emulator.accounts;
  if (!account) throw new Error("there is no account");
  const channels = Array.from({ length: CHANNELS }, (_, index) => {
    const facts = { title: "Public", username: `public_${index}`, megagroup: false, isPrivate: false, date: 1 };
    const channel = emulator.world.addChannel({ id: 1_500_000_000n + BigInt(index), ...facts });
    for (let posts = 0; posts < 3; posts += 1) post(channel);
    emulator.world.join(account.telegramId, channel.id);
    return channel;
  });
  await fleet.seed([{ ...account, follows: channels.map(({ username }) => username ?? "") }]);
  await fleet.start();
  // Each channel is read for the first time.
  expect(await callsOfParse()).toBeGreaterThan(CHANNELS);
  await fleet.complete();

  expect(await callsOfParse()).toBeLessThanOrEqual(3);
  const changed = channels.slice(20, 30);
  for (const channel of changed) post(channel);
  expect(await callsOfParse()).toBeLessThanOrEqual(14);
  await fleet.complete();
  const stored = await fleet.database.asOwner((tx) =>
    tx.selectFrom("messages").select("id").where("id", "=", 4).execute(),
  );
  expect(stored).toHaveLength(changed.length);
});
