import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { redisUrl, startRedis } from "../../embedded/redis.ts";
import { fileDataDir, testDataDir } from "../support/data-dir.ts";
import { gramfleet, jsonOf, prepareCommands, type Ran } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";
import { testDatabase, testRedis } from "../support/services.ts";

const dataDir = fileDataDir();
prepareCommands();

const HASH = "0123456789abcdef0123456789abcdef";
const configured = () => ({
  DATABASE_URL: "postgresql://gramfleet:hunter2@127.0.0.1:1/gramfleet",
  REDIS_URL: "redis://:hunter2@127.0.0.1:1",
  MASTER_API_IDS: "1001",
  MASTER_API_HASHES: HASH,
  SESSION_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString("base64")}`,
});

/** One line for the operator, nothing on standard output, and none of what was configured. */
function expectRefusal(ran: Ran, code: 1 | 2, line: string | RegExp): void {
  expect(ran.stderr).toMatch(/^gramfleet: [^\n]+\n$/);
  expect(ran).toMatchObject({ code, stdout: "" });
  if (typeof line === "string") expect(ran.stderr).toBe(`gramfleet: ${line}\n`);
  else expect(ran.stderr).toMatch(line);
  for (const secret of ["hunter2", HASH, Buffer.alloc(32, 7).toString("base64")])
    expect(ran.stderr).not.toContain(secret);
}

describe("variables", () => {
  const MALFORMED = {
    LOG_LEVEL: "hunter2",
    DATABASE_URL: "mysql://hunter2",
    REDIS_URL: "hunter2",
    MASTER_API_IDS: "hunter2",
    SESSION_ENCRYPTION_KEYS: "hunter2",
    WORKER_CONCURRENCY: "-1",
  };

  it("that are malformed or missing are named in one message, before anything is started", async () => {
    const runs = await Promise.all([
      gramfleet(["worker", "--data-dir", join(dataDir, "none")], { env: MALFORMED }),
      runHere(["up", "--data-dir", join(dataDir, "none")], { env: MALFORMED }),
    ]);
    for (const ran of runs) {
      expectRefusal(ran, 1, /^gramfleet: configuration: /);
      for (const name of Object.keys(MALFORMED)) expect(ran.stderr).toContain(`${name} `);
    }
    expect(existsSync(join(dataDir, "none"))).toBe(false);
  });

  it("that are missing are not embedded in production", async () => {
    const env = { NODE_ENV: "production", LOG_LEVEL: "hunter2" };
    const [worker, up, users] = await Promise.all(
      [["worker"], ["up"], ["users", "list"]].map((args) =>
        runHere([...args, "--data-dir", join(dataDir, "none")], { env }),
      ),
    );
    const names = ["DATABASE_URL", "REDIS_URL", "MASTER_API_IDS", "SESSION_ENCRYPTION_KEYS"];
    for (const ran of [worker, up] as Ran[]) {
      expectRefusal(ran, 1, /LOG_LEVEL/);
      for (const name of names) expect(ran.stderr).toContain(`${name} is not set`);
    }
    expectRefusal(users as Ran, 1, /DATABASE_URL is not set$/m);
    expect(existsSync(join(dataDir, "none"))).toBe(false);
  });

  it("come from .env too, where they are not set", async () => {
    const cwd = testDataDir();
    writeFileSync(join(cwd, ".env"), "NODE_ENV=production\nDATABASE_URL=mysql://hunter2\n");
    const fromFile = await gramfleet(["users", "list"], { cwd });
    expectRefusal(fromFile, 1, "configuration: DATABASE_URL must begin with postgres:// or postgresql://");
    const { DATABASE_URL } = configured();
    const over = await runHere(["users", "list"], { cwd, env: { DATABASE_URL } });
    expectRefusal(over, 1, /PostgreSQL refuses connections/);
    writeFileSync(join(cwd, ".env"), "NODE_ENV=production\nhunter2\n");
    const [refused, help] = await Promise.all([
      runHere(["users", "list"], { cwd }),
      runHere(["users", "--help"], { cwd }),
    ]);
    expectRefusal(refused, 1, ".env: line 2 is not NAME=value");
    expect(help).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^Usage: gramfleet users/) });
  });
});

describe("services", () => {
  const envOf = (more: NodeJS.ProcessEnv) => ({ ...configured(), ...more });
  const run = (args: string[], more: NodeJS.ProcessEnv) => runHere(args, { env: envOf(more) });

  it("that do not answer are told apart", async () => {
    const home = await testDatabase();
    onTestFinished(() => home.drop());
    const there = { DATABASE_URL: home.url };
    const noPostgres = "PostgreSQL refuses connections: check DATABASE_URL, and that the server runs";
    const noRedis = "Redis does not answer at 127.0.0.1:1: start it, or correct REDIS_URL";
    const runs = await Promise.all([
      gramfleet(["worker"], { env: envOf({ REDIS_URL: testRedis().url }) }).then((ran) =>
        expectRefusal(ran, 1, noPostgres),
      ),
      run(["migrate"], {}).then((ran) => expectRefusal(ran, 1, noPostgres)),
      // Each is some seconds of patience: at the same time, as processes.
      ...[["scheduler"], ["queue", "status"]].map(async (args) =>
        expectRefusal(await gramfleet(args, { env: envOf(there) }), 1, noRedis),
      ),
      run(["sessions", "login", "5", "--phone", "9996611111"], there).then((ran) => expectRefusal(ran, 1, noRedis)),
    ]);
    expect(runs).toHaveLength(5);
  });

  it("a database of an older schema asks for gramfleet migrate, and gets it", async () => {
    const home = await testDatabase({ empty: true });
    onTestFinished(() => home.drop());
    const { url: REDIS_URL, prefix: REDIS_PREFIX } = testRedis();
    const env = { DATABASE_URL: home.url, REDIS_URL, REDIS_PREFIX };
    for (const ran of await Promise.all([run(["users", "list"], env), run(["worker"], env)]))
      expectRefusal(ran, 1, "the database has no schema yet: run gramfleet migrate");
    const [first, second] = await Promise.all([
      gramfleet(["migrate", "--json"], { env: envOf(env) }),
      run(["migrate", "--json"], env),
    ]);
    const applied = [first, second].map((ran) => jsonOf<{ applied: string[] }>(ran).applied.length).sort();
    expect(applied[0]).toBe(0);
    expect(applied[1]).toBeGreaterThan(0);
    expect(await run(["users", "list"], env)).toMatchObject({
      code: 0,
      stdout: "no users yet: gramfleet users add <telegram_id>\n",
    });
  });

  it("a Redis that evicts keys is refused", async () => {
    const home = await testDatabase();
    const socket = join(dataDir, "r.sock");
    const server = await startRedis({ socket, logFile: join(dataDir, "r.log"), path: process.env.PATH ?? "" });
    onTestFinished(async () => {
      await server.stop();
      await home.drop();
    });
    const admin = new Redis(redisUrl(socket));
    await admin.config("SET", "maxmemory-policy", "allkeys-lru");
    admin.disconnect();
    const env = { DATABASE_URL: home.url, REDIS_URL: redisUrl(socket) };
    const line = `Redis at ${socket} evicts keys (maxmemory-policy allkeys-lru), and jobs would be lost: set maxmemory-policy noeviction`;
    const runs = await Promise.all([["worker"], ["scheduler"]].map((args) => run(args, env)));
    for (const ran of runs) expectRefusal(ran, 1, line);
  });
});

it("a wrong call is told in one line, with exit code 2", async () => {
  const none = ["--data-dir", join(dataDir, "none")];
  const runs = await Promise.all([
    gramfleet(["nothing"]),
    runHere(["users", "add", "twelve", ...none]),
    runHere(["sessions", "status", "99999999999999999999", ...none]),
    runHere(["up", "--users", "0", ...none]),
    runHere(["parse", ...none]),
    runHere(["export", "x_channel", "--format", "csv", ...none]),
    runHere(["users", "delete", "5", ...none]),
  ]);
  const [unknown, malformed, large, users, nobody, format, unsure] = runs as [Ran, Ran, Ran, Ran, Ran, Ran, Ran];
  expectRefusal(unknown, 2, /unknown command 'nothing'/);
  expectRefusal(malformed, 2, '"twelve" is no telegram_id: it is a whole number above 0');
  expectRefusal(large, 2, /is no telegram_id/);
  expectRefusal(users, 2, /option '--users <n>' argument '0' is invalid\. It is a whole number from 1\./);
  expectRefusal(nobody, 2, "say whom: telegram_ids, or --plan, or --all");
  expectRefusal(format, 2, /Allowed choices are tdesktop, jsonl/);
  expectRefusal(unsure, 2, /say --yes to do it/);
  expect(existsSync(join(dataDir, "none"))).toBe(false);
});
