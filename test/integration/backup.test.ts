import { randomBytes, randomUUID } from "node:crypto";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "../../db/client.ts";
import { recordConsent } from "../../db/consents.ts";
import type { Database } from "../../db/database.ts";
import { beginInstallation, lookAround } from "../../db/installation.ts";
import { insertLease, listLeases } from "../../db/leases.ts";
import { insertOwnApiId } from "../../db/own-api-ids.ts";
import { ensureSession, loadSealed, loadSession, saveSealed, setHold, transition } from "../../db/sessions.ts";
import { subscribe, subscriptionsOf } from "../../db/subscriptions.ts";
import { addUser, setPaused } from "../../db/users.ts";
import { recordWait, runningWaits } from "../../db/waits.ts";
import { silentLog } from "../../runtime/log.ts";
import { createVault } from "../../telegram/vault.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

const TENANT = "default";
const KEYRING = `old:${randomBytes(32).toString("base64")}`;
const NEWER_KEYRING = `new:${randomBytes(32).toString("base64")},${KEYRING}`;
const TELLS = { system: true, timeline: true };
const service = testRedis();
const folder = mkdtempSync(join(tmpdir(), "gramfleet-backups-"));
const backups = join(folder, "archives");
const keyFile = join(folder, "backup.key");

const vaultOf = (keyring: string) =>
  createVault(
    keyring.split(",").map((entry) => {
      const [id = "", key = ""] = entry.split(":");
      return { id, key: Buffer.from(key, "base64") };
    }),
  );
const vault = vaultOf(KEYRING);

interface Home {
  readonly place: TestDatabase;
  readonly database: Database;
}
let from: Home;
let to: Home;
let people = 5_000_000n;

const openHome = async (): Promise<Home> => {
  const place = await testDatabase();
  return { place, database: openDatabase({ url: place.url, poolSize: 4, fencedStatementMs: 1_000, log: silentLog }) };
};
const closeHome = async ({ place, database }: Home) => {
  await database.close();
  await place.drop();
};

beforeAll(async () => {
  writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
  from = await openHome();
});
beforeEach(async () => {
  if (to) await closeHome(to);
  to = await openHome();
  rmSync(backups, { recursive: true, force: true });
});
afterAll(async () => {
  for (const home of [from, to]) if (home) await closeHome(home);
  rmSync(folder, { recursive: true, force: true });
});

async function gramfleet(at: Home, line: string, env: NodeJS.ProcessEnv = {}) {
  const ran = await runHere([...line.split(" "), "--json"], {
    env: {
      DATABASE_URL: at.place.url,
      ...{ REDIS_URL: service.url, REDIS_PREFIX: service.prefix, SESSION_ENCRYPTION_KEYS: KEYRING },
      ...{ BACKUP_DIR: backups, BACKUP_ENCRYPTION_KEY_PATH: keyFile },
      ...env,
    },
  });
  return { ...ran, json: ran.stdout === "" ? null : JSON.parse(ran.stdout) };
}

async function done(at: Home, line: string, env?: NodeJS.ProcessEnv) {
  const ran = await gramfleet(at, line, env);
  expect(ran.stderr.replace(/^\{.*\}\n/gm, "")).toBe("");
  expect(ran.code).toBe(0);
  return ran.json;
}

interface Person {
  readonly telegramId: bigint;
  readonly userId: bigint;
  readonly sessionId: bigint;
  readonly secret: string;
}

