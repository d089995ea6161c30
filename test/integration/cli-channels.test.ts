import { afterAll, beforeAll, expect, it } from "vitest";
import { loseAccess, saveAccess, saveChannel, subscribe, subscriptionsOf } from "../../db/channels.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { recordSkipped, storeHistory } from "../../db/messages.ts";
import { settleSubscription } from "../../db/subscriptions.ts";
import { silentLog } from "../../runtime/log.ts";
import { follow, plantReader, TENANT } from "../support/following.ts";
import { gramfleet, jsonOf, prepareCommands } from "../support/gramfleet.ts";
import { post } from "../support/posts.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

/* What `channels list` says of channels to which things have happened. */

const [RENAMED, LOST, DELETED, TAKER] = [501n, 502n, 503n, 504n];
const [FIRST, SECOND] = ["11", "12"];
const TIME = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\dZ";

let test: TestDatabase;
let database: Database;
let env: NodeJS.ProcessEnv;
let users: [bigint, bigint];
const recheckAt = new Date(1_900_000_000_000);
const channel = (id: bigint, username: string | null, title: string) =>
  database.asWorker((tx) => saveChannel(tx, { id, username, title, kind: "broadcast" }));
const lose = (userId: bigint, channelId: bigint, state: "private" | "invalid") =>
  database.asWorker((tx) => loseAccess(tx, { userId, channelId, state, recheckAt }));

prepareCommands();
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
  env = { DATABASE_URL: test.url, REDIS_URL: testRedis().url };
  users = [await plantReader(database, BigInt(FIRST)), await plantReader(database, BigInt(SECOND))];
  const [first] = users;
  await channel(RENAMED, "alpha", "Alpha");
  await database.inTenant(TENANT, async (tx) => {
    await subscribe(tx, { tenantId: TENANT, userId: first, name: "@Alpha" });
    await subscribe(tx, { tenantId: TENANT, userId: first, name: "nobody_here" });
  });
  await database.asWorker(async (tx) => {
    const [alpha, nobody] = await subscriptionsOf(tx, first);
    await saveAccess(tx, { tenantId: TENANT, userId: first, channelId: RENAMED, accessHash: 7n, joined: false });
    const settled = { userId: first, lookAt: recheckAt };
    await settleSubscription(tx, { ...settled, id: alpha?.id ?? 0n, channelId: RENAMED, state: "active" });
    await settleSubscription(tx, { ...settled, id: nobody?.id ?? 0n, channelId: null, state: "not_found" });
  });
  for (const id of [LOST, DELETED]) for (const userId of users) await follow(database, userId, id);
  await database.asWorker(async (tx) => {
    const page = { channelId: LOST, ptsAtCall: null, covers: null, readAt: recheckAt };
    await storeHistory(tx, { ...page, messages: [1, 2].map((id) => post({ id, channelId: LOST })) });
    // What was stored, but mended, is not among those that could not be read.
    await recordSkipped(
      tx,
      LOST,
      [2, 3, 4].map((id) => ({ id, reason: "unknown constructor" })),
    );
  });
  await channel(RENAMED, "beta", "Beta");
  await channel(TAKER, "alpha", "Taker");
  await lose(first, LOST, "private");
  await lose(first, DELETED, "private");
  await lose(users[1], DELETED, "invalid");
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const run = (...args: string[]) => runHere(args, { env });
const lookAt = async () =>
  (await database.asWorker((tx) => subscriptionsOf(tx, users[0]))).find(({ name }) => name === "nobody_here")?.lookAt;

it("lists all channels with what happened to them, and how many messages could not be read", async () => {
  const [text, json] = await Promise.all([gramfleet(["channels", "list"], { env }), run("channels", "list", "--json")]);
  expect(text, text.stderr).toMatchObject({ code: 0 });
  const lineOf = (id: bigint) => text.stdout.split("\n").find((line) => line.trimStart().startsWith(`${id} `));
  expect(text.stdout).toMatch(/^ *id +username .* skipped +covered .* what happened\n/);
  expect(lineOf(RENAMED)).toMatch(
    new RegExp(` active .*is @beta since ${TIME}, was @alpha; renamed since ${TIME}, was "Alpha"$`),
  );
  expect(lineOf(LOST)).toMatch(new RegExp(` partly lost .*1 of 2 users cannot read it since ${TIME}, the others do$`));
  expect(lineOf(DELETED)).toMatch(new RegExp(` deleted .*deleted: Telegram knows it no more since ${TIME}$`));
  const rows = jsonOf<{ id: string; state: string; skipped: number; messages: number; life: object[] }[]>(json);
  expect(rows).toHaveLength(3);
  expect(rows).toContainEqual(
    expect.objectContaining({
      id: String(LOST),
      state: "partly_lost",
      skipped: 2,
      messages: 2,
      life: [{ kind: "partly_lost", since: expect.stringMatching(/^\d{4}-.*Z$/), lost: 1, accounts: 2 }],
    }),
  );
  expect(rows.find(({ id }) => id === String(DELETED))).toMatchObject({
    state: "deleted",
    life: [{ kind: "deleted" }],
  });
});

it("tells each user of their own, and not of what others have lost", async () => {
  const [first, second, json] = await Promise.all([
    run("channels", "list", FIRST),
    run("channels", "list", SECOND),
    run("channels", "list", FIRST, "--json"),
  ]);
  expect(first.stdout).toMatch(/^asked for +state +since +channel +title +access +skipped +what happened\n/);
  expect(first.stdout).toMatch(
    new RegExp(`^alpha .*@alpha is another channel's now \\("Taker", ${TAKER}\\), not this one's since ${TIME}`, "m"),
  );
  expect(first.stdout).toMatch(
    new RegExp(
      `^nobody_here +not_found +${TIME} .*no channel of this name since ${TIME}, looked at again after 2030`,
      "m",
    ),
  );
  expect(first.stdout).toMatch(new RegExp(`^${LOST} .* private .*no access: .*others here still read it`, "m"));
  expect(second.stdout).toMatch(new RegExp(`^${LOST} .* ok +2 +–$`, "m"));
  expect(jsonOf<{ name: string }[]>(json).find(({ name }) => name === "alpha")).toMatchObject({
    state: "active",
    channelId: String(RENAMED),
    life: [
      { kind: "name_lost", name: "alpha", holder: { id: String(TAKER), title: "Taker" } },
      { kind: "username_changed", from: "alpha", to: "beta" },
      { kind: "renamed", from: "Alpha" },
    ],
  });
});

it("says, to who adds a moved name again, what is followed by it", async () => {
  const again = await run("channels", "add", FIRST, "@alpha");
  expect(again.stdout).toMatch(/^alpha: there already; @alpha is another channel's now/);
});

it("looks at everything again with the next parse where one user is parsed by hand, and not with all", async () => {
  expect(await lookAt()).toEqual(recheckAt);
  await run("parse", "--all");
  expect(await lookAt()).toEqual(recheckAt);
  const parsed = await run("parse", FIRST);
  expect(parsed, parsed.stderr).toMatchObject({ code: 0 });
  expect(await lookAt()).toBeNull();
  const [, access] = (await database.asWorker((tx) => subscriptionsOf(tx, users[0]))).flatMap(
    (line) => line.access ?? [],
  );
  expect(access?.recheckAt?.getTime()).toBeLessThan(Date.now());
});
