import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { lastRuns } from "../../db/runs.ts";
import { makeDue } from "../../db/schedules.ts";
import { endingsToTell, markTold } from "../../db/session-endings.ts";
import { listSessions, loadSealed, saveSealed, sessionEvents, transition } from "../../db/sessions.ts";
import { type ControlClient, createControlClient } from "../../emulator/control-client.ts";
import type { ControlAccount } from "../../emulator/control-protocol.ts";
import type { Faults } from "../../emulator/dc/faults.ts";
import { RpcError } from "../../emulator/dc/service.ts";
import type { EndingName } from "../../emulator/end-sessions.ts";
import { sessionString } from "../../emulator/session-string.ts";
import type { Emulator } from "../../emulator/start.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { createProducer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { createVault } from "../../telegram/vault.ts";
import { startTestEmulator } from "../support/emulator.ts";
import { eventually } from "../support/eventually.ts";
import { prepareFleet, type RunningFleet } from "../support/running-fleet.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });
const DIALOGS = "messages.GetPeerDialogs";
const HOST = "127.0.0.1";
/** Each look is several queries. */
const POLLED = { everyMs: 50 };
const ENDED: readonly [EndingName, reason: string][] = [
  ["AUTH_KEY_DUPLICATED", "duplicated"],
  ["AUTH_KEY_UNREGISTERED", "auth_lost"],
  ["SESSION_REVOKED", "revoked_elsewhere"],
  ["USER_DEACTIVATED", "deactivated"],
];

const dir = mkdtempSync(join(tmpdir(), "gramfleet-ended-"));
const faults: Faults = {};
let emulator: Emulator;
let control: ControlClient;
let fleet: RunningFleet;
let accounts: readonly ControlAccount[];

beforeAll(async () => {
  emulator = await startTestEmulator({ users: 9, channels: 3, faults, controlSocket: join(dir, "control.sock") });
  control = createControlClient(join(dir, "control.sock"));
  accounts = emulator.accounts;
  fleet = await prepareFleet(emulator, { workers: 2 });
  await fleet.seed(accounts);
  await fleet.start();
  await fleet.parseEverybody();
  await fleet.complete();
});
afterAll(async () => {
  await fleet?.close();
  await emulator?.close();
  rmSync(dir, { recursive: true, force: true });
});

const account = (index: number) => accounts[index] as ControlAccount;
async function sessionOf({ telegramId }: ControlAccount) {
  const sessions = await fleet.database.inTenant("default", (tx) => listSessions(tx));
  const found = sessions.find((session) => session.telegramId === telegramId);
  if (!found) throw new Error(`no session of ${telegramId}`);
  return found;
}
const callsOf = ({ telegramId }: ControlAccount) => emulator.witness.calls({ accountId: telegramId });
/** The calls of an account after the first that was answered with this error. */
const callsAfter = (whom: ControlAccount, error: string) => {
  const calls = callsOf(whom);
  const first = calls.findIndex(({ outcome }) => outcome === error);
  return first === -1 ? null : calls.slice(first + 1);
};
const runOf = async (whom: ControlAccount) => {
  const { userId } = await sessionOf(whom);
  return (await fleet.database.asWorker((tx) => lastRuns(tx, userId, 1)))[0];
};
/** Everybody who can be parsed is parsed once more. */
async function round(): Promise<void> {
  for (const { id } of await control.channels()) await control.post(id, "news");
  await fleet.parseEverybody();
}
/** A run of this account that began after this was called, and how it ended. */
async function parsed(whom: ControlAccount): Promise<string> {
  const since = new Date();
  const { userId } = await sessionOf(whom);
  const run = await eventually(async () => {
    await fleet.database.asWorker((tx) => makeDue(tx, [userId]));
    const last = await runOf(whom);
    return last && last.startedAt >= since && last;
  }, POLLED);
  return run.outcome;
}

