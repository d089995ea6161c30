import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { lifeWords } from "../../cli/channel-life.ts";
import { channelLives, lifeOf, subscriptionLines } from "../../db/channel-lives.ts";
import { askAgain, subscribe, unsubscribe } from "../../db/channels.ts";
import { lastRuns } from "../../db/runs.ts";
import { migrateGroup } from "../../emulator/world/life.ts";
import { plainPost } from "../../emulator/world/plain-post.ts";
import { composeService } from "../../emulator/world/posts.ts";
import type { TelegramConnection } from "../../telegram/connection.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { startParsing, TENANT, type TestUser } from "../support/parsing.ts";
import { startWireTelegram, type WireTelegram } from "../support/wire-telegram.ts";

/* What can happen to a channel as a whole, over the real wire, as two users see it: one has joined it, one has not.
 * Whatever happens, their next parses end well, and their other channel is read. */

const HOUR = 3_600_000;
const DATE = 1_700_000_000;

let telegram: WireTelegram;
let parsing: Awaited<ReturnType<typeof startParsing>>;
const connections: TelegramConnection[] = [];
beforeAll(async () => {
  telegram = await startWireTelegram();
});
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  await parsing?.close();
});
afterAll(() => telegram?.close());

interface Person {
  readonly user: TestUser;
  readonly account: bigint;
}

let number = 0n;
let channelId: bigint;
let steadyId: bigint;
let name: string;
let member: Person;
let reader: Person;

async function person(names: readonly string[], joins: readonly bigint[]): Promise<Person> {
  number += 1n;
  const account = 6_000_000_000n + number;
  const phone = `99966${1_000_000n + number}`;
  telegram.world.addUser({
    id: account,
    phone,
    firstName: "Ada",
    username: null,
    dcId: 2,
    premium: false,
    password: null,
  });
  for (const id of joins) telegram.world.join(account, id);
  const connection = await connect(telegram.options(await telegram.planted(account)));
  connections.push(connection);
  return { user: await parsing.addUser(account, connection.api, names), account };
}
function channel(username: string, title = "Title"): bigint {
  number += 1n;
  const id = 1_500_000_000n + number;
  telegram.world.addChannel({ id, title, username, megagroup: false, date: 1, isPrivate: false });
  return id;
}
const post = (id: bigint, text = "news") => telegram.world.post(id, plainPost(text, DATE)).id;

beforeEach(async () => {
  // For each a clock of its own, that has not run ahead of the database's yet.
  parsing = await startParsing();
  name = `news_${number}`;
  channelId = channel(name);
  steadyId = channel(`steady_${number}`);
  post(channelId, "the first");
  member = await person([name, steadyId.toString()], [channelId, steadyId]);
  reader = await person([name], []);
  telegram.world.join(reader.account, steadyId);
  await parsing.database.inTenant(TENANT, (tx) =>
    subscribe(tx, { tenantId: TENANT, userId: reader.user.userId, name: steadyId.toString() }),
  );
  await parseAll();
});

const stored = async (id: bigint) => (await parsing.rows(id)).filter((row) => !row.deleted).map((row) => row.id);

/** Both parse: no run fails, and what is new in their other channel is read. */
async function parseAll(): Promise<void> {
  const id = post(steadyId);
  for (const { user } of [member, reader])
    await expect(parsing.parse(user)).resolves.toMatchObject({ outcome: "done" });
  expect(await stored(steadyId)).toContain(id);
  for (const { user } of [member, reader]) {
    const runs = await parsing.database.asWorker((tx) => lastRuns(tx, user.userId, 20));
    expect(runs.map(({ outcome }) => outcome)).toEqual(runs.map(() => "done"));
  }
}
const lineOf = async ({ user }: Person, asked = name) =>
  (await parsing.database.inTenant(TENANT, (tx) => subscriptionLines(tx, user.userId))).find(
    (line) => line.name === asked,
  );
const lifeAs = async (who: Person, asked = name) => (await lineOf(who, asked))?.life.map(({ kind }) => kind);
const wordsAs = async (who: Person, asked = name) => (await lineOf(who, asked))?.life.map(lifeWords).join("; ");
const ofChannel = async (id = channelId) => {
  const facts = (await parsing.database.inTenant(TENANT, (tx) => channelLives(tx, [id]))).get(id);
  if (!facts) throw new Error("not stored");
  const { state, life } = lifeOf(facts);
  return { state, life: life.map(({ kind }) => kind) };
};
const lookUps = () =>
  [member, reader].reduce(
    (sum, { account }) =>
      sum + telegram.witness.calls({ accountId: account, method: "contacts.ResolveUsername" }).length,
    0,
  );

