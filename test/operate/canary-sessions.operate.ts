import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { listLeases } from "../../db/leases.ts";
import { makeDueUnlessParsedSince } from "../../db/overview.ts";
import { makeDue } from "../../db/schedules.ts";
import { ENDINGS, type EndingName, endSessions } from "../../emulator/end-sessions.ts";
import { fileDataDir } from "../support/data-dir.ts";
import { eventually } from "../support/eventually.ts";
import { prepareCommands, type Running } from "../support/gramfleet.ts";
import { createSecretSearch } from "../support/secret-search.ts";
import { contentOfRedis } from "../support/traces.ts";
import { type Account, type CanaryFleet, startCanaryFleet } from "./support/canary-fleet.ts";
import type { Places } from "./support/dumped-services.ts";

/*
 * 1,000 sessions whose keys are known, parsed by a fleet that meets every kind of error; then all that it has left
 * anywhere is searched for the keys. The search is seen to find what is planted.
 */

const SESSIONS = 1_000;
const PASSWORD = `canary password ${randomBytes(8).toString("hex")}`;
const WRONG_PASSWORD = `canary wrong password ${randomBytes(8).toString("hex")}`;
const SURE = "--i-know-what-this-is";
const CAREFUL = { id: 6_900_000_001n, phone: "9996617001", dcId: 1, code: "11111" };

const dir = fileDataDir();
prepareCommands();
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let fleet: CanaryFleet;
let workers: Running[];
let api: Running;
/** Whose session goes to another program. */
let leaving: Account;
const places: Places = {};
const exported = join(dir, "exported.txt");

beforeAll(async () => {
  fleet = await startCanaryFleet({ dir, sessions: SESSIONS });
  const added = { firstName: "Ada", username: null, premium: false, password: PASSWORD };
  const { code: _, ...careful } = CAREFUL;
  fleet.emulator.world.addUser({ ...careful, ...added });
});
afterAll(async () => {
  await fleet?.stop();
  await fleet?.close();
});

/** Those after the ones whose frames were mutated, each for one error. */
let next = 100;
const somebody = (apiId?: number): Account => {
  const found = fleet.emulator.accounts.findIndex(
    (account, at) => at >= next && (apiId === undefined || account.apiId === apiId),
  );
  next = found + 1;
  return fleet.emulator.accounts[found] as Account;
};
const userIds = async (accounts: readonly Account[]) =>
  (
    await fleet.query(
      sql<{
        id: bigint;
      }>`select id from users where telegram_id = any(${accounts.map(({ telegramId }) => String(telegramId))}::text[]::int8[])`,
    )
  ).map(({ id }) => id);
const hurry = async (...accounts: readonly Account[]) => {
  const ids = await userIds(accounts);
  expect(ids).toHaveLength(accounts.length);
  await fleet.database.asWorker((tx) => makeDue(tx, ids));
};
const refuse = (error: string, code: number, { telegramId }: Account, more: object = {}) =>
  fleet.emulator.refusals.order({ error, code, accountIds: [telegramId], ...more });
const about = ({ telegramId }: Account, what: string) => new RegExp(`"user_telegram_id":"${telegramId}"[^\\n]*${what}`);

it("1,000 sessions are parsed, over connections that are cut and frames that cannot be read", async () => {
  const since = new Date(0);
  workers = await Promise.all([fleet.start("worker"), fleet.start("worker")]);
  api = await fleet.start("api");
  await fleet.start("scheduler");
  await eventually(() => fleet.mutatedFrames.length > 30 && fleet.cuts.size >= 20, {
    timeoutMs: 120_000,
    what: "frames mutated and connections cut",
  });
  fleet.stopMutating();
  // All but the one that is another's.
  const parsed = async () => {
    await fleet.database.asWorker((tx) => makeDueUnlessParsedSince(tx, since));
    return (await fleet.query(sql`select distinct user_id from runs where outcome = 'done'`)).length;
  };
  await eventually(async () => (await parsed()) === SESSIONS, {
    ...{ timeoutMs: 240_000, everyMs: 500, what: "a parse of everybody" },
  });
  await fleet.happened(
    /"error":"(CONNECTION_LOST|SECURITY_CHECK_FAILED|INVALID_BUFFER|CONNECTION_FAILED|UNREADABLE_ANSWER|DEADLINE_PASSED)"/,
  );
  await fleet.happened(about(fleet.mismatched, "security alarm: a session belongs to another account"));
});

