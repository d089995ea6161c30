import { randomBytes, randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { listSessions } from "../../db/sessions.ts";
import type { ControlAccount } from "../../emulator/control-protocol.ts";
import type { Emulator } from "../../emulator/start.ts";
import { queueOf } from "../../queue/jobs.ts";
import { createProducer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { databaseText, formsOf } from "../support/canary.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { runHere } from "../support/run-here.ts";
import { prepareFleet, type RunningFleet } from "../support/running-fleet.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

/** What of somebody is a secret, or says who they are. */
const canary = {
  phone: `79${String(Math.floor(1e8 + Math.random() * 8e8))}`,
  webToken: randomBytes(32).toString("hex"),
  legacyToken: randomBytes(24).toString("hex"),
  name: `Канарейка-${randomBytes(6).toString("hex")}`,
};

let emulator: Emulator;
let fleet: RunningFleet;
let env: Record<string, string>;

beforeAll(async () => {
  emulator = await startTestEmulator({ users: 4, channels: 2 });
  fleet = await prepareFleet(emulator, { workers: 1, env: { TIMES_DIVISOR: "5" } });
  await fleet.seed(emulator.accounts);
  const { databaseUrl, redisUrl, redisPrefix } = fleet.config;
  env = { DATABASE_URL: databaseUrl ?? "", REDIS_URL: redisUrl ?? "", REDIS_PREFIX: redisPrefix };
  await fleet.start();
  await fleet.parseEverybody();
});
afterAll(async () => {
  await fleet?.close();
  await emulator?.close();
});

const account = (index: number) => emulator.accounts[index] as ControlAccount;
async function sessionOf({ telegramId }: ControlAccount) {
  const sessions = await fleet.database.inTenant("default", (tx) => listSessions(tx));
  const found = sessions.find((session) => session.telegramId === telegramId);
  if (!found) throw new Error(`no session of ${telegramId}`);
  return found;
}

/** Whatever else there may be of somebody who has been here for long. */
async function livedIn(whom: ControlAccount): Promise<{ userId: bigint; sessionId: bigint }> {
  const { userId, id: sessionId } = await sessionOf(whom);
  await fleet.database.asOwner(async (tx) => {
    const run = (text: ReturnType<typeof sql>) => text.execute(tx);
    const pair = randomUUID();
    await run(sql`insert into own_api_ids (id, tenant_id, api_id, ciphertext, wrapped_key, key_id, fingerprint, fingerprint_size)
      values (${pair}, 'default', 77, ${Buffer.from("c")}, ${Buffer.from("w")}, 'k', ${Buffer.from("f")}, 1)`);
    await run(sql`update users set auth_token = ${canary.legacyToken}, own_api_ref = ${pair} where id = ${userId}`);
    await run(sql`insert into telegram_accounts (tenant_id, phone, own_api_ref, user_id)
      values ('default', ${canary.phone}, ${pair}, ${userId})`);
    await run(
      sql`insert into user_sessions (tenant_id, user_id, auth_token) values ('default', ${userId}, ${canary.webToken})`,
    );
    await run(sql`insert into legacy_logouts (auth_token, tenant_id, user_id)
      values (${randomBytes(32).toString("hex")}, 'default', ${userId})`);
    await run(sql`with i as (
        insert into invites (tenant_id, code_hash, plan, days, max_uses, uses)
        values ('default', ${randomBytes(32)}, 'trial', 7, 5, 1) returning id)
      insert into invite_redemptions (invite_id, user_id, tenant_id) select id, ${userId}, 'default' from i`);
    const hash = randomBytes(32);
    await run(sql`insert into consent_texts (sha256, version, language, body) values (${hash}, '1', 'en', 'yes')`);
    await run(
      sql`insert into consents (tenant_id, user_id, text_sha256, via) values ('default', ${userId}, ${hash}, 'bot')`,
    );
    await run(
      sql`insert into account_losses (session_id, kind, api_id, own_api) values (${sessionId}, 'frozen', 1001, false)`,
    );
    await run(sql`insert into waits (telegram_id, method, until, seconds, process_until)
      values (${whom.telegramId}, 'canary', now() + interval '1 day', 86400, now() + interval '1 day')`);
    await run(sql`insert into subscriptions (tenant_id, user_id, name, state, look_at)
      values ('default', ${userId}, ${canary.name}, 'not_found', now() + interval '1 day')`);
  });
  return { userId, sessionId };
}

/** Jobs of theirs in every state that there is. */
async function jobsOf(whom: { userId: bigint; sessionId: bigint; queue: string }): Promise<void> {
  const redis = openRedis(env.REDIS_URL ?? "", "producer");
  const producer = createProducer({ redis, prefix: env.REDIS_PREFIX ?? "", log: silentLog });
  try {
    const common = { urgency: "manual", dueAt: new Date() } as const;
    const user = { tenantId: "default", userId: whom.userId.toString() };
    const session = { tenantId: "default", sessionId: whom.sessionId.toString() };
    const done = await producer.add({ ...common, name: "verify-session", queue: whom.queue, data: session });
    await producer.waitFor(done, 30_000);
    // Nobody serves this one.
    await producer.addBulk([
      { ...common, name: "parse-user", queue: "parse-9", data: user },
      { ...common, name: "backfill-channel", queue: "parse-9", data: { ...user, channelId: "1" }, urgency: "backfill" },
      { ...common, name: "verify-session", queue: "parse-9", data: session },
    ]);
    for (const queue of await producer.openQueues()) {
      if (queue.name !== "parse-9") continue;
      await queue.add("parse-user", user, { delay: 3_600_000 });
      const logged = await queue.add("parse-user", { ...user, note: canary.name });
      await logged.log(`${canary.name} was here`);
    }
  } finally {
    await producer.close();
    redis.disconnect();
  }
}

/** Tables that hold anything under this number, by each column that such a number stands in. */
async function tablesWith(column: string, value: bigint): Promise<string[]> {
  return fleet.database.asOwner(async (tx) => {
    const { rows } = await sql<{ name: string }>`
      select c.table_name as name from information_schema.columns c
      join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
      where c.table_schema = current_schema() and t.table_type = 'BASE TABLE' and c.column_name = ${column}`.execute(
      tx,
    );
    const holding: string[] = [];
    for (const { name } of rows) {
      const found = await sql`select 1 from ${sql.table(name)} where ${sql.ref(column)} = ${value} limit 1`.execute(tx);
      if (found.rows.length > 0) holding.push(name);
    }
    return holding.sort();
  });
}
const tablesThatHave = async (column: string): Promise<string[]> => {
  const { rows } = await fleet.database.asOwner((tx) =>
    sql<{ name: string }>`
      select c.table_name as name from information_schema.columns c
      join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
      where c.table_schema = current_schema() and t.table_type = 'BASE TABLE' and c.column_name = ${column}
      order by 1`.execute(tx),
  );
  return rows.map(({ name }) => name);
};

/** Every key of this fleet's with what it holds. */
async function redisText(): Promise<string> {
  const redis = new Redis({ path: decodeURIComponent(new URL(env.REDIS_URL ?? "").pathname) });
  try {
    const texts: string[] = [];
    for (const key of await redis.keys(`*${env.REDIS_PREFIX}*`))
      texts.push(key, (await redis.dumpBuffer(key))?.toString("latin1") ?? "");
    return texts.join("\n");
  } finally {
    redis.disconnect();
  }
}

it("erases a person from every table and every key, logged out at Telegram first", async () => {
  const whom = account(0);
  const { userId, sessionId } = await livedIn(whom);
  await jobsOf({ userId, sessionId, queue: queueOf(await sessionOf(whom)) });
  const secrets = { ...canary, telegramId: whom.telegramId.toString() };
  const before = { database: await databaseText(fleet.database), redis: await redisText() };
  for (const [name, secret] of Object.entries(secrets))
    expect(before.database.includes(secret) || before.redis.includes(secret), name).toBe(true);
  // Whatever may hold somebody does hold them: what is added later is not forgotten here.
  const inMotion = ["erasures", "leases", "session_revocations"];
  expect([...(await tablesWith("user_id", userId)), ...inMotion].sort()).toEqual(
    expect.arrayContaining(await tablesThatHave("user_id")),
  );
  expect([...(await tablesWith("session_id", sessionId)), ...inMotion].sort()).toEqual(
    expect.arrayContaining(await tablesThatHave("session_id")),
  );
  const keyId = emulator.keys.ofAccount(whom.telegramId)[0]?.keyId;
  const others = (await tablesWith("user_id", (await sessionOf(account(1))).userId)).length;

  const ran = await runHere(["users", "delete", String(whom.telegramId), "--yes", "--json"], { env });
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  const said = JSON.parse(ran.stdout);
  expect(said).toMatchObject({ telegramId: String(whom.telegramId), sessions: [{ loggedOut: true }] });
  for (const table of [
    "users",
    "sessions",
    "runs",
    "subscriptions",
    "channel_access",
    "telegram_accounts",
    "own_api_ids",
  ])
    expect(said.erased[table], table).toBeGreaterThan(0);
  expect(said.erased.jobs).toBeGreaterThanOrEqual(5);
  expect(said.remains.length).toBeGreaterThan(0);

  const logOuts = emulator.witness.calls({ method: "auth.LogOut" }).filter((call) => call.keyId === keyId);
  expect(logOuts.map(({ outcome }) => outcome)).toEqual(["ok"]);
  const [database, redis] = [await databaseText(fleet.database), await redisText()];
  for (const [name, secret] of Object.entries(secrets))
    for (const [form, text] of formsOf(secret)) {
      expect(database.includes(text), `${name} as ${form}, in PostgreSQL`).toBe(false);
      expect(redis.includes(text), `${name} as ${form}, in Redis`).toBe(false);
    }
  expect(await tablesWith("user_id", userId)).toEqual([]);
  expect(await tablesWith("session_id", sessionId)).toEqual([]);
  expect((await tablesWith("user_id", (await sessionOf(account(1))).userId)).length).toBe(others);
});

it("says so where nobody can log them out now, and goes on without whoever asked", async () => {
  const whom = account(1);
  await fleet.stop();
  const id = String(whom.telegramId);
  const unsure = await runHere(["users", "delete", id], { env });
  expect(unsure.code).toBe(2);
  const waited = await runHere(["users", "delete", id, "--yes", "--timeout", "1"], { env });
  expect(waited.code).toBe(1);
  expect(waited.stderr).toContain("is not logged out yet (AUTHORIZED, revoking)");
  expect((await sessionOf(whom)).state).toBe("AUTHORIZED");
  await fleet.start();
  const { userId } = await sessionOf(whom);
  await eventually(async () => (await tablesWith("user_id", userId)).length === 0, { timeoutMs: 80_000, everyMs: 500 });
  expect(emulator.keys.ofAccount(whom.telegramId)).toEqual([]);
});

it("--force deletes the key without logging out, and says what the person does then", async () => {
  const whom = account(2);
  await fleet.stop();
  const { userId } = await sessionOf(whom);
  const forced = await runHere(["users", "delete", String(whom.telegramId), "--yes", "--force", "--timeout", "1"], {
    env,
  });
  expect(forced, forced.stderr).toMatchObject({ code: 0 });
  expect(forced.stdout).toContain("not logged out at Telegram: the person ends the session there");
  expect(await tablesWith("user_id", userId)).toEqual([]);
  expect(emulator.keys.ofAccount(whom.telegramId)).toHaveLength(1);
});
