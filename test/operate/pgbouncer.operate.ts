import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, it, vi } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { WorkerTx } from "../../db/database.ts";
import { insertLease, openHeartbeat } from "../../db/leases.ts";
import { storeHistory } from "../../db/messages.ts";
import { migrate, SCHEMA_VERSION, schemaVersion } from "../../db/migrate.ts";
import { silentLog } from "../../runtime/log.ts";
import { sleep } from "../../runtime/sleep.ts";
import { initDataOf, startApiApp } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { follow, plantReader } from "../support/following.ts";
import { prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { post } from "../support/posts.ts";
import { describeWith } from "../support/programs.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";
import { type JudgedFleet, startJudgedFleet } from "./support/judged-fleet.ts";
import { type PgBouncer, startPgBouncer } from "./support/pgbouncer.ts";

/** Fewer than the processes' own pools together, by far. */
const SERVERS = 4;
const OPTIONS = { fencedStatementMs: 5_000, log: silentLog };
const WORLD = { users: 18, channels: 6, postsPerMinute: 240, answerMs: [5, 40] } as const;
let pooler: PgBouncer;

/** What a session of PostgreSQL would still know of whoever used it before. */
const LEFT_BEHIND = sql<{ left: string[] }>`
  select array_remove(array[
    nullif(current_setting('gramfleet.tenant', true), ''),
    nullif(current_setting('statement_timeout'), '0'),
    nullif(current_setting('idle_in_transaction_session_timeout'), '0'),
    (select 'prepared ' || name from pg_prepared_statements limit 1),
    (select 'listens ' || c from pg_listening_channels() c limit 1),
    (select 'advisory lock' from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() limit 1),
    (select 'temporary ' || relname from pg_class where relpersistence = 't' limit 1)
  ], null) as left`;

describeWith("pgbouncer")("behind PgBouncer in transaction mode", () => {
  prepareCommands();
  vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
  beforeAll(async () => {
    pooler = await startPgBouncer({ socketDir: inject("postgresSocket"), servers: SERVERS });
  });
  afterAll(() => pooler?.close());

  it("a database is migrated, by several at once", async () => {
    const home = await testDatabase({ empty: true });
    const url = pooler.through(home.url);
    await Promise.all([migrate(url), migrate(url), migrate(url)]);
    expect(await schemaVersion(url)).toBe(SCHEMA_VERSION);
    await home.drop();
  });

  it.each([
    ["past it for LISTEN and heartbeats", true],
    ["by it alone", false],
  ])("a fleet that goes %s parses, waits, and stores all of it once; no session keeps anything", async (_, past) => {
    const fleet = await startJudgedFleet({
      world: WORLD,
      workers: 3,
      databaseUrls: (url) => ({
        DATABASE_URL: pooler.through(url),
        ...(past ? { DATABASE_DIRECT_URL: url } : {}),
      }),
    });
    try {
      await fleet.parseEverybody();
      fleet.emulator.floods.forceFlood({ accountIds: [fleet.emulator.accounts[0]!.telegramId], seconds: 3 });
      await fleet.complete();
      if (past) await outage(fleet);
      expect(await fleet.verdict()).toEqual([]);
      const pooled = openDatabase({ url: pooler.through(fleet.databaseUrl), poolSize: 20, ...OPTIONS });
      const looks = Array.from({ length: 20 }, () => pooled.once((tx) => LEFT_BEHIND.execute(tx)));
      const left = (await Promise.all(looks)).flatMap(({ rows }) => rows[0]?.left);
      // Where there is no way past it, hints are listened for in vain: nobody relies on them, and they are heard by nobody.
      expect(left.filter((what) => past || what !== "listens gramfleet_revocations")).toEqual([]);
      await pooled.close();
    } finally {
      await fleet.close();
    }
  });

  it("leases live through a pool that is busy, where their heartbeats go past it", async () => {
    const home = await testDatabase();
    const database = openDatabase({ url: home.url, poolSize: 2, ...OPTIONS });
    const { sessionId } = await plantUser(database, 7n);
    const lease = { sessionId, token: randomUUID() };
    await database.asWorker((tx) => insertLease(tx, { ...lease, holder: "test" }));
    const past = await openHeartbeat({ url: home.url, timeoutMs: 2_000 });
    const through = await openHeartbeat({ url: pooler.through(home.url), timeoutMs: 2_000 });
    expect(await through.beat([lease])).toHaveLength(1);
    const release = await occupy(home);
    expect(await past.beat([lease])).toHaveLength(1);
    await expect(through.beat([lease])).rejects.toThrow(/timeout/);
    await release();
    expect(await eventually(() => through.beat([lease]))).toHaveLength(1);
    await Promise.all([past.close(), through.close(), database.close()]);
    await home.drop();
  });

  it.each([
    ["hinted at, past it", true],
    ["by looking alone, where there is no other way", false],
  ])("tail follows what is stored, %s; the api gives it", async (_, past) => {
    const home = await testDatabase();
    const url = pooler.through(home.url);
    const database = openDatabase({ url, poolSize: 2, ...OPTIONS });
    const userId = await plantReader(database, 11n);
    await follow(database, userId, 501n);
    const running = startGramfleet(["tail", "11", "--from-start", "--json"], {
      env: { DATABASE_URL: url, ...(past ? { DATABASE_DIRECT_URL: home.url } : {}) },
    });
    for (const id of [1, 2]) {
      await database.asWorker((tx) => storeOne(tx, id));
      await running.says(new RegExp(`text ${id}\\b`), 120_000);
    }
    running.signal("SIGINT");
    expect((await running.ended).code).toBe(0);
    const api = await startApiApp({ databaseUrl: url });
    const headers = { authorization: `tma ${initDataOf(11, api.clock.now())}` };
    const asked = Array.from({ length: 30 }, () => api.inject({ url: "/api/posts", headers }));
    for (const answer of await Promise.all(asked))
      expect(answer.json<{ posts: { id: number }[] }>().posts.map(({ id }) => id)).toEqual([1, 2]);
    await api.close();
    await database.close();
    await home.drop();
  });
});

/** Takes every server connection that the pooler has for a database, until it is called. */
async function occupy(database: Pick<TestDatabase, "url" | "name">): Promise<() => Promise<void>> {
  const clients = await Promise.all(
    Array.from({ length: SERVERS }, async () => {
      const client = new pg.Client({ connectionString: pooler.through(database.url) });
      client.on("error", () => undefined);
      await client.connect();
      await client.query("begin");
      return client;
    }),
  );
  expect(await pooler.serversActive(database.name)).toBe(SERVERS);
  return async () => {
    for (const client of clients) {
      await client.query("rollback");
      await client.end();
    }
  };
}

/** The fleet cannot reach PostgreSQL by the pooler for longer than a lease lives. */
async function outage(fleet: JudgedFleet): Promise<void> {
  const name = new URL(fleet.databaseUrl).pathname.slice(1);
  const release = await occupy({ url: fleet.databaseUrl, name });
  await sleep(fleet.config.limits.leaseMs * 2);
  await release();
}

const storeOne = (tx: WorkerTx, id: number) =>
  storeHistory(tx, {
    ...{ channelId: 501n, ptsAtCall: null, covers: null, readAt: new Date() },
    messages: [post({ id, channelId: 501n, text: `text ${id}` })],
  });