it("a worker is killed with an account open, PostgreSQL and Redis go and come back", async () => {
  places["rows before"] = await fleet.services.rows();
  places["Redis's file before"] = await fleet.services.rdb();
  const victim = somebody();
  let answer = (): void => undefined;
  const held = new Promise<undefined>((resolve) => {
    answer = () => resolve(undefined);
  });
  fleet.faults.beforeAnswer = (_, { key }) => (key.accountId === victim.telegramId ? held : undefined);
  await hurry(victim);
  const lease = await eventually(async () => (await fleet.database.once(listLeases))[0]);
  const killed = workers.find(({ pid }) => lease.holder === `${hostname()}:${pid}`);
  killed?.signal("SIGKILL");
  expect(await killed?.ended).toMatchObject({ code: null });
  delete fleet.faults.beforeAnswer;
  answer();
  await fleet.start("worker");
  await fleet.happened(/"msg":"lease of a vanished holder taken over"/);

  for (const [server, line] of [
    [fleet.services.postgres, /"msg":"PostgreSQL connection (lost|broke)"/],
    [fleet.services.redis, /"msg":"Redis connection failed"/],
  ] as const) {
    await hurry(...Array.from({ length: 40 }, () => somebody()));
    await server.end();
    await fleet.happened(line);
    await server.start();
  }
  // All is well again: somebody is parsed.
  const after = somebody();
  const [{ now } = { now: new Date() }] = await fleet.query(sql<{ now: Date }>`select clock_timestamp() as now`);
  await hurry(after);
  const [id] = await userIds([after]);
  await eventually(
    async () =>
      (await fleet.query(sql`select from runs where user_id = ${id} and outcome = 'done' and started_at > ${now}`))
        .length,
    { timeoutMs: 90_000, everyMs: 200 },
  );
});

it("Telegram refuses in every way, and rows are not what was sealed", async () => {
  const [short, long, frozen, without, unknown] = [somebody(), somebody(), somebody(), somebody(), somebody()];
  refuse("FLOOD_WAIT_1", 420, short, { times: 1 });
  refuse("FLOOD_WAIT_600", 420, long, { times: 1 });
  refuse("FROZEN_METHOD_INVALID", 420, frozen);
  const channelId = [...(fleet.emulator.world.users.get(without.telegramId)?.joined ?? [])][0] ?? 0n;
  refuse("CHANNEL_PRIVATE", 406, without, { channelId });
  refuse("SOMETHING_NEW", 401, unknown, { times: 1 });
  const ended = (Object.keys(ENDINGS) as EndingName[]).map((error) => ({ error, account: somebody() }));
  for (const { account, error } of ended) endSessions(fleet.emulator.keys, account.telegramId, error);
  const [one, other, keyless] = [somebody(), somebody(), somebody()];
  await fleet.query(sql`
    update sessions s set ciphertext = o.ciphertext, wrapped_key = o.wrapped_key, fingerprint = o.fingerprint
    from sessions o where (s.telegram_id, o.telegram_id) in
      ((${one.telegramId}, ${other.telegramId}), (${other.telegramId}, ${one.telegramId}))`);
  await fleet.query(sql`update sessions set key_id = 'k9' where telegram_id = ${keyless.telegramId}`);
  await hurry(short, long, frozen, without, unknown, ...ended.map(({ account }) => account), one, other, keyless);

  await fleet.happened(about(short, '"error":"FLOOD_WAIT"'));
  await fleet.happened(about(long, "Telegram asked for a long wait"));
  await fleet.happened(about(frozen, '"msg":"session held"'));
  await fleet.happened(about(without, '"error":"CHANNEL_PRIVATE"'));
  await fleet.happened(about(unknown, '"error":"SOMETHING_NEW"'));
  for (const { account, error } of ended)
    await fleet.happened(about(account, `"error":"${error}"[^\\n]*"msg":"session ended by Telegram"`));
  const alarms = () =>
    fleet
      .logs()
      .split("\n")
      .filter((line) => line.includes("security alarm: what is stored does not open"));
  await eventually(() => alarms().filter((line) => line.includes('"reason":"not_authentic"')).length >= 2);
  await eventually(() => alarms().some((line) => line.includes('"reason":"unknown_key"')));
  const keyring = await fleet.command([
    "sessions",
    "export",
    String(one.telegramId),
    "--format",
    "telethon",
    "--out",
    exported,
    SURE,
  ]);
  expect(keyring.stderr).toMatch(/lacks what stored rows were sealed with: k9/);
  await fleet.query(sql`update sessions set key_id = 'k1' where key_id = 'k9'`);
});