/** Whatever else opens a session, asked for by hand. */
async function knock(whom: ControlAccount): Promise<void> {
  const { userId, id, apiId } = await sessionOf(whom);
  const redis = openRedis(fleet.config.redisUrl ?? "", "producer");
  const producer = createProducer({ redis, prefix: fleet.config.redisPrefix, log: silentLog });
  const common = { queue: `parse-${apiId}`, urgency: "manual", dueAt: new Date() } as const;
  const user = { tenantId: "default", userId: userId.toString() };
  const channelId = [...emulator.world.channels.keys()][0]!.toString();
  const jobs: NewJob[] = [
    { ...common, name: "parse-user", data: user },
    { ...common, name: "backfill-channel", data: { ...user, channelId } },
    { ...common, name: "reconcile-channel", data: { ...user, channelId } },
    { ...common, name: "verify-session", data: { tenantId: "default", sessionId: id.toString() } },
  ];
  try {
    const refs = await producer.addBulk(jobs);
    await Promise.allSettled(refs.map((ref) => producer.waitFor(ref, 60_000)));
  } finally {
    await producer.close();
    redis.disconnect();
  }
}

/** Another login of the account, as Telegram and the database have it afterwards. */
async function logInAgain(whom: ControlAccount): Promise<{ keyId: bigint; fingerprint: Buffer }> {
  const { telegramId, dcId, apiId } = whom;
  const session = await sessionOf(whom);
  const key = randomBytes(256);
  const { keyId } = emulator.keys.plant({ key, dcId, accountId: telegramId, apiId });
  const binding = { tenantId: "default", sessionId: session.id, telegramId, apiId };
  const sealed = createVault(fleet.config.keyring).seal(sessionString(dcId, HOST, key), binding);
  await fleet.database.asWorker(async (tx) => {
    await saveSealed(tx, session.id, sealed);
    if (session.state !== "STALE") return;
    await transition(tx, session.id, { from: ["STALE"], to: "PENDING_CODE" });
    await transition(tx, session.id, { from: ["PENDING_CODE"], to: "AUTHORIZED" });
  });
  return { keyId, fingerprint: sealed.fingerprint };
}

describe("a session that Telegram ends", () => {
  it("is called with once more, and never again; its owner is told once, with the reason", async () => {
    for (const [index, [error]] of ENDED.entries())
      expect(await control.endSessions(account(index).telegramId, error)).toBe(1);
    await round();
    await eventually(async () => {
      const states = await Promise.all(ENDED.map((_, index) => sessionOf(account(index))));
      return states.every(({ state }) => state === "STALE");
    }, POLLED);
    for (const [index, [error]] of ENDED.entries())
      expect((await eventually(() => runOf(account(index)), POLLED)).error).toContain(error);
    await Promise.all(ENDED.map((_, index) => knock(account(index))));
    await round();
    for (const [index, [error, reason]] of ENDED.entries()) {
      expect(await sessionOf(account(index))).toMatchObject({ state: "STALE", reason });
      expect(callsAfter(account(index), error)).toEqual([]);
    }
    const told = await fleet.database.asWorker((tx) => endingsToTell(tx, 100));
    expect(told.map(({ telegramId, reason }) => [telegramId, reason]).sort()).toEqual(
      ENDED.map(([, reason], index) => [account(index).telegramId, reason]).sort(),
    );
    for (const { eventId } of told) {
      const claims = await Promise.all([1, 2].map(() => fleet.database.asWorker((tx) => markTold(tx, eventId))));
      expect(claims.filter(Boolean)).toHaveLength(1);
    }
    expect(await fleet.database.asWorker((tx) => endingsToTell(tx, 100))).toEqual([]);
  });

  it("in the middle of a parse ends that too: at most what was on its way comes after it", async () => {
    const whom = account(4);
    expect(whom.follows.length).toBeGreaterThan(1);
    const takeBack = await control.refuse({
      error: "SESSION_REVOKED",
      code: 401,
      accountIds: [whom.telegramId],
      method: "updates.GetChannelDifference",
    });
    // Nobody else may read the channels first.
    await fleet.stop();
    for (const { id } of await control.channels()) await control.post(id, "news");
    const { userId } = await sessionOf(whom);
    await fleet.database.asWorker((tx) => makeDue(tx, [userId]));
    await fleet.start();
    await eventually(async () => (await sessionOf(whom)).state === "STALE", POLLED);
    await takeBack();
    await round();
    expect(callsAfter(whom, "SESSION_REVOKED")?.filter(({ outcome }) => outcome !== "SESSION_REVOKED")).toEqual([]);
    expect(callsAfter(whom, "SESSION_REVOKED")?.length).toBeLessThanOrEqual(1);
  });

  it("is used again after a new login, and then nobody need be told any more", async () => {
    const whom = account(4);
    expect(await fleet.database.asWorker((tx) => endingsToTell(tx, 100))).toHaveLength(1);
    const { keyId } = await logInAgain(whom);
    expect(await fleet.database.asWorker((tx) => endingsToTell(tx, 100))).toEqual([]);
    expect(await parsed(whom)).toBe("done");
    expect(callsOf(whom).at(-1)).toMatchObject({ keyId, outcome: "ok" });
  });
});