/** A user with a session that opens, two channels, and whatever else is asked for. */
async function person(at: Home, given: { own?: boolean; telegramId?: bigint; secret?: string } = {}): Promise<Person> {
  people += 1n;
  const telegramId = given.telegramId ?? people;
  const secret = given.secret ?? `1-secret-of-${telegramId}-${randomUUID()}`;
  const user = await at.database.inTenant(TENANT, async (tx) => {
    const paidUntil = new Date("2030-01-01");
    const added = await addUser(tx, { tenantId: TENANT, telegramId, plan: "premium", paidUntil });
    for (const name of ["channel_one", "channel_two"])
      await subscribe(tx, { tenantId: TENANT, userId: added.user.id, name });
    return added.user;
  });
  const ownApiId = given.own ? randomUUID() : null;
  const sessionId = await at.database.asWorker(async (tx) => {
    const who = { tenantId: TENANT, userId: user.id, telegramId };
    const { id } = await ensureSession(tx, { ...who, apiId: 1001, ownApi: given.own ?? false });
    await saveSealed(tx, id, vault.seal(secret, { tenantId: TENANT, sessionId: id, telegramId, apiId: 1001 }));
    await transition(tx, id, { from: ["ABSENT"], to: "AUTHORIZED" });
    return id;
  });
  if (ownApiId)
    await at.database.asOwner(async (tx) => {
      const pair = { tenantId: TENANT, id: ownApiId, apiId: 1001 };
      await insertOwnApiId(tx, { ...pair, sealed: vault.sealApiHash("f".repeat(32), pair) });
      await sql`update users set own_api_ref = ${ownApiId}, language = 'de' where id = ${user.id}`.execute(tx);
      await sql`update sessions set own_api_ref = ${ownApiId} where id = ${sessionId}`.execute(tx);
    });
  return { telegramId, userId: user.id, sessionId, secret };
}

/** What is there of somebody. */
async function found(at: Home, telegramId: bigint, keyring = KEYRING) {
  return at.database.asOwner(async (tx) => {
    const { rows } = await sql<{ id: bigint; userId: bigint; queue: string | null; user: object }>`
      select e.id, e.user_id as "userId", s.queue, to_jsonb(u) - 'id' - 'created_at'
        || jsonb_build_object('consented_at', date_trunc('second', u.consented_at)) as user from sessions e join users u on u.id = e.user_id
      join schedules s on s.user_id = u.id where e.telegram_id = ${telegramId}`.execute(tx);
    const row = rows[0];
    if (!row) return null;
    const worker = tx as unknown as Parameters<Parameters<Database["asWorker"]>[0]>[0];
    const [session, sealed] = [await loadSession(tx, row.id), await loadSealed(worker, row.id)];
    const binding = { tenantId: TENANT, sessionId: row.id, telegramId, apiId: session?.apiId ?? 0 };
    return {
      ...row,
      state: session?.state,
      holds: session?.holds,
      keyId: sealed?.keyId,
      secret: sealed && vaultOf(keyring).open(sealed, binding),
      names: (await subscriptionsOf(tx, row.userId)).map(({ name }) => name),
    };
  });
}

const makeArchive = async (at: Home, more = ""): Promise<string> =>
  (await done(at, `backup create${more}`)).file as string;

describe("an archive", () => {
  test("holds every session that can be used, sealed as it was, and is its owner's alone", async () => {
    const one = await person(from);
    const ended = await person(from);
    await from.database.asWorker((tx) => transition(tx, ended.sessionId, { from: ["AUTHORIZED"], to: "STALE" }));
    const file = await makeArchive(from);
    const bytes = readFileSync(file);
    for (const secret of [one.secret, one.telegramId.toString(), "channel_one"])
      expect(bytes.includes(secret)).toBe(false);
    expect([statSync(file).mode & 0o777, statSync(backups).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(await done(from, "backup list")).toMatchObject([{ file, problem: null }]);
    const verified = await done(from, "backup verify --all");
    expect(verified).toMatchObject([{ file, problem: null, unopened: 0, only: null }]);
    expect(verified[0].accounts).toBe(verified[0].sessions + 1);
    const alone = await makeArchive(from, ` --session ${TENANT}:user_${one.telegramId}`);
    expect(await done(from, `backup verify ${alone}`)).toMatchObject({ sessions: 1, accounts: 1, unopened: 0 });
    const none = await gramfleet(from, `backup create --session ${TENANT}:user_1`);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("no authorised session default:user_1")]);
    expect(readdirSync(backups)).toHaveLength(2);
  });

  test("whose sessions were sealed by another keyring is whole, and says which do not open", async () => {
    await person(from);
    const file = await makeArchive(from);
    const ran = await gramfleet(from, `backup verify ${file}`, {
      SESSION_ENCRYPTION_KEYS: `other:${randomBytes(32).toString("base64")}`,
    });
    expect(ran.code).toBe(1);
    expect(ran.json.unopened).toBe(ran.json.sessions);
    expect(ran.json.named[0].why).toBe("key old is not in the keyring");
  });

  test("without a key, or with one that others may read, is not made", async () => {
    const open = join(folder, "open.key");
    writeFileSync(open, randomBytes(32), { mode: 0o644 });
    const ran = await gramfleet(from, "backup create", { BACKUP_ENCRYPTION_KEY_PATH: open });
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining("others may read")]);
    const unset = await gramfleet(from, "backup create", { BACKUP_ENCRYPTION_KEY_PATH: "" });
    expect([unset.code, unset.stderr]).toEqual([1, expect.stringContaining("BACKUP_ENCRYPTION_KEY_PATH is not set")]);
  });
});

