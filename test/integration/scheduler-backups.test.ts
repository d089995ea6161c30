import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { backupsSoFar } from "../../db/session-backups.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createBackups } from "../../scheduler/backups.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { sampleOf } from "../support/samples.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

const DAY_MS = 86_400_000;
let place: TestDatabase;
let database: Database;
let folder: string;
let metrics: ReturnType<typeof createMetrics>;
let stopping: AbortController;

beforeEach(async () => {
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 6, fencedStatementMs: 1_000, log: silentLog });
  folder = mkdtempSync(join(tmpdir(), "gramfleet-scheduled-"));
  writeFileSync(join(folder, "key"), randomBytes(32), { mode: 0o600 });
  metrics = createMetrics();
  stopping = new AbortController();
  for (let user = 1n; user <= 3n; user += 1n) await plantUser(database, user);
});
afterEach(async () => {
  await database.close();
  await place.drop();
  rmSync(folder, { recursive: true, force: true });
});

const scheduler = (now = new Date()) =>
  createBackups({
    ...{ database, metrics, log: silentLog, now: () => now, signal: stopping.signal },
    backups: {
      scheduled: true,
      keyPath: join(folder, "key"),
      dir: join(folder, "kept"),
      everyMs: DAY_MS,
      keptMs: 7 * DAY_MS,
    },
  });
const archives = () => readdirSync(join(folder, "kept"));
const age = (days: number) =>
  database.asOwner((tx) =>
    sql`update session_backups set began_at = began_at - ${days} * interval '1 day', ended_at = ended_at - ${days} * interval '1 day'`.execute(
      tx,
    ),
  );

test("of several schedulers one makes the day's archive, and what is too old goes", async () => {
  const turns = await Promise.all([scheduler(), scheduler(), scheduler()]);
  await Promise.all(turns.map((turn) => turn()));
  await turns[0]?.();
  expect(archives()).toHaveLength(1);
  const { newest, failure } = await database.once(backupsSoFar);
  expect([newest?.sessions, failure]).toEqual([3, null]);
  expect(await sampleOf(metrics.lastSessionBackup)).toBe((newest?.endedAt.getTime() ?? 0) / 1_000);
  const [first] = archives();
  for (const days of [2, 4, 6, 8]) {
    await age(2);
    await (await scheduler(new Date(Date.now() + days * DAY_MS)))();
  }
  expect(archives()).toHaveLength(4);
  expect(archives()).not.toContain(first);
  expect(await sampleOf(metrics.sessionBackups, { outcome: "done" })).toBe(5);
});

test("one that fails is told, leaves nothing behind, and is tried again within the hour, not at once", async () => {
  const turn = await scheduler();
  // A folder that is gone, and whose name is a file's.
  renameSync(join(folder, "kept"), join(folder, "gone"));
  writeFileSync(join(folder, "kept"), "");
  await expect(turn()).rejects.toThrow();
  expect(await sampleOf(metrics.sessionBackups, { outcome: "failed" })).toBe(1);
  expect((await database.once(backupsSoFar)).failure?.error).toMatch(/EEXIST|ENOTDIR/);
  rmSync(join(folder, "kept"));
  await turn();
  expect((await database.once(backupsSoFar)).newest).toBeNull();
  await age(1 / 20);
  await turn();
  expect(archives()).toHaveLength(1);
  expect(await database.once(backupsSoFar)).toMatchObject({ newest: { sessions: 3 }, failure: null });
});

test("one whose process ends, or died, is made by another", async () => {
  const turn = await scheduler();
  stopping.abort();
  await turn();
  expect(archives()).toEqual([]);
  stopping = new AbortController();
  await database.asOwner((tx) => sql`insert into session_backups (host) values ('died')`.execute(tx));
  const next = await scheduler();
  await next();
  expect(archives()).toEqual([]);
  await age(1 / 20);
  await next();
  expect(archives()).toHaveLength(1);
});

test("without a key that is fit the scheduler does not start", async () => {
  writeFileSync(join(folder, "key"), "short");
  await expect(scheduler()).rejects.toThrow(/is no key/);
});