it("a login meanwhile: the old session's end does not touch the new one", async () => {
  const whom = account(5);
  const old = emulator.keys.ofAccount(whom.telegramId)[0]!;
  let stored: { keyId: bigint; fingerprint: Buffer } | null = null;
  faults.beforeAnswer = async (request, { key }) => {
    if (stored || request.className !== DIALOGS || key.keyId !== old.keyId) return undefined;
    stored = await logInAgain(whom);
    emulator.keys.change(old, { ended: { code: 401, errorMessage: "SESSION_REVOKED" } });
    throw new RpcError(401, "SESSION_REVOKED");
  };
  const events = await fleet.database.asWorker(async (tx) => sessionEvents(tx, (await sessionOf(whom)).id));
  expect(await parsed(whom)).toBe("failed");
  delete faults.beforeAnswer;
  const { id, state } = await sessionOf(whom);
  expect(state).toBe("AUTHORIZED");
  expect(await fleet.database.asWorker((tx) => sessionEvents(tx, id))).toEqual(events);
  expect((await fleet.database.asWorker((tx) => loadSealed(tx, id)))?.fingerprint).toEqual(stored!.fingerprint);
  expect(await parsed(whom)).toBe("done");
  const after = callsAfter(whom, "SESSION_REVOKED") ?? [];
  expect(after.length).toBeGreaterThan(0);
  expect(after.every(({ keyId, outcome }) => keyId === stored!.keyId && outcome === "ok")).toBe(true);
});

it("CHANNEL_PRIVATE as 406 concerns one channel and one account", async () => {
  const [whom, other] = [account(6), account(8)];
  const name = whom.follows.find((each) => other.follows.includes(each));
  const channels = await control.channels();
  const channel = channels.find(({ id, username }) => username === name || id.toString() === name);
  if (!channel) throw new Error("nothing in common");
  const takeBack = await control.refuse({
    error: "CHANNEL_PRIVATE",
    code: 406,
    accountIds: [whom.telegramId],
    channelId: channel.id,
  });
  expect(await parsed(whom)).toBe("done");
  expect(callsOf(whom).some(({ outcome }) => outcome === "CHANNEL_PRIVATE")).toBe(true);
  const access = await fleet.database.asOwner((tx) =>
    tx.selectFrom("channel_access").select(["user_id", "state"]).where("channel_id", "=", channel.id).execute(),
  );
  const lost = access.filter(({ state }) => state !== "ok").map(({ user_id }) => user_id);
  expect(lost).toEqual([(await sessionOf(whom)).userId]);
  expect(await sessionOf(whom)).toMatchObject({ state: "AUTHORIZED", reason: "emulated", holds: [] });
  await takeBack();
});

it("an unknown 401 is confirmed by one getMe, and ends no session", async () => {
  const whom = account(7);
  const refusal = { error: "SOMETHING_NEW", code: 401, accountIds: [whom.telegramId], method: DIALOGS };
  await control.refuse({ ...refusal, times: 1 });
  expect(await parsed(whom)).toBe("failed");
  const after = callsAfter(whom, "SOMETHING_NEW") ?? [];
  expect(after.map(({ method, outcome }) => [method, outcome])).toEqual([["users.GetUsers", "ok"]]);
  expect((await sessionOf(whom)).state).toBe("AUTHORIZED");
  expect(await parsed(whom)).toBe("done");
});

it("no key was killed, and no wait cut short, by any of it", () => {
  expect(emulator.summary()).toMatchObject({ violations: 0, keysKilled: 0 });
});
