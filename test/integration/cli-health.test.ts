import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Part } from "../../cli/health/part.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { SCHEMA_VERSION } from "../../db/migrate.ts";
import { redisUrl, startRedis } from "../../embedded/redis.ts";
import { announcePresence } from "../../queue/presence.ts";
import { createProducer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { fileDataDir } from "../support/data-dir.ts";
import { eventually } from "../support/eventually.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { gramfleet, jsonOf, prepareCommands } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";

/** Parts are really taken away: nothing here is told to be down that is not. */
const dataDir = fileDataDir();
const service = testRedis();
const redis = openRedis(service.url, "producer");
const running = new Lifecycle(silentLog);
let home: TestDatabase;
let database: Database;
let env: NodeJS.ProcessEnv;

prepareCommands();
beforeAll(async () => {
  home = await testDatabase();
  database = openDatabase({ url: home.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
  env = {
    DATABASE_URL: home.url,
    REDIS_URL: service.url,
    REDIS_PREFIX: service.prefix,
    MASTER_API_IDS: "1001",
    MASTER_API_HASHES: "a".repeat(32),
  };
  await plantUser(database, 801n, { apiId: 1001 });
  const said = { redis, prefix: service.prefix, everyMs: 200, log: silentLog };
  await eventually(() => redis.status === "ready");
  announcePresence(running, { ...said, role: "scheduler", facts: () => ({ scannedSecondsAgo: 0.2 }) });
  announcePresence(running, { ...said, role: "worker", facts: () => ({ active: 2 }) });
});
afterAll(async () => {
  await running.close();
  redis.disconnect();
  await database?.close();
  await home?.drop();
});

interface Health {
  readonly health: string;
  readonly parts: readonly Part[];
}

async function health(more: NodeJS.ProcessEnv = {}, ...args: string[]) {
  const ran = await runHere(["health", "--json", "--data-dir", dataDir, ...args], { env: { ...env, ...more } });
  const told = jsonOf<Health>(ran);
  const states = Object.fromEntries(told.parts.map(({ name, state }) => [name, state]));
  return { ran, told, states, part: (name: string) => told.parts.find((part) => part.name === name) };
}

it("says ok of each part that is, and exits with 0", async () => {
  await eventually(async () => (await health()).told.health === "ok");
  const { ran, states, part } = await health();
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  expect(states).toEqual({
    ...{ PostgreSQL: "ok", Redis: "ok", schedulers: "ok", workers: "ok", queues: "ok", users: "ok", "API IDs": "ok" },
    ...{ waits: "ok", sessions: "ok", completeness: "ok", installation: "ok", retention: "ok", clocks: "ok" },
    ...{ api: "off", bot: "off", keyring: "off", backups: "off", disk: "off" },
  });
  expect(part("workers")?.says).toBe("1 worker runs, 2 jobs under way");
  const shown = await runHere(["health", "--data-dir", dataDir], { env });
  expect(shown.stdout).toMatch(/^health +part +what is so\nok +PostgreSQL +\d/);
  expect(shown.stdout).toMatch(/\neverything is ok\n$/);
});

it("a paused queue is degraded, says how to resume it, and fails where that is asked for", async () => {
  const producer = createProducer({ redis, prefix: service.prefix, log: silentLog });
  const job = { tenantId: "default", sessionId: "1" };
  await producer.add({ name: "verify-session", queue: "parse-1001", data: job, urgency: "manual", dueAt: new Date() });
  await producer.pause("parse-1001");
  const { ran, told, part } = await health();
  expect([ran.code, told.health]).toEqual([0, "degraded"]);
  expect(part("queues")).toMatchObject({
    state: "degraded",
    says: "parse-1001 is paused, 1 job in it",
    todo: "gramfleet queue resume parse-1001",
  });
  expect((await health({}, "--strict")).ran.code).toBe(1);
  const shown = await runHere(["health", "--data-dir", dataDir], { env });
  expect(shown.stdout).toMatch(
    /\ndegraded +queues +parse-1001 is paused, 1 job in it\n +→ gramfleet queue resume parse-1001\n/,
  );
  expect(shown.stdout).toMatch(/\ndegraded: 1 of 18 parts\n$/);
  await producer.resume("parse-1001");
  await producer.close();
});

it("no worker, no scheduler: down", async () => {
  const { ran, states, part } = await health({ REDIS_PREFIX: `${service.prefix}-nobody` });
  expect(ran.code).toBe(1);
  expect(states).toMatchObject({ schedulers: "down", workers: "down", PostgreSQL: "ok", Redis: "ok", queues: "ok" });
  expect(part("workers")).toMatchObject({ says: "none runs", todo: expect.stringContaining("gramfleet worker") });
});

it("an older schema says how to bring it up to date", async () => {
  const older = await testDatabase();
  const through = openDatabase({ url: older.url, poolSize: 1, fencedStatementMs: 1_000, log: silentLog });
  await through.asOwner((tx) =>
    tx
      .deleteFrom("kysely_migration" as never)
      .where("name" as never, "=", SCHEMA_VERSION as never)
      .execute(),
  );
  await through.close();
  const { ran, part } = await health({ DATABASE_URL: older.url });
  await older.drop();
  expect(ran.code).toBe(1);
  expect(part("PostgreSQL")).toMatchObject({
    state: "down",
    says: expect.stringMatching(/^the database has the older schema \d{4}-/),
    todo: "run gramfleet migrate",
  });
});

it("Redis stopped: it and what lies in it are down, the rest is told all the same", async () => {
  const socket = join(dataDir, "redis.sock");
  const server = await startRedis({ socket, logFile: join(dataDir, "redis.log"), path: process.env.PATH ?? "" });
  const own = { REDIS_URL: redisUrl(socket) };
  expect((await health(own)).states).toMatchObject({ Redis: "ok", queues: "ok", workers: "down" });
  await server.stop();
  const { ran, states, part } = await health(own);
  expect(ran).toMatchObject({ code: 1, stderr: "" });
  expect(states).toMatchObject({ Redis: "down", queues: "down", workers: "down", PostgreSQL: "ok", sessions: "ok" });
  expect(part("Redis")).toMatchObject({ says: "does not answer (ENOENT)", todo: "start it, or correct REDIS_URL" });
  expect(part("queues")?.says).toBe("cannot be told while Redis is down");
});

it("what accepts and never answers is down after three seconds, and keeps nobody", async () => {
  const sockets = new Set<Socket>();
  const silent: Server = createServer((socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  const ran = await gramfleet(["health", "--json"], {
    env: { ...env, DATABASE_URL: `postgresql://nobody@127.0.0.1:${port}/nothing` },
  });
  for (const socket of sockets) socket.destroy();
  silent.close();
  expect(ran).toMatchObject({ code: 1, stderr: "" });
  const { parts } = jsonOf<Health>(ran);
  const says = Object.fromEntries(parts.map((part) => [part.name, part.says]));
  expect(says).toMatchObject({
    PostgreSQL: "did not answer in 3 s",
    sessions: "cannot be told while PostgreSQL is down",
    schedulers: "1 scheduler runs",
  });
});
