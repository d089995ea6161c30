import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { Client } from "pg";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { openDataDir } from "../../embedded/data-dir.ts";
import { type HeldServices, type HoldOptions, holdServices } from "../../embedded/hold.ts";
import { postgresUrl, SUPERUSER } from "../../embedded/postgres.ts";
import { redisUrl } from "../../embedded/redis.ts";
import { findRunDir } from "../../embedded/run-dir.ts";
import { openServices } from "../../embedded/services.ts";
import { silentLog } from "../../runtime/log.ts";
import { builtProgram } from "../support/build.ts";
import { fileDataDir, testDataDir } from "../support/data-dir.ts";
import { eventually } from "../support/eventually.ts";

const path = process.env.PATH ?? "";
const asRoot = process.getuid?.() === 0;
/** Of all the tests that are not about a directory's first use: to make a cluster costs more than the rest of a test. */
const kept = fileDataDir();
let built: string;

beforeAll(async () => {
  built = await builtProgram();
});

const take = (dir: string, more: Partial<HoldOptions> = {}): Promise<HeldServices> =>
  holdServices({
    ...{ dataDir: openDataDir(dir), needs: ["postgres", "redis"], path, log: silentLog, lingerMs: 0 },
    supervisor: (args) => ({
      file: process.execPath,
      args: [join(built, "embedded", "supervisor-main.js"), ...args],
    }),
    ...more,
  });

/** Holds the services of `dir`; lets go, and waits until they are stopped, at the test's end. */
async function hold(dir: string, more: Partial<HoldOptions> = {}): Promise<HeldServices> {
  const held = await take(dir, more);
  onTestFinished(async () => {
    await held.close();
    await stopped(dir);
  });
  return held;
}

/** Its supervisor takes its note away last of all. */
const stopped = (dir: string) =>
  eventually(() => !existsSync(dir) || findRunDir(openDataDir(dir)) === null, {
    timeoutMs: 60_000,
    what: "the supervisor's end",
  });

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

const postmasterPid = (held: HeldServices) =>
  Number(readFileSync(join(held.cluster, "postmaster.pid"), "utf8").split("\n")[0]);

test("commands that start at once, and for the first time, share one supervisor", async () => {
  const dir = kept;
  const held = await Promise.all([take(dir), take(dir), take(dir), take(dir)]);
  expect(new Set(held.map((one) => one.supervisorPid)).size).toBe(1);
  for (const one of held) await one.close();
  await stopped(dir);
});

test("fills in what is not configured, shares it between commands, and keeps it when all are gone", async () => {
  const dataDir = kept;
  const open = () => openServices({ env: { PATH: path }, dataDir, database: "world_1", log: silentLog });
  const first = await open();
  const second = await open();
  expect(second.env).toEqual(first.env);
  expect(first.lines.map(({ service, embedded }) => [service, embedded])).toEqual([
    ["PostgreSQL", true],
    ["Redis", true],
    ["keyring", true],
  ]);
  expect(JSON.stringify(first.lines)).not.toContain(String(first.env.SESSION_ENCRYPTION_KEYS).slice(9));
  expect(statSync(join(dataDir, "keyring")).mode & 0o077).toBe(0);
  const redis = new Redis(String(first.env.REDIS_URL));
  expect(await redis.ping()).toBe("PONG");
  redis.disconnect();
  await query(String(first.env.DATABASE_URL), "create table kept as select 42 as answer");
  await first.close();
  await second.close();
  await stopped(dataDir);

  const later = await open();
  expect(await query(String(later.env.DATABASE_URL), "select answer from kept")).toEqual([{ answer: 42 }]);
  expect(later.env.SESSION_ENCRYPTION_KEYS).toBe(first.env.SESSION_ENCRYPTION_KEYS);
  await later.close();
  await stopped(dataDir);
});

test("embeds nothing in production, and names what is missing", async () => {
  const env = { NODE_ENV: "production", REDIS_URL: "redis://127.0.0.1:6379" };
  await expect(openServices({ env, dataDir: testDataDir(), database: "d", log: silentLog })).rejects.toThrow(
    "not set: DATABASE_URL, SESSION_ENCRYPTION_KEYS (with NODE_ENV=production nothing is embedded)",
  );
});

test("neither misses nor starts what a command does not need", async () => {
  const env = { NODE_ENV: "production", DATABASE_URL: "postgresql://db.example/fleet" };
  const dataDir = join(testDataDir(), "untouched");
  const services = await openServices({ env, dataDir, database: "d", needs: ["DATABASE_URL"], log: silentLog });
  expect(services.env).toEqual(env);
  expect(services.lines.map((line) => line.service)).toEqual(["PostgreSQL"]);
});