it("is renamed", async () => {
  telegram.world.post(channelId, composeService(DATE, { type: "chat_edit_title", title: "Another title" }));
  telegram.world.setUsername(channelId, `fresh_${number}`);
  await parseAll();
  expect(await ofChannel()).toEqual({ state: "active", life: ["username_changed", "renamed"] });
  for (const who of [member, reader]) {
    expect(await lineOf(who)).toMatchObject({ state: "active", channelId, channel: { title: "Another title" } });
    expect(await wordsAs(who)).toMatch(
      new RegExp(
        `not @${name} any more since 2.*; is @fresh_\\d+ since 2.*, was @${name}; renamed since 2.*, was "Title"`,
      ),
    );
  }
  expect(await stored(channelId)).toEqual([1, 2]);
});

it("gives its username to another channel, and is followed on", async () => {
  const before = lookUps();
  telegram.world.setUsername(channelId, `fresh_${number}`);
  await parseAll();
  expect(lookUps() - before).toBe(1);
  const other = channel(name, "The other one");
  post(other);
  await parseAll();
  expect(lookUps() - before).toBe(1);
  parsing.clock.pass(6 * HOUR);
  post(channelId);
  await parseAll();
  parsing.clock.pass(48 * HOUR);
  await parseAll();
  expect(lookUps() - before).toBe(2);
  for (const who of [member, reader]) {
    expect(await lineOf(who)).toMatchObject({ channelId, state: "active", access: { state: "ok" } });
    expect(await wordsAs(who)).toContain(`@${name} is another channel's now ("The other one", ${other})`);
  }
  expect(await stored(channelId)).toEqual([1, 2]);
  expect(await stored(other)).toEqual([]);

  // Whoever asks for the name now means the other one; to take it away touches what was added by it, and nothing else.
  const late = await person([name], []);
  await parsing.parse(late.user);
  expect(await lineOf(late)).toMatchObject({ channelId: other, life: [] });
  await parsing.database.inTenant(TENANT, async (tx) => {
    const who = { tenantId: TENANT, userId: member.user.userId };
    await subscribe(tx, { ...who, name: other.toString() });
    expect(await subscribe(tx, { ...who, name })).toEqual({ added: false, name });
    expect(await unsubscribe(tx, { ...who, name })).toBe(true);
  });
  expect(await lineOf(member)).toBeUndefined();
  expect(await lineOf(member, other.toString())).toBeDefined();
});

it("is made private: its member reads on, the other user is told, and reads again once it is public", async () => {
  telegram.world.setUsername(channelId, null);
  post(channelId, "for members");
  await parseAll();
  expect(await ofChannel()).toEqual({ state: "partly_lost", life: ["partly_lost", "made_private"] });
  expect(await lifeAs(member)).toEqual(["name_lost", "made_private"]);
  expect(await wordsAs(reader)).toMatch(
    /^no access: private, .* since 2.*Z, others here still read it, looked at again/,
  );
  expect(await stored(channelId)).toEqual([1, 2]);

  telegram.world.setUsername(channelId, name);
  post(channelId);
  await parseAll();
  expect(await lineOf(reader)).toMatchObject({ access: { state: "private" } });
  parsing.clock.pass(HOUR + 1);
  await parseAll();
  expect(await lineOf(reader)).toMatchObject({ channelId, access: { state: "ok" } });
  expect(await lifeAs(reader)).not.toContain("access_lost");
  expect(await ofChannel()).toMatchObject({ state: "active" });
  expect(await stored(channelId)).toEqual([1, 2, 3]);
});

it("is lost to one user and not to the other, and noticed at once when the user asks again", async () => {
  telegram.world.ban(reader.account, channelId);
  post(channelId);
  await parseAll();
  const { since } = (await lineOf(reader))?.access ?? {};
  expect(await ofChannel()).toEqual({ state: "partly_lost", life: ["partly_lost"] });
  expect(await lifeAs(member)).toEqual([]);
  expect(await lifeAs(reader)).toEqual(["access_lost"]);
  parsing.clock.pass(HOUR + 1);
  await parseAll();
  expect((await lineOf(reader))?.access).toMatchObject({ state: "private", since });

  telegram.world.unban(reader.account, channelId);
  await parsing.database.inTenant(TENANT, (tx) =>
    subscribe(tx, { tenantId: TENANT, userId: reader.user.userId, name }),
  );
  await parseAll();
  expect(await lineOf(reader)).toMatchObject({ access: { state: "ok" }, life: [] });
});