it("commands are refused, and are not; requests hold what they should not", async () => {
  const [revoked, careless] = [somebody(), somebody()];
  leaving = somebody();
  const login = ["sessions", "login", String(CAREFUL.id), "--phone", CAREFUL.phone, "--code", CAREFUL.code];
  const wrong = await fleet.command([...login, "--password", WRONG_PASSWORD]);
  expect(wrong.stderr).toContain("PASSWORD_HASH_INVALID");
  expect(await fleet.command([...login, "--password", PASSWORD])).toMatchObject({ code: 0 });
  const exporting = ["sessions", "export", String(leaving.telegramId), "--format", "telethon", "--out", exported];
  expect(await fleet.command(exporting)).toMatchObject({ code: 2 });
  expect(existsSync(exported)).toBe(false);
  expect(await fleet.command([...exporting, SURE])).toMatchObject({ code: 0 });
  expect(await fleet.command(["sessions", "revoke", String(revoked.telegramId), "--yes"])).toMatchObject({ code: 0 });
  expect(await fleet.command(["backup", "create"])).toMatchObject({ code: 0 });
  const looked = await fleet.command(["backup", "verify", "--all"]);
  expect(looked).toMatchObject({ code: 1 });
  const dry = await fleet.command(["sessions", "import", "--string", careless.session, "--dry-run"]);
  expect(dry).toMatchObject({ code: 0 });
  expect(await fleet.command(["sessions", "import", "--string", `1${careless.session}`, "--dry-run"])).toMatchObject({
    code: 1,
  });
  const rotating = await fleet.command(["sessions", "rotate-keys"], {
    SESSION_ENCRYPTION_KEYS: fleet.keyring("k2", "k1"),
  });
  expect(rotating.stdout).toMatch(/rows wrapped by k2/);
  const refused = await fleet.command(["worker"], { SESSION_ENCRYPTION_KEYS: fleet.keyring("k1") });
  expect(refused.stderr).toMatch(/lacks what stored rows were sealed with: k2/);

  const address = /"address":"([^"]+)"/.exec(api.stderr())?.[1] ?? "";
  const { session } = careless;
  const asked = await Promise.all([
    fetch(`${address}/api/me`, { headers: { authorization: `Bearer ${session}` } }),
    fetch(`${address}/api/me?token=${session}`, { headers: { cookie: `auth_token=${session}` } }),
    fetch(`${address}/api/${session}`),
    fetch(`${address}/api/qr/callback`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: session,
    }),
  ]);
  expect(asked.map(({ status }) => status >= 400)).toEqual([true, true, true, true]);
  for (const answer of asked) places[`answer of ${answer.status}`] = Buffer.from(await answer.text());

  const out = somebody(fleet.emulator.apiIds[0]?.apiId);
  fleet.emulator.refusals.order({ error: "API_ID_INVALID", code: 400, apiId: out.apiId });
  await hurry(out);
  await fleet.happened(/"msg":"API ID out of service"/);
});

it("no key is in any log, dump, file, answer or page of metrics; one that is planted is found", async () => {
  Object.assign(places, await fleet.metrics());
  places.rows = await fleet.services.rows();
  places["Redis's keys"] = Buffer.from(await contentOfRedis(fleet.services.redisUrl, ""));
  places["Redis's file"] = await fleet.services.rdb();
  await fleet.stop();
  places.logs = Buffer.from(fleet.logs());
  Object.assign(places, fleet.services.logs());
  for (const name of readdirSync(join(dir, "backups")))
    places[`backup ${name}`] = readFileSync(join(dir, "backups", name));
  expect(places.logs.toString().match(/"msg":"Telegram API call"/g)?.length).toBeGreaterThan(2 * SESSIONS);
  expect(Object.keys(places).join("\n")).toMatch(/metrics of api.*backup /s);

  const search = createSecretSearch([...fleet.secrets(), ["password", PASSWORD], ["wrong password", WRONG_PASSWORD]]);
  const found: string[] = [];
  let searched = 0;
  const look = (name: string, bytes: Buffer) => {
    searched += bytes.length;
    found.push(...search.in(bytes).map(({ secret, form }) => `${secret} in ${name} as ${form}`));
  };
  for (const [name, bytes] of Object.entries(places)) look(name, bytes);
  for await (const [name, bytes] of fleet.services.clusterFiles()) look(`PostgreSQL's ${name}`, bytes);
  expect(found).toEqual([]);
  expect(searched).toBeGreaterThan(30_000_000);

  // The same search finds what is there: a key in a log, one in a dump, the one that was exported.
  const [first, last] = [fleet.secrets()[0], fleet.secrets()[2 * SESSIONS - 2]] as [[string, Buffer], [string, Buffer]];
  const line = `{"msg":"${Buffer.concat([Buffer.from("key "), first[1]]).toString("base64")}"}\n`;
  const middle = places.logs.indexOf("\n", places.logs.length / 2) + 1;
  const log = [places.logs.subarray(0, middle), Buffer.from(line), places.logs.subarray(middle)];
  expect(search.in(Buffer.concat(log))).toEqual([{ secret: first[0], form: "base64" }]);
  const rows = Buffer.concat([places.rows, Buffer.from(`\nsessions (1,"\\\\x${last[1].toString("hex")}")`)]);
  expect(search.in(rows)).toEqual([{ secret: last[0], form: "hexadecimal" }]);
  const inFile = search.in(readFileSync(exported)).map(({ secret }) => secret.split(" of ")[1]);
  expect(new Set(inFile)).toEqual(new Set([String(leaving.telegramId)]));

  // And one that was written once, in the servers' own files.
  const planted = { secret: first[0], form: "bytes" };
  const redis = new Redis(fleet.services.redisUrl);
  await redis.set("planted", first[1]);
  redis.disconnect();
  expect(search.in(await fleet.services.rdb())).toEqual([planted]);
  await fleet.services.postgres.start();
  await eventually(() => fleet.query(sql`select pg_logical_emit_message(true, 'planted', ${first[1]}::bytea)`));
  const inCluster: object[] = [];
  for await (const [, bytes] of fleet.services.clusterFiles()) inCluster.push(...search.in(bytes));
  expect(inCluster).toEqual([planted]);
});
