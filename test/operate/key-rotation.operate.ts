import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { afterAll, expect, it, vi } from "vitest";
import { openDatabase } from "../../db/client.ts";
import { keyUse } from "../../db/wrapped-keys.ts";
import { announcePresence, readPresences } from "../../queue/presence.ts";
import { openRedis } from "../../queue/redis.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { keyMarks } from "../../telegram/key-marks.ts";
import { assertKeyringOpens } from "../../telegram/keyring-check.ts";
import { createVault } from "../../telegram/vault.ts";
import { eventually } from "../support/eventually.ts";
import { jsonOf, prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { differing, openAll, plantSealed } from "../support/sealed-rows.ts";
import { testDatabase, testRedis } from "../support/services.ts";
import { startSealingLoad } from "./support/sealing-load.ts";

const ROWS = 3_000;
const KILLS = 20;
const BATCH = 25;

prepareCommands();
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const place = await testDatabase();
const database = openDatabase({ url: place.url, poolSize: 10, fencedStatementMs: 5_000, log: silentLog });
const service = testRedis();
const redis = openRedis(service.url, "producer");
const running = new Lifecycle(silentLog);
afterAll(async () => {
  await running.close();
  redis.disconnect();
  await database.close();
  await place.drop();
});

const key = (id: string) => ({ id, key: randomBytes(32) });
const [OLD, NEW] = [key("k1"), key("k2")];
const env = {
  DATABASE_URL: place.url,
  REDIS_URL: service.url,
  REDIS_PREFIX: service.prefix,
  SESSION_ENCRYPTION_KEYS: [NEW, OLD].map(({ id, key }) => `${id}:${key.toString("base64")}`).join(","),
};
const rotate = (more: NodeJS.ProcessEnv = {}) =>
  startGramfleet(["sessions", "rotate-keys", "--batch", String(BATCH), "--json"], { env: { ...env, ...more } });
const under = async (keyId: string) => {
  const used = await database.asWorker((tx) => keyUse(tx));
  const use = used.find((one) => one.keyId === keyId);
  return use ? use.sessions + use.ownApiIds : 0;
};
const seed = Number(process.env.KILLS_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** mulberry32: the same kills for the same seed. */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

it("Ctrl-C ends a rotation after the page that is under way, and says how it goes on", async () => {
  await plantSealed(database, createVault([OLD]), { sessions: 400, first: 9_000_000n });
  const rotating = startGramfleet(["sessions", "rotate-keys", "--batch", "1"], { env });
  await eventually(async () => (await under("k2")) > 0, { timeoutMs: 60_000, everyMs: 5 });
  rotating.signal("SIGINT");
  const ended = await rotating.ended;
  expect(ended).toMatchObject({ code: 130, stdout: "" });
  expect(ended.stderr).toMatch(/^stopped after \d+ rows: the same command goes on from there\n$/);
  expect(await under("k1")).toBeGreaterThan(0);
  expect(await rotate().ended).toMatchObject({ code: 0, stderr: "" });
  expect(await under("k1")).toBe(0);
  await database.asOwner(async (tx) => {
    await sql`delete from sessions`.execute(tx);
    await sql`delete from users`.execute(tx);
  });
});

it(`a rotation that is killed ${KILLS} times under load loses nothing, and ends with the old key useless (seed ${seed})`, async () => {
  const random = randomOf(seed);
  const old = createVault([OLD, NEW]);
  const planted = await plantSealed(database, old, { sessions: ROWS, ownApiIds: 200 });
  await assertKeyringOpens(old, database);
  announcePresence(running, {
    ...{ redis, prefix: service.prefix, role: "worker", keys: keyMarks([OLD, NEW]), log: silentLog },
  });
  await eventually(async () => (await readPresences(redis, service.prefix)).length === 1);
  const load = startSealingLoad(database, { vault: old, planted, random });

  const ends: string[] = [];
  let wrapped = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    // Half of the processes still seal by the old key while it runs: they are started anew in the middle.
    if (kill === KILLS / 2) load.restart(createVault([NEW, OLD]));
    const batches = 1 + Math.floor(random() * 5);
    const how = ["committing", "committed", "anywhere"][kill % 3] ?? "";
    const rotating = rotate(how === "anywhere" ? {} : { FAULTS_FAILPOINT: `${how}@${batches}=kill` });
    if (how === "anywhere") {
      await eventually(async () => (await under("k2")) >= wrapped + batches * BATCH, { timeoutMs: 60_000, everyMs: 5 });
      rotating.signal("SIGKILL");
    }
    const ended = await rotating.ended;
    expect(load.wrong).toEqual([]);
    expect(ended, how).toMatchObject({ code: null, stdout: "", stderr: "" });
    const [left, now] = [await under("k1"), await under("k2")];
    expect(left).toBeGreaterThan(0);
    wrapped = now;
    ends.push(`${how} ${now}/${left + now}`);
    expect((await openAll(database, createVault([NEW, OLD]), ["k1", "k2"])).shut).toEqual([]);
  }

  const last = await rotate().ended;
  expect(last).toMatchObject({ code: 0, stderr: "" });
  expect(jsonOf<{ refused: object }>(last).refused).toEqual({ sessionIds: [], ownApiIds: [] });
  await load.stop();
  expect(load.wrong).toEqual([]);
  expect(Math.min(...Object.values(load.done))).toBeGreaterThan(20);

  // Nothing is left under the old key; every row is what was saved last; the old key opens nothing, the new one all.
  expect(await under("k1")).toBe(0);
  const { sessions, apiHashes } = load.expected;
  const byNew = await openAll(database, createVault([NEW]), ["k1", "k2"]);
  expect([byNew.shut, differing(byNew, load.expected)]).toEqual([[], []]);
  const byOld = await openAll(database, createVault([OLD]), ["k1", "k2"]);
  expect(byOld.shut).toHaveLength(sessions.size + apiHashes.size);
  const renamed = await openAll(database, createVault([{ id: "k2", key: OLD.key }]), ["k2"]);
  expect(renamed.shut).toHaveLength(sessions.size + apiHashes.size);
  await assertKeyringOpens(createVault([NEW]), database);
  await expect(assertKeyringOpens(createVault([OLD]), database)).rejects.toThrow(/lacks .* k2 \(/);
  const { rows } = await database.asWorker((tx) => sql`select from sessions where state = 'STALE'`.execute(tx));
  expect(rows).toEqual([]);
  // What an operator of this test looks at: the figures are in its report, where one is asked for.
  expect(ends).toHaveLength(KILLS);
});