describe("restoring", () => {
  test("into an empty database brings everything that reading takes, parked, under a newer key; twice is once", async () => {
    const one = await person(from, { own: true });
    const wait = { telegramId: one.telegramId, method: "messages.getHistory", chatId: 7n, seconds: 5_000 };
    await from.database.asWorker((tx) => recordWait(tx, wait));
    const agreed = { version: "3", language: "de", text: "was ich gelesen habe", via: "page" } as const;
    const who = { tenantId: TENANT, userId: one.userId };
    await from.database.inTenant(TENANT, (tx) => recordConsent(tx, who, agreed));
    const file = await makeArchive(from);
    const restored = await done(to, `backup restore ${file}`, { SESSION_ENCRYPTION_KEYS: NEWER_KEYRING });
    expect(restored).toMatchObject({ parked: true, replaced: 0, skipped: {} });
    expect(restored.restored).toBeGreaterThan(0);
    const before = await found(from, one.telegramId);
    const after = await found(to, one.telegramId, NEWER_KEYRING);
    expect(after).toMatchObject({
      ...{ state: "AUTHORIZED", holds: ["parked"], queue: null, keyId: "new", secret: one.secret },
      names: ["channel_one", "channel_two"],
      user: before?.user,
    });
    expect(await to.database.asWorker((tx) => runningWaits(tx, one.telegramId))).toMatchObject([
      { method: "messages.getHistory", chatId: 7n, seconds: 5_000 },
    ]);
    const again = await done(to, `backup restore ${file}`, { SESSION_ENCRYPTION_KEYS: NEWER_KEYRING });
    expect(again).toMatchObject({ usersAdded: 0, restored: 0, replaced: 0 });
    expect(again.skipped).toEqual({ "there already": restored.restored });
    expect(await found(to, one.telegramId, NEWER_KEYRING)).toEqual(after);

    const consents = (at: Home) =>
      at.database.asOwner(async (tx) => {
        const { rows } = await sql`
          select t.version, t.language, t.body, c.via, date_trunc('second', c.at) as at
          from consents c join consent_texts t on t.sha256 = c.text_sha256`.execute(tx);
        return rows;
      });
    expect(await consents(to)).toMatchObject([{ body: agreed.text, version: "3", via: "page" }]);
    expect(await consents(to)).toEqual(await consents(from));

    const asked = await gramfleet(to, `sessions release ${one.telegramId}`);
    expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining("sessions unpark")]);
    expect(await done(to, `sessions unpark ${one.telegramId} --yes`)).toMatchObject([
      { appId: `user_${one.telegramId}` },
    ]);
    expect(await found(to, one.telegramId, NEWER_KEYRING)).toMatchObject({ holds: [], queue: "parse-own" });
  });

  test("tried out writes nothing, and one session only brings that one", async () => {
    const [one, two] = [await person(from), await person(from)];
    const file = await makeArchive(from);
    expect((await done(to, `backup restore ${file} --dry-run`)).restored).toBeGreaterThan(1);
    expect(await found(to, one.telegramId)).toBeNull();
    const name = `${TENANT}:user_${two.telegramId}`;
    expect(await done(to, `backup restore ${file} --session ${name}`)).toMatchObject({ restored: 1, usersAdded: 1 });
    expect(await found(to, one.telegramId)).toBeNull();
    expect(await found(to, two.telegramId)).not.toBeNull();
    const none = await gramfleet(to, `backup restore ${file} --session ${TENANT}:user_1`);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("no session default:user_1 in the archive")]);
  });

  test("what is truncated, altered, wrongly keyed or not to be opened is refused whole: nothing is written", async () => {
    const one = await person(from);
    const file = await makeArchive(from);
    const whole = readFileSync(file);
    const refused = async (why: RegExp, env: NodeJS.ProcessEnv = {}) => {
      const ran = await gramfleet(to, `backup restore ${file}`, env);
      expect([ran.code, ran.stderr]).toEqual([1, expect.stringMatching(why)]);
      expect(ran.stderr.trim().split("\n")).toHaveLength(1);
      expect(await found(to, one.telegramId)).toBeNull();
      const { rows } = await to.database.asOwner((tx) => sql`select from users`.execute(tx));
      expect(rows).toHaveLength(0);
    };
    truncateSync(file, whole.length - 1);
    await refused(/cut short/);
    const last = Buffer.from(whole);
    last[whole.length - 1] = (last[whole.length - 1] ?? 0) ^ 1;
    writeFileSync(file, last);
    await refused(/altered/);
    writeFileSync(file, whole);
    const other = join(folder, "other.key");
    writeFileSync(other, randomBytes(32).toString("base64"), { mode: 0o600 });
    await refused(/made with another key/, { BACKUP_ENCRYPTION_KEY_PATH: other });
    await refused(/do not open/, { SESSION_ENCRYPTION_KEYS: `other:${randomBytes(32).toString("base64")}` });
    expect((await done(to, `backup restore ${file}`)).restored).toBeGreaterThan(0);
  });

  test("leaves what is newer, in use, or another's; --force goes over what is newer only", async () => {
    const names = ["newer", "older", "revoked", "leased", "elsewhere"] as const;
    const old = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await person(from)] as const)),
    ) as Record<(typeof names)[number], Person>;
    const file = await makeArchive(from);
    const here = async (name: (typeof names)[number]) => person(to, { telegramId: old[name].telegramId });
    const [newer, older, revoked, leased] = [
      await here("newer"),
      await here("older"),
      await here("revoked"),
      await here("leased"),
    ];
    await to.database.asOwner(async (tx) => {
      await sql`update sessions set saved_at = now() - interval '1 year', state_changed_at = now() - interval '1 year'
        where id = any(${[older.sessionId, leased.sessionId]}::int8[])`.execute(tx);
      await transition(tx, revoked.sessionId, { from: ["AUTHORIZED"], to: "REVOKED" });
      const other = { tenantId: TENANT, telegramId: old.elsewhere.telegramId, appId: "another_app" };
      const { user } = await addUser(tx, other);
      const { id } = await ensureSession(tx, { ...other, userId: user.id, apiId: 1001, ownApi: false });
      await transition(tx, id, { from: ["ABSENT"], to: "AUTHORIZED" });
    });
    await to.database.once((tx) =>
      insertLease(tx, { sessionId: leased.sessionId, token: randomUUID(), holder: "a worker" }),
    );
    const only = (telegramId: bigint, more = "") =>
      done(to, `backup restore ${file} --session ${TENANT}:user_${telegramId}${more}`);
    expect((await only(newer.telegramId)).skipped).toEqual({ "newer here": 1 });
    expect((await only(revoked.telegramId)).skipped).toEqual({ "newer here": 1 });
    expect((await only(leased.telegramId, " --force")).skipped).toEqual({ "in use": 1 });
    expect((await only(old.elsewhere.telegramId, " --force")).skipped).toEqual({ "another session of the account": 1 });
    expect(await only(older.telegramId)).toMatchObject({ replaced: 1, skipped: {} });
    expect(await found(to, older.telegramId)).toMatchObject({ secret: old.older.secret, holds: ["parked"] });
    expect(await found(to, newer.telegramId)).toMatchObject({ secret: newer.secret, holds: [] });
    expect(await only(newer.telegramId, " --force")).toMatchObject({ replaced: 1 });
    expect(await found(to, newer.telegramId)).toMatchObject({ secret: old.newer.secret, holds: ["parked"] });
    expect(await only(revoked.telegramId, " --force")).toMatchObject({ restored: 1 });
    expect(await found(to, revoked.telegramId)).toMatchObject({ state: "AUTHORIZED", secret: old.revoked.secret });
  });

  test("a user who is there keeps what they have become since", async () => {
    const one = await person(from);
    const file = await makeArchive(from);
    await person(to, { telegramId: one.telegramId, secret: one.secret });
    await to.database.inTenant(TENANT, (tx) => setPaused(tx, one.telegramId, true));
    await done(to, `backup restore ${file}`);
    expect(await found(to, one.telegramId)).toMatchObject({ user: { paused: true }, holds: [] });
  });
});

