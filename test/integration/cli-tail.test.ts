import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { storeDifference, storeHistory } from "../../db/messages.ts";
import { HINTS } from "../../db/post-hint.ts";
import { silentLog } from "../../runtime/log.ts";
import { eventually } from "../support/eventually.ts";
import { follow, plantReader } from "../support/following.ts";
import { prepareCommands, type Running, startGramfleet } from "../support/gramfleet.ts";
import { post } from "../support/posts.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

const CHANNEL = 501n;
const OTHER = 502n;
const READER = "11";
const readAt = new Date(1_800_000_000_000);

let test: TestDatabase;
let database: Database;
let env: NodeJS.ProcessEnv;
prepareCommands();
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
  env = { DATABASE_URL: test.url };
  const userId = await plantReader(database, BigInt(READER));
  for (const id of [CHANNEL, OTHER]) await follow(database, userId, id);
  for (const id of [CHANNEL, OTHER]) await store(id, [1, 2, 3], 1);
  const stranger = await plantReader(database, 12n);
  await follow(database, stranger, CHANNEL, { access: false });
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});

/** Posts whose text is their channel and id. */
const postsOf = (channelId: bigint, ids: readonly number[]) =>
  ids.map((id) => post({ id, text: `${channelId}/${id}\nmore of it` }));
const store = (channelId: bigint, ids: readonly number[], newPts?: number) =>
  database.asWorker((tx) =>
    storeHistory(tx, {
      channelId,
      ptsAtCall: newPts === undefined ? 1 : null,
      ...(newPts === undefined ? {} : { newPts }),
      messages: postsOf(channelId, ids),
      covers: null,
      readAt,
    }),
  );

interface Line {
  readonly channelId: string;
  readonly id: number;
  readonly text: string;
  readonly deletedAt: string | null;
  readonly cursor: string | null;
}
const linesOf = (stdout: string): Line[] =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
const tail = (...args: string[]) => runHere(["tail", ...args], { env });

it("begins with the newest, or with everything, and goes on behind a cursor", async () => {
  const [newest, everything, nobody] = await Promise.all([
    tail(READER, "--no-follow", "--limit", "3"),
    tail(READER, "--no-follow", "--from-start", "--json"),
    tail("12", "--no-follow", "--from-start", "--json"),
  ]);
  expect(newest).toEqual({
    code: 0,
    stdout: [
      "2023-11-14 22:13:22Z  @channel_502  2  502/2",
      "2023-11-14 22:13:23Z  @channel_501  3  501/3",
      "2023-11-14 22:13:23Z  @channel_502  3  502/3",
      "",
    ].join("\n"),
    stderr: "",
  });
  expect(nobody).toEqual({ code: 0, stdout: "", stderr: "" });
  const lines = linesOf(everything.stdout);
  expect(lines.map((line) => `${line.channelId}/${line.id}`).sort()).toEqual(
    [CHANNEL, OTHER].flatMap((channel) => [1, 2, 3].map((id) => `${channel}/${id}`)),
  );
  const since = lines[3]?.cursor ?? "";
  const [rest, one] = await Promise.all([
    tail(READER, "--no-follow", "--since", since, "--json"),
    tail(READER, "--since", since, "--limit", "1", "--json"),
  ]);
  expect(linesOf(rest.stdout)).toEqual(lines.slice(4));
  expect(linesOf(one.stdout).map(({ id }) => id)).toEqual([lines[4]?.id]);
});

it("follows what is stored, hinted at or not, over broken connections, until Ctrl-C", async () => {
  const running = startGramfleet(["tail", READER, "--json"], { env });
  const printed = () => linesOf(running.stdout());
  await running.says(/"cursor":"/);
  const start = printed();
  expect(start.map(({ cursor }) => cursor !== null)).toEqual([false, false, false, false, false, true]);

  await store(CHANNEL, [5]);
  await says(running, /501\/5\b/);
  await eventually(listening, { what: "LISTEN" });
  const began = performance.now();
  for (const id of [9, 8, 7, 4]) {
    const { revision } = await store(CHANNEL, [id]);
    await notify(`${CHANNEL}:${revision}`);
    await says(running, new RegExp(`501/${id}\\b`));
  }
  // By polling alone it would be 6 seconds at least: each of them is stored right after a look.
  expect(performance.now() - began).toBeLessThan(4_000);

  await terminate();
  await database.asWorker((tx) =>
    storeDifference(tx, {
      channelId: CHANNEL,
      pts: { from: 1, to: 2 },
      messages: [post({ id: 3, text: "another text", editDate: readAt })],
      deletedIds: [2],
      pins: [],
      covers: null,
      topMessageId: 5,
      readAt,
    }),
  );
  await says(running, /another text/);
  running.signal("SIGINT");
  const ran = await running.ended;
  expect(ran.code).toBe(0);
  expect(ran.stderr).not.toContain("gramfleet:");
  const lines = linesOf(ran.stdout).slice(start.length);
  expect(lines.map(({ id, deletedAt }) => [id, deletedAt !== null])).toEqual([
    ...[5, 9, 8, 7, 4].map((id) => [id, false]),
    [2, true],
    [3, false],
  ]);
  const rest = await tail(READER, "--no-follow", "--since", start.at(-1)?.cursor ?? "");
  expect(rest.stdout.split("\n").map((line) => line.split("  ").slice(2).join("  "))).toEqual([
    ...[5, 9, 8, 7, 4].map((id) => `${id}  501/${id}`),
    "2  (deleted) 501/2",
    "3  (edited) another text",
    "",
  ]);
});

it("says what is wrong with its call", async () => {
  const [cursor, both, nobody] = await Promise.all([
    tail(READER, "--since", "yesterday"),
    tail(READER, "--since", "1", "--from-start"),
    tail("13"),
  ]);
  expect(cursor).toMatchObject({ code: 2, stdout: "" });
  expect(cursor.stderr).toMatch(/--since.*no cursor/);
  expect(both.code).toBe(2);
  expect(both.stderr).toMatch(/cannot be used with/);
  expect(nobody).toMatchObject({ code: 1, stdout: "" });
  expect(nobody.stderr).toMatch(/^gramfleet: no user 13 here/);
});

const says = (running: Running, what: RegExp) => running.says(what, 8_000);

async function admin<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: test.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const OTHERS = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
const notify = (payload: string) => admin((client) => client.query("select pg_notify($1, $2)", [HINTS, payload]));
const listening = () =>
  admin(async (client) => {
    const { rows } = await client.query(
      `select 1 ${OTHERS} and application_name = 'gramfleet-listen' and query ilike 'listen%'`,
    );
    return rows.length > 0;
  });
/** Every connection but the admin's own: the listener's, and those of the pools. */
const terminate = () => admin((client) => client.query(`select pg_terminate_backend(pid) ${OTHERS}`));
