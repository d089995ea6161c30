import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { databaseNow } from "../../db/overview.ts";
import { makeDue } from "../../db/schedules.ts";
import { listSessions, type SessionInfo } from "../../db/sessions.ts";
import { listRunningWaits } from "../../db/waits.ts";
import type { Emulator } from "../../emulator/start.ts";
import { plainPost } from "../../emulator/world/plain-post.ts";
import { createProducer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { prepareFleet, type RunningFleet } from "../support/running-fleet.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 90_000 });
const ROUNDS = 2;
const HOUR = 3_600;

let dir: string;
let emulator: Emulator;
let fleet: RunningFleet;
let sessions: SessionInfo[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "gramfleet-floods-"));
});
afterEach(async () => {
  await fleet?.close();
  await emulator?.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Fifteen people on three API IDs, two workers of one job at a time in each queue, everything read once. */
async function start(scope: "auto" | "account" | "api_id"): Promise<void> {
  emulator = await startTestEmulator({ users: 15, channels: 3 });
  fleet = await prepareFleet(emulator, { workers: 2, env: { FLOOD_SCOPE: scope, WORKER_CONCURRENCY: "1" } });
  await fleet.seed(emulator.accounts);
  await fleet.start();
  await fleet.parseEverybody();
  await fleet.complete();
  sessions = await fleet.database.inTenant("default", (tx) => listSessions(tx));
}

const usersOf = (some: readonly SessionInfo[]) => some.flatMap(({ userId }) => userId ?? []);
/** Runs of these users that are done and began since, by the database's clock. */
const runsDone = (some: readonly SessionInfo[], since: Date) =>
  fleet.database.asOwner((tx) =>
    tx
      .selectFrom("runs")
      .select(["user_id", "started_at"])
      .where("user_id", "in", usersOf(some))
      .where("outcome", "=", "done")
      .where("finished_at", ">=", since)
      .execute(),
  );

/** Everybody is due in each round, and a round is over when all of `counted` are parsed. Gives the runs of those. */
async function roundsOf(counted: readonly SessionInfo[]): Promise<number> {
  let runs = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const since = await fleet.database.asWorker(databaseNow);
    for (const id of emulator.world.channels.keys())
      emulator.world.post(id, plainPost("news", Math.floor(Date.now() / 1000)));
    await fleet.database.asWorker((tx) => makeDue(tx, "all"));
    const done = await eventually(
      async () => {
        const found = await runsDone(counted, since);
        return new Set(found.map(({ user_id }) => user_id)).size === counted.length && found;
      },
      { everyMs: 50, what: "a parse of everybody who may" },
    );
    runs += done.length;
  }
  return runs;
}

const callsOf = (some: readonly SessionInfo[], since = 0) => {
  const ids = new Set(some.map(({ telegramId }) => telegramId));
  return emulator.witness.calls({ since }).filter(({ accountId }) => accountId !== null && ids.has(accountId));
};
const noneEarly = () => expect(emulator.summary()).toMatchObject({ earlyCalls: 0, violations: 0, keysKilled: 0 });

it("FLOOD_SCOPE=account: what half of the accounts wait, the other half does not notice", async () => {
  await start("account");
  const flooded = sessions.filter((_, index) => index % 2 === 0);
  const others = sessions.filter((session) => !flooded.includes(session));
  const before = await roundsOf(others);
  // From five seconds to an hour, on all methods.
  const seconds = flooded.map((_, index) => (index < 2 ? 5 : 60 * (index + 1) ** 2));
  const orderedAt = Date.now();
  for (const [index, { telegramId }] of flooded.entries())
    emulator.floods.forceFlood({ accountIds: [telegramId], seconds: seconds[index]! });
  emulator.floods.forceFlood({ accountIds: [flooded.at(-1)!.telegramId], seconds: HOUR });

  expect(await roundsOf(others)).toBeGreaterThanOrEqual(before * 0.95);
  const waits = await fleet.database.inTenant("default", (tx) => listRunningWaits(tx, 100));
  expect(waits[0]).toMatchObject({ telegramId: flooded.at(-1)!.telegramId, method: "users.getUsers" });
  expect(waits[0]!.until.getTime() - orderedAt).toBeGreaterThan((HOUR - 60) * 1_000);

  // The short waits end, and their accounts are parsed again; of the long ones one call each was answered, with the wait.
  const soon = flooded.slice(0, 2);
  const since = new Date(orderedAt);
  await fleet.database.asWorker((tx) => makeDue(tx, "all"));
  await eventually(async () => new Set((await runsDone(soon, since)).map(({ user_id }) => user_id)).size === 2, {
    everyMs: 50,
  });
  for (const session of flooded.slice(2)) expect(callsOf([session], orderedAt)).toHaveLength(1);
  expect(callsOf(flooded, orderedAt).filter(({ waitSeconds }) => waitSeconds !== null)).toHaveLength(flooded.length);
  noneEarly();
});

it("FLOOD_SCOPE=api_id: one account's wait holds all of its API ID, and no other", async () => {
  await start("api_id");
  const [first] = sessions as [SessionInfo];
  const same = sessions.filter(({ apiId }) => apiId === first.apiId);
  const others = sessions.filter(({ apiId }) => apiId !== first.apiId);
  const before = await roundsOf(others);
  emulator.floods.forceFlood({ accountIds: [first.telegramId], seconds: HOUR });
  await fleet.database.asWorker((tx) => makeDue(tx, usersOf([first])));
  await eventually(() => callsOf([first]).some(({ waitSeconds }) => waitSeconds !== null));
  const told = callsOf([first]).find(({ waitSeconds }) => waitSeconds !== null)!;
  expect(await roundsOf(others)).toBeGreaterThanOrEqual(before * 0.95);
  expect(callsOf(same, told.at)).toEqual([]);
  await eventually(async () => (await pausedQueues()).includes(`parse-${first.apiId}`));
  expect(await pausedQueues()).toEqual([`parse-${first.apiId}`]);
  noneEarly();
});

it("FLOOD_SCOPE=auto: an API ID whose accounts are flooded pauses everywhere, then one account tries", async () => {
  await start("auto");
  const { apiId } = sessions[0]!;
  const same = sessions.filter((session) => session.apiId === apiId);
  const others = sessions.filter((session) => session.apiId !== apiId);
  const before = await roundsOf(others);
  const orderedAt = Date.now();
  emulator.floods.forceFlood({ apiId, seconds: 3 });
  await fleet.database.asWorker((tx) => makeDue(tx, usersOf(same)));
  const floods = () => callsOf(same, orderedAt).filter(({ waitSeconds }) => waitSeconds !== null);
  await eventually(() => floods().length >= 3);
  const third = floods()[2]!;
  // It goes on for longer than the first ones were told: the first probe meets it too.
  const takeBack = emulator.floods.forceFlood({ apiId, seconds: HOUR });

  expect(await roundsOf(others)).toBeGreaterThanOrEqual(before * 0.95);
  // The probe of three seconds later is flooded, and alone; the pause is twice as long then.
  const probe = await eventually(() => callsOf(same, third.at + 2_000)[0]);
  takeBack();
  expect(probe.waitSeconds).toBeGreaterThan(HOUR - 60);
  expect(probe.at - third.at).toBeGreaterThan(2_900);
  await eventually(async () => (await pausedQueues()).includes(`parse-${apiId}`));
  const second = await eventually(() => callsOf(same, probe.at)[0]);
  expect(second.waitSeconds).toBeNull();
  expect(second.at - probe.at).toBeGreaterThan(5_900);
  // It succeeds, and everybody goes on whom nobody told to wait for an hour.
  const long = floods().filter(({ waitSeconds }) => (waitSeconds ?? 0) > HOUR - 60);
  const free = same.filter(({ telegramId }) => !long.some(({ accountId }) => accountId === telegramId));
  expect(free.length).toBeGreaterThanOrEqual(3);
  await fleet.database.asWorker((tx) => makeDue(tx, usersOf(same)));
  await roundsOf([...free, ...others]);
  const tried = callsOf(same, third.at).filter(({ at }) => at < second.at);
  expect(tried.filter(({ at }) => at > third.at + 2_000)).toEqual([probe]);
  noneEarly();
});

async function pausedQueues(): Promise<string[]> {
  const redis = openRedis(fleet.config.redisUrl ?? "", "producer");
  const producer = createProducer({ redis, prefix: fleet.config.redisPrefix, log: silentLog });
  try {
    return await producer.pausedQueues();
  } finally {
    await producer.close();
    redis.disconnect();
  }
}
