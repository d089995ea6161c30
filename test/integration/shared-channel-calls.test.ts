import { afterEach, expect, it } from "vitest";
import { loadChannels } from "../../db/channels.ts";
import type { Emulator } from "../../emulator/start.ts";
import type { WorldChannel } from "../../emulator/world/model.ts";
import { plainPost } from "../../emulator/world/plain-post.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { prepareFleet, type RunningFleet } from "../support/running-fleet.ts";

/*
 * Many who follow the same public channels cost Telegram as many history and difference calls as one of them does. Real
 * workers that share nothing but PostgreSQL and Redis, real GramJS; the emulator counts.
 *
 * SHARED_USERS and SHARED_CHANNELS set how many follow how many: 100 and 50 are what is promised, and take minutes.
 */
const USERS = Number(process.env.SHARED_USERS ?? 10);
const CHANNELS = Number(process.env.SHARED_CHANNELS ?? 5);
const WORKERS = 4;
const ROUNDS = 2;
/** Four pages of history; two of a difference. */
const HISTORY = 350;
const NEWS = 130;

let emulator: Emulator | null = null;
let fleet: RunningFleet | null = null;
afterEach(async () => {
  await fleet?.close();
  await emulator?.close();
  fleet = null;
  emulator = null;
});

interface Cost {
  /** Of histories and differences. */
  readonly calls: number;
  readonly byMethod: Readonly<Record<string, number>>;
}

/** From everybody's first parse and backfill through rounds of news in every channel. */
async function followed(people: number): Promise<Cost> {
  emulator = await startTestEmulator({ users: people, channels: 0 });
  // One account's jobs wait for each other's lease: with one of them at a time none comes in vain.
  const alone = people === 1 ? { workers: 1, env: { WORKER_CONCURRENCY: "1" } } : { workers: WORKERS };
  fleet = await prepareFleet(emulator, alone);
  const { world, accounts, witness } = emulator;
  const date = Math.floor(Date.now() / 1_000) - 100_000;
  const post = (channel: WorldChannel, count: number) => {
    for (let index = 0; index < count; index += 1)
      world.post(channel.id, plainPost(`post ${channel.topId + 1}`, date + channel.topId));
  };
  const channels = Array.from({ length: CHANNELS }, (_, index) => {
    const facts = { title: "Public", username: `public_${index}`, megagroup: false, isPrivate: false, date };
    const channel = world.addChannel({ id: 1_500_000_000n + BigInt(index), ...facts });
    post(channel, HISTORY);
    return channel;
  });
  // Every tenth has joined none of them, and reads by their names.
  for (const [index, { telegramId }] of accounts.entries())
    if (index % 10 !== 9) for (const { id } of channels) world.join(telegramId, id);
  await fleet.seed(
    accounts.map((account) => ({ ...account, follows: channels.map(({ username }) => username ?? "") })),
  );

  await fleet.start();
  await fleet.parseEverybody();
  await fleet.complete();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const channel of channels) {
      post(channel, NEWS);
      world.edit(channel.id, round + 1, { message: `round ${round}` });
      world.remove(channel.id, [100 + round]);
    }
    await fleet.parseEverybody();
    await fleet.complete();
  }
  await fleet.stop();
  const top = HISTORY + ROUNDS * NEWS;
  const ids = channels.map(({ id }) => id);
  const stored = await fleet.database.asWorker((tx) => loadChannels(tx, ids));
  expect(stored.map(({ pts, covered, unverified }) => ({ pts, covered, unverified }))).toEqual(
    channels.map(({ pts }) => ({ pts, covered: [{ from: 1, to: top }], unverified: [] })),
  );
  const { callsByMethod: byMethod, violations, keysKilled } = witness.summary();
  expect({ violations, keysKilled }).toEqual({ violations: 0, keysKilled: 0 });
  const calls = (byMethod["messages.GetHistory"] ?? 0) + (byMethod["updates.GetChannelDifference"] ?? 0);
  await fleet.close();
  await emulator.close();
  fleet = null;
  emulator = null;
  return { calls, byMethod };
}

it("costs many who follow the same channels as many history and difference calls as one", async () => {
  const began = performance.now();
  const one = await followed(1);
  const many = await followed(USERS);
  if (process.env.SHARED_USERS)
    process.stdout.write(`${JSON.stringify({ one, many, seconds: (performance.now() - began) / 1_000 })}\n`);
  expect(one.calls).toBeGreaterThanOrEqual(CHANNELS * (4 + ROUNDS * 2));
  expect(many.calls / one.calls).toBeLessThanOrEqual(1.1);
}, 600_000);