test("leaves alone what is configured, under its earlier name too, and shows no credentials of it", async () => {
  const dataDir = join(testDataDir(), "untouched");
  const env = {
    TELEGRAM_DATABASE_URL: "postgresql://me:canary@db.example/fleet",
    REDIS_URL: "redis://:canary@cache.example:6379/2",
    SESSION_ENCRYPTION_KEYS: "canary",
  };
  const services = await openServices({ env, dataDir, database: "d", log: silentLog });
  expect(services.env).toEqual(env);
  expect(services.lines.map((line) => line.where)).toEqual([
    "db.example/fleet",
    "cache.example:6379/2",
    "SESSION_ENCRYPTION_KEYS",
  ]);
  expect(existsSync(dataDir)).toBe(false);
});

test("a holder that is killed lets go", async () => {
  const dir = testDataDir();
  const holder = spawn(process.execPath, [
    ...["--import", "tsx", "--input-type=module", "--eval"],
    `
      const { holdServices } = await import("./embedded/hold.ts");
      const { openDataDir } = await import("./embedded/data-dir.ts");
      const log = { warn() {}, error() {} };
      await holdServices({ dataDir: openDataDir(${JSON.stringify(dir)}), needs: ["redis"], path: process.env.PATH, log, lingerMs: 0 });
      console.log("held");
    `,
  ]);
  const said = new Promise((resolve) => holder.stdout.once("data", resolve));
  expect(String(await said)).toBe("held\n");
  holder.kill("SIGKILL");
  await stopped(dir);
});

test("a killed supervisor is replaced, and its servers run on", async () => {
  const dir = kept;
  const held = await hold(dir);
  const client = new Client({ connectionString: postgresUrl(held.postgresDir, "postgres", SUPERUSER) });
  await client.connect();
  const redis = new Redis(redisUrl(held.redisSocket));
  await redis.set("left", "here");
  process.kill(held.supervisorPid, "SIGKILL");
  const successor = await eventually(
    async () => {
      const next = await take(dir);
      if (next.supervisorPid !== held.supervisorPid) return next;
      await next.close();
      return null;
    },
    { timeoutMs: 60_000, what: "another supervisor" },
  );
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(await redis.get("left")).toBe("here");
  await client.end();
  redis.disconnect();
  const pid = postmasterPid(held);
  await successor.close();
  await held.close();
  await stopped(dir);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("a PostgreSQL that was killed comes back, with the pid file it left", async () => {
  const dir = kept;
  const held = await hold(dir, { needs: ["postgres"] });
  const url = postgresUrl(held.postgresDir, "postgres", SUPERUSER);
  await query(url, "create table kept as select 7 as answer");
  process.kill(postmasterPid(held), "SIGKILL");
  const rows = await eventually(() => query(url, "select answer from kept"), { timeoutMs: 60_000 });
  expect(rows).toEqual([{ answer: 7 }]);
});

test("a pid file that names another process is no obstacle", async () => {
  const dir = kept;
  const held = await take(dir, { needs: ["postgres"] });
  await held.close();
  await stopped(dir);
  const file = join(held.cluster, "postmaster.pid");
  writeFileSync(file, `${process.pid}\n${held.cluster}\n1\n5432\n/nowhere\n\n\nready\n`, { mode: 0o600 });
  const again = await hold(dir, { needs: ["postgres"] });
  expect(await query(postgresUrl(again.postgresDir, "postgres", SUPERUSER), "select 1 as one")).toEqual([{ one: 1 }]);
});

test("without redis-server the error says what to type", async () => {
  const dir = testDataDir();
  await expect(hold(dir, { needs: ["redis"], path: "/nonexistent" })).rejects.toThrow(
    /^redis-server is not installed: .*(install|add|-S) \S+; or set REDIS_URL/,
  );
  await stopped(dir);
});

test("a folder that is no cluster is refused, and left as it is", async () => {
  const dir = testDataDir();
  mkdirSync(join(dir, "postgres"));
  writeFileSync(join(dir, "postgres", "mine.txt"), "keep");
  await expect(hold(dir, { needs: ["postgres"] })).rejects.toThrow("is no PostgreSQL cluster");
  await stopped(dir);
  expect(readFileSync(join(dir, "postgres", "mine.txt"), "utf8")).toBe("keep");
});

test.skipIf(!asRoot)("as root under a closed home, PostgreSQL's files lie where its user reaches them", async () => {
  const home = mkdtempSync(join(tmpdir(), "gramfleet-home-"));
  chmodSync(home, 0o700);
  const dir = join(home, ".gramfleet");
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const held = await take(dir, { needs: ["postgres"] });
  onTestFinished(() => rmSync(join(held.cluster, ".."), { recursive: true, force: true }));
  expect(held.cluster.startsWith(home)).toBe(false);
  await query(postgresUrl(held.postgresDir, "postgres", SUPERUSER), "create table kept as select 1 as answer");
  await held.close();
  await stopped(dir);
  const again = await hold(dir, { needs: ["postgres"] });
  expect(again.cluster).toBe(held.cluster);
  expect(await query(postgresUrl(again.postgresDir, "postgres", SUPERUSER), "select answer from kept")).toEqual([
    { answer: 1 },
  ]);
});
