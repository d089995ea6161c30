import { expect, test } from "vitest";
import { ConfigError, loadConfig } from "../../config/load.ts";

const KEY = `k1:${Buffer.alloc(32, 7).toString("base64")}`;
const HASH = "0123456789abcdef0123456789abcdef";

/** The problems that loading `env` meets. */
function problems(env: NodeJS.ProcessEnv, ...needs: Parameters<typeof loadConfig>[1] & object): readonly string[] {
  try {
    loadConfig(env, needs);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("an empty environment gives the defaults of the design", () => {
  const config = loadConfig({});
  expect(config.intervals).toEqual({ premiumMs: 900_000, trialMs: 900_000, freeMs: 3_600_000 });
  expect(config.flood).toEqual({ inlineMaxSeconds: 2, sleepThreshold: 120, scope: "auto" });
  expect(config.apiIds).toEqual({ masters: [], backup: null, callsPerSecond: 100 });
  expect(config.limits).toMatchObject({ leaseMs: 30_000, heartbeatMs: 10_000, quietMs: 15_000 });
  expect(config).toMatchObject({ production: false, databaseUrl: null, redisUrl: null, dataCenters: null, pace: 1 });
});

test("an empty value counts as not set", () => {
  expect(loadConfig({ DATABASE_URL: "", WORKER_CONCURRENCY: "", MASTER_API_IDS: "" })).toEqual(loadConfig({}));
});

test("names everything that is missing or malformed in one message, without any value", () => {
  const env = {
    DATABASE_URL: "mysql://canary",
    MASTER_API_IDS: "12,canary",
    MASTER_API_HASHES: "canary",
    SESSION_ENCRYPTION_KEYS: "canary",
    WORKER_CONCURRENCY: "-1",
    TELEGRAM_DC: "canary",
    FLOOD_SCOPE: "canary",
  };
  const found = problems(env, "redis");
  for (const name of [...Object.keys(env), "REDIS_URL"]) expect(found.join("\n")).toContain(name);
  expect(new ConfigError(found).message).not.toContain("canary");
  expect(new ConfigError(found).message.split("\n")).toHaveLength(1);
});

test.each([
  [{ MASTER_API_IDS: "1,2", MASTER_API_HASHES: HASH }, "MASTER_API_HASHES must have as many entries as MASTER_API_IDS"],
  [{ MASTER_API_IDS: "1" }, "MASTER_API_HASHES is not set"],
  [{ MASTER_API_IDS: "1,1", MASTER_API_HASHES: `${HASH},${HASH}` }, "MASTER_API_IDS must not repeat one"],
  [{ BACKUP_API_ID: "1" }, "BACKUP_API_ID and BACKUP_API_HASH must be set together"],
  [{ SESSION_ENCRYPTION_KEYS: `${KEY},${KEY}` }, "SESSION_ENCRYPTION_KEYS must not repeat an id"],
  [{ EMULATOR_PACE: "60" }, "EMULATOR_PACE must be 1 against Telegram itself"],
  [{ NODE_ENV: "production", TIMES_DIVISOR: "10" }, "TIMES_DIVISOR must not be set in production"],
  [{ NODE_ENV: "production", FAULTS_WITHOUT: "gate" }, "FAULTS_WITHOUT must not be set in production"],
  [{ NODE_ENV: "production", FAULTS_FAILPOINT: "committed@3=kill" }, "FAULTS_FAILPOINT must not be set in production"],
  [{ FAULTS_FAILPOINT: "committed@0=kill" }, "FAULTS_FAILPOINT must be name@times=kill or name@times=stop"],
  [{ TELEGRAM_DC_PUBLIC_KEY: "/nonexistent/key.pem" }, "TELEGRAM_DC_PUBLIC_KEY names a file that cannot be read"],
])("what contradicts itself is refused: %j", (env, problem) => {
  expect(problems(env)).toEqual([problem]);
});

test("a keyring's key must be 32 bytes", () => {
  expect(loadConfig({ SESSION_ENCRYPTION_KEYS: KEY }).keyring).toEqual([{ id: "k1", key: Buffer.alloc(32, 7) }]);
  expect(problems({ SESSION_ENCRYPTION_KEYS: `k1:${Buffer.alloc(16).toString("base64")}` })).toHaveLength(1);
});

test("earlier names are accepted, and said; today's name wins", () => {
  const config = loadConfig({ MASTER_API_ID: "12", MASTER_API_HASH: HASH, TELEGRAM_DATABASE_URL: "postgres://a/b" });
  expect(config.apiIds.masters).toEqual([{ apiId: 12, apiHash: HASH }]);
  expect(config.databaseUrl).toBe("postgres://a/b");
  expect(config.legacyNames).toEqual([
    "MASTER_API_ID (now MASTER_API_IDS)",
    "MASTER_API_HASH (now MASTER_API_HASHES)",
    "TELEGRAM_DATABASE_URL (now DATABASE_URL)",
  ]);
  const both = loadConfig({ TELEGRAM_DATABASE_URL: "postgres://old/b", DATABASE_URL: "postgres://new/b" });
  expect(both.databaseUrl).toBe("postgres://new/b");
  expect(both.legacyNames).toEqual([]);
});

test("data centers are read with their ports, and the pace divides plan intervals alone", () => {
  const config = loadConfig({ TELEGRAM_DC: "1@127.0.0.1:4431, 2@[::1]:4432", EMULATOR_PACE: "60" });
  expect(config.dataCenters?.addresses).toEqual([
    { id: 1, host: "127.0.0.1", port: 4431 },
    { id: 2, host: "[::1]", port: 4432 },
  ]);
  expect(config.intervals.premiumMs).toBe(15_000);
  expect(config.limits.leaseMs).toBe(30_000);
});

test("fault tests divide the lease and what is measured against it", () => {
  const { limits } = loadConfig({ TIMES_DIVISOR: "10" });
  expect(limits).toMatchObject({ leaseMs: 3_000, heartbeatMs: 1_000, quietMs: 1_500, pageSize: 100 });
  expect(loadConfig({ SESSION_LOCK_TTL: "45" }).limits.leaseMs).toBe(45_000);
});

const SCRYPT = `scrypt.15.8.3.${Buffer.alloc(16, 1).toString("base64url")}.${Buffer.alloc(32, 2).toString("base64url")}`;

test("ADMIN_USERS takes Telegram ids, and people with passwords", () => {
  const { api } = loadConfig({ ADMIN_USERS: `12345, ada:admin:${SCRYPT},bob.b:viewer:${SCRYPT}` });
  expect([...api.admins]).toEqual([12345n]);
  expect(api.board.users).toMatchObject([
    { name: "ada", role: "admin", hash: { logN: 15, r: 8, p: 3, salt: Buffer.alloc(16, 1), key: Buffer.alloc(32, 2) } },
    { name: "bob.b", role: "viewer" },
  ]);
  expect([...loadConfig({ ADMIN_USERS: "1,2" }).api.admins]).toEqual([1n, 2n]);
  const another = loadConfig({ ADMIN_USERS: `ada:viewer:${SCRYPT}` }).api.board.users[0];
  expect(another?.version.equals(api.board.users[0]?.version ?? Buffer.alloc(0))).toBe(false);
});

test.each([
  "canary",
  "12,",
  "canary:admin",
  `canary:root:${SCRYPT}`,
  `1canary:admin:${SCRYPT}`,
  "canary:admin:canary-in-clear",
  `canary:admin:${SCRYPT}canary`,
  `canary:admin:${SCRYPT.replace(".15.", ".30.")}`,
  `canary:admin:${SCRYPT.replace(".15.", ".5.")}`,
])("what is wrong in ADMIN_USERS is said in one line without it: %s", (text) => {
  const found = problems({ ADMIN_USERS: text });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/^ADMIN_USERS must be Telegram ids, or name:role:hash as gramfleet admin hash-password/);
  expect(found[0]).not.toContain("canary");
});

test("ADMIN_USERS must not name one person twice", () => {
  expect(problems({ ADMIN_USERS: `ada:admin:${SCRYPT},Ada:viewer:${SCRYPT}` })).toEqual([
    "ADMIN_USERS must not repeat a name",
  ]);
});

test.each([
  [{}, false],
  [{ AUTH_BASE_URL: "http://127.0.0.1:8080" }, false],
  [{ AUTH_BASE_URL: "https://login.example.com" }, true],
  [{ AUTH_BASE_URL: "http://127.0.0.1.example.com" }, true],
  [{ TRUSTED_PROXIES: "127.0.0.1" }, true],
])("whether people come by way of a proxy: %j", (env, published) => {
  expect(loadConfig(env).api.board.published).toBe(published);
});
