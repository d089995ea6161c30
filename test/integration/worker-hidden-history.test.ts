import { afterAll, beforeAll, expect, it } from "vitest";
import type { WorldChannel } from "../../emulator/world/model.ts";
import { plainPost } from "../../emulator/world/plain-post.ts";
import { Snooze } from "../../queue/outcome.ts";
import type { TelegramConnection } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { startParsing, type TestUser } from "../support/parsing.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

/* What an account sees of a group begins at `available_min_id`: late members see nothing older, and whoever clears a
 * group's history for themselves sees nothing of it any more. Others see it all the same. */

let telegram: WireTelegram;
let parsing: Awaited<ReturnType<typeof startParsing>>;
const connections: TelegramConnection[] = [];
beforeAll(async () => {
  telegram = await startWireTelegram();
  parsing = await startParsing({ pageSize: 10 });
});
afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await parsing?.close();
  await telegram?.close();
});

let number = 0n;
/** A private group of `posts` posts, and its members; the first sees all, the others what is above `hidden`. */
async function group(posts: number, members: readonly { hidden: number }[]) {
  number += 1n;
  const { world } = telegram;
  const id = 1_500_000_000n + number;
  const channel = world.addChannel({ id, title: "Group", username: null, megagroup: true, date: 1, isPrivate: true });
  const post = (count: number) => {
    for (let index = 0; index < count; index += 1)
      world.post(id, plainPost(`post ${channel.topId + 1}`, 1_700_000_000));
  };
  post(posts);
  const users: TestUser[] = [];
  const accounts: bigint[] = [];
  for (const [index, { hidden }] of members.entries()) {
    const account = 6_000_000_000n + number * 10n + BigInt(index);
    const phone = `99966${index + 1}${String(number).padStart(4, "0")}`;
    world.addUser({ id: account, phone, firstName: "Ada", username: null, dcId: 2, premium: false, password: null });
    world.join(account, id);
    if (hidden > 0) channel.availableMinId.set(account, hidden + 1);
    const connection = await connect(telegram.options(await telegram.planted(account)));
    connections.push(connection);
    users.push(await parsing.addUser(account, connection.api, [id.toString()]));
    accounts.push(account);
  }
  return { channel, post, users: users as [TestUser, TestUser], accounts: accounts as [bigint, bigint] };
}

async function drain(user: TestUser, channel: WorldChannel): Promise<void> {
  for (let snoozes = 0; snoozes < 30; snoozes += 1) {
    const done = await parsing.backfill(user, channel.id).then(
      () => true,
      (error) => {
        if (!(error instanceof Snooze)) throw error;
        return false;
      },
    );
    if (done) return;
  }
  throw new Error("never ends");
}
const living = async (channel: WorldChannel) =>
  (await parsing.rows(channel.id)).filter((row) => !row.deleted).map((row) => row.id);
const upTo = (top: number, from = 1) => Array.from({ length: top - from + 1 }, (_, index) => from + index);
const forget = (channel: WorldChannel) => channel.events.splice(0);

it("marks nothing as deleted that the account has cleared for itself", async () => {
  const { channel, post, users, accounts } = await group(25, [{ hidden: 0 }, { hidden: 0 }]);
  const [clears, sees] = users;
  await parsing.parse(clears);
  await drain(clears, channel);
  expect(await living(channel)).toEqual(upTo(25));
  channel.availableMinId.set(accounts[0], 21);
  forget(channel);
  post(1);
  forget(channel);
  await parsing.parse(clears);
  await drain(clears, channel);
  expect(await living(channel)).toEqual(upTo(26));
  await parsing.parse(sees);
  await drain(sees, channel);
  expect(await living(channel)).toEqual(upTo(26));
  expect(await parsing.channel(channel.id)).toMatchObject({ covered: [{ from: 1, to: 26 }], unverified: [] });
});

it("nor by the first page of history, where that is all that the account sees", async () => {
  const { channel, post, users, accounts } = await group(8, [{ hidden: 0 }, { hidden: 0 }]);
  await parsing.parse(users[0]);
  channel.availableMinId.set(accounts[0], 6);
  post(1);
  forget(channel);
  await parsing.parse(users[0]);
  expect(await living(channel)).toEqual(upTo(9));
});

it("vouches for no news that the account has cleared before it read them", async () => {
  const { channel, post, users, accounts } = await group(5, [{ hidden: 0 }, { hidden: 0 }]);
  const [clears, sees] = users;
  await parsing.parse(clears);
  post(6);
  channel.availableMinId.set(accounts[0], 9);
  await parsing.parse(clears);
  await parsing.parse(sees);
  await drain(sees, channel);
  expect(await living(channel)).toEqual(upTo(11));
});

it("lets nobody who sees less pass over an edit of what others see", async () => {
  const { channel, post, users } = await group(20, [{ hidden: 0 }, { hidden: 12 }]);
  const [early, late] = users;
  await parsing.parse(early);
  await drain(early, channel);
  await parsing.parse(late);
  telegram.world.edit(channel.id, 5, { message: "edited" });
  telegram.world.edit(channel.id, 15, { message: "edited too" });
  post(12);
  await parsing.parse(late);
  // The late one's user reads on meanwhile.
  expect(await living(channel)).toEqual(upTo(32));
  const text = async (id: number) => (await parsing.rows(channel.id)).find((row) => row.id === id)?.text;
  expect(await text(15)).toBe("edited too");
  await parsing.parse(early);
  expect(await text(5)).toBe("edited");
  expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts, unverified: [] });
});

it("goes on where nobody else can, and leaves what it cannot see to be verified", async () => {
  const { channel, post, users } = await group(20, [{ hidden: 0 }, { hidden: 12 }]);
  const [early, late] = users;
  await parsing.parse(early);
  await drain(early, channel);
  await parsing.parse(late);
  await parsing.pause(early, true);
  telegram.world.edit(channel.id, 5, { message: "edited" });
  post(1);
  await parsing.parse(late);
  expect(await parsing.channel(channel.id)).toMatchObject({ pts: channel.pts, unverified: [{ from: 1, to: 12 }] });
  await parsing.pause(early, false);
  await drain(early, channel);
  expect((await parsing.rows(channel.id)).find((row) => row.id === 5)?.text).toBe("edited");
  expect(await parsing.channel(channel.id)).toMatchObject({ unverified: [] });
});