it("is deleted: what was read stays, and it is looked at ever more rarely", async () => {
  telegram.world.deleteChannel(channelId);
  await parseAll();
  expect(await ofChannel()).toEqual({ state: "deleted", life: ["deleted"] });
  expect(await lifeAs(member)).toEqual(["access_lost", "deleted"]);
  expect(await wordsAs(reader)).toMatch(
    /no such channel any more since 2.*; deleted: Telegram knows it no more since 2/,
  );
  expect(await stored(channelId)).toEqual([1]);

  const looks = () => telegram.witness.calls({ accountId: member.account, method: "messages.GetPeerDialogs" }).length;
  const before = looks();
  for (let hour = 0; hour < 8; hour += 1) {
    parsing.clock.pass(HOUR + 1);
    await parseAll();
  }
  // Eight for the others, and after 1, 2, 4 and 8 hours one for this.
  expect(looks() - before).toBe(8 + 4);
  expect(await stored(channelId)).toEqual([1]);
});

it("was a basic group, of which the channel is found once it is there", async () => {
  const groupId = 700_000n + number;
  const supergroup = 1_600_000_000n + number;
  const asked = groupId.toString();
  const { world } = telegram;
  world.addGroup({ id: groupId, title: "Club", date: DATE });
  for (const { account } of [member, reader]) world.joinGroup(account, groupId);
  await parsing.database.inTenant(TENANT, async (tx) => {
    for (const { user } of [member, reader]) {
      await subscribe(tx, { tenantId: TENANT, userId: user.userId, name: asked });
      await subscribe(tx, { tenantId: TENANT, userId: user.userId, name: supergroup.toString() });
    }
  });
  await parseAll();
  expect(await lineOf(member, asked)).toMatchObject({ state: "basic_group", channelId: null });
  expect(await wordsAs(member, asked)).toMatch(/^a basic group, which is not read until .* since 2/);

  world.leaveGroup(reader.account, groupId);
  migrateGroup(world, { groupId, channelId: supergroup, date: DATE });
  post(supergroup);
  parsing.clock.pass(HOUR + 1);
  await parseAll();
  expect(await wordsAs(member, asked)).toBe(`a supergroup since 2023-11-14 22:13:20Z, was basic group ${groupId}`);
  expect(await lineOf(member, asked)).toMatchObject({ state: "active", channelId: supergroup });
  // Both names meant the same channel.
  expect(await lineOf(member, supergroup.toString())).toBeUndefined();
  expect(await lineOf(reader, asked)).toMatchObject({ state: "private", channelId: null });
  expect(await stored(supergroup)).toEqual([1, 2]);
});

it("was never there: looked up ever more rarely, at once when asked, and read once it is there", async () => {
  const missing = `missing_${number}`;
  const { user } = member;
  const ask = () =>
    parsing.database.inTenant(TENANT, (tx) => subscribe(tx, { tenantId: TENANT, userId: user.userId, name: missing }));
  const before = lookUps();
  await ask();
  await parseAll();
  const first = await lineOf(member, missing);
  expect(first).toMatchObject({ state: "not_found", channelId: null });
  expect(await wordsAs(member, missing)).toMatch(/^no channel of this name since 2.*, looked at again after 2/);
  await parseAll();
  expect(lookUps() - before).toBe(1);
  for (let hour = 0; hour < 8; hour += 1) {
    parsing.clock.pass(HOUR + 1);
    await parseAll();
  }
  // After 1, 2, 4 and 8 hours.
  expect(lookUps() - before).toBe(5);
  expect(await lineOf(member, missing)).toMatchObject({ state: "not_found", stateSince: first?.stateSince });

  await ask();
  await parseAll();
  expect(lookUps() - before).toBe(6);
  const id = channel(missing);
  post(id);
  await parseAll();
  expect(await stored(id)).toEqual([]);
  await parsing.database.inTenant(TENANT, (tx) => askAgain(tx, { userId: user.userId }));
  await parseAll();
  expect(await lineOf(member, missing)).toMatchObject({ state: "active", channelId: id, life: [] });
  expect(await stored(id)).toEqual([1]);
});