describe("retired", () => {
  const begin = (home: Home) =>
    home.database.asWorker(async (tx) => beginInstallation(tx, (await lookAround(tx, TELLS)).here, null));

  test("an installation's sessions are parked there for good, and restored elsewhere without being parked", async () => {
    const old = await openHome();
    const one = await person(old);
    const early = await makeArchive(old);
    const refusedEmpty = await gramfleet(old, "retire --yes");
    expect([refusedEmpty.code, refusedEmpty.stderr]).toEqual([1, expect.stringContaining("nothing to retire")]);
    await begin(old);
    const begun = await makeArchive(old);
    const premature = await gramfleet(to, `backup restore ${begun} --old-database ${old.place.url}`);
    expect([premature.code, premature.stderr]).toEqual([1, expect.stringContaining("is not retired")]);
    await old.database.asWorker((tx) => setHold(tx, one.sessionId, "frozen", true));
    // Left by a process that died: waited for until it can be in use no more.
    const left = { sessionId: one.sessionId, token: randomUUID(), holder: "died" };
    await old.database.once((tx) => insertLease(tx, left));
    const retired = await gramfleet(old, "retire --yes", { TIMES_DIVISOR: "50" });
    expect([retired.code, retired.json]).toEqual([0, { retired: true, parked: 1 }]);
    expect(retired.stderr).toContain("in use by nobody any more: 1 leases");
    expect(await old.database.once(listLeases)).toEqual([]);
    expect(await found(old, one.telegramId)).toMatchObject({ holds: ["frozen", "parked"], queue: null });
    const late = await makeArchive(old);

    const wrong = await gramfleet(to, `backup restore ${early} --old-database ${old.place.url}`);
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining("not the one that the archive was made of"),
    ]);
    expect((await done(to, `backup restore ${early} --dry-run`)).parked).toBe(true);
    expect((await done(to, `backup restore ${begun} --dry-run --old-database ${old.place.url}`)).parked).toBe(false);
    expect(await done(to, `backup restore ${late}`)).toMatchObject({ parked: false, restored: 1 });
    expect(await found(to, one.telegramId)).toMatchObject({ state: "AUTHORIZED", holds: ["frozen"] });
    await closeHome(old);
  });

  test("adopted again it is another one, with its sessions still parked", async () => {
    const old = await openHome();
    const one = await person(old);
    await begin(old);
    await done(old, "retire --yes");
    const adopted = await gramfleet(old, "adopt --yes");
    expect([adopted.code, adopted.json]).toEqual([0, { adopted: true, refused: "retired", sessions: 1, parked: 0 }]);
    expect(adopted.stderr).toContain("Telegram ends each session that both open");
    expect(await found(old, one.telegramId)).toMatchObject({ holds: ["parked"] });
    expect(await done(old, "adopt")).toEqual({ adopted: false, refused: null });
    await closeHome(old);
  });
});

describe("pruning", () => {
  test("deletes what is old, but never the newest that is whole; without a whole one nothing", async () => {
    await person(from);
    const files: string[] = [];
    for (let made = 0; made < 4; made += 1) files.push(await makeArchive(from));
    const keep = { BACKUP_RETENTION_DAYS: "0.0000001" };
    const [first = "", second = "", third = "", fourth = ""] = files;
    // The newest is broken, as by a disk that was full.
    truncateSync(fourth, 300);
    utimesSync(fourth, new Date(), new Date());
    expect((await done(from, "backup prune")).deleted).toEqual([]);
    expect((await done(from, "backup prune", keep)).deleted.toSorted()).toEqual([first, second, fourth].toSorted());
    expect(await done(from, "backup list")).toMatchObject([{ file: third }]);
    truncateSync(third, 300);
    expect((await done(from, "backup prune", keep)).deleted).toEqual([]);
  });
});
