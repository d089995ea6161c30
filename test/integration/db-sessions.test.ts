import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { loadSchedule } from "../../db/schedules.ts";
import { IllegalTransition } from "../../db/session-states.ts";
import {
  countByApiId,
  ensureSession,
  loadSealed,
  loadSession,
  saveSealed,
  sessionEvents,
  sessionOfUser,
  setHold,
  transition,
} from "../../db/sessions.ts";
import { deleteUser, setPaused } from "../../db/users.ts";
import { silentLog } from "../../runtime/log.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { plantUser, sealed } from "../support/fleet-rows.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase({ url: test.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const queueOf = (userId: bigint) => database.asWorker(async (tx) => (await loadSchedule(tx, userId))?.queue);

describe("sessions", () => {
  it("goes to the queue of its api_id while it is usable, and to none otherwise", async () => {
    const { user, sessionId } = await plantUser(database, 1n, { apiId: 77 });
    expect(await queueOf(user.id)).toBe("parse-77");
    await database.inTenant("default", (tx) => setPaused(tx, 1n, true));
    expect(await queueOf(user.id)).toBeNull();
    await database.inTenant("default", (tx) => setPaused(tx, 1n, false));
    expect(await queueOf(user.id)).toBe("parse-77");
    await database.asWorker((tx) => setHold(tx, sessionId, "frozen", true));
    await database.asWorker((tx) => setHold(tx, sessionId, "parked", true));
    await database.asWorker((tx) => setHold(tx, sessionId, "frozen", true));
    expect(await queueOf(user.id)).toBeNull();
    await database.asWorker((tx) => setHold(tx, sessionId, "parked", false));
    expect((await database.asWorker((tx) => loadSession(tx, sessionId)))?.holds).toEqual(["frozen"]);
    await database.asWorker((tx) => setHold(tx, sessionId, "frozen", false));
    expect(await queueOf(user.id)).toBe("parse-77");
    expect((await database.asWorker(countByApiId)).get(77)).toBe(1);
    await database.asWorker((tx) =>
      transition(tx, sessionId, { from: ["AUTHORIZED"], to: "STALE", reason: "auth_lost" }),
    );
    expect(await queueOf(user.id)).toBeNull();
  });

  it("shares one queue among people's own api_ids", async () => {
    const { user } = await plantUser(database, 2n, { apiId: 555, ownApi: true });
    expect(await queueOf(user.id)).toBe("parse-own");
  });

  it("records each transition, refuses illegal ones, and wipes the key of a revoked session", async () => {
    const { user, sessionId } = await plantUser(database, 3n);
    await expect(
      database.asWorker((tx) => transition(tx, sessionId, { from: ["AUTHORIZED"], to: "PENDING_QR" })),
    ).rejects.toThrow(IllegalTransition);
    const missed = await database.asWorker((tx) => transition(tx, sessionId, { from: ["STALE"], to: "AUTHORIZED" }));
    expect(missed).toBe(false);
    await database.asWorker((tx) =>
      transition(tx, sessionId, { from: ["AUTHORIZED"], to: "REVOKED", reason: "asked" }),
    );
    expect(await database.asWorker((tx) => loadSealed(tx, sessionId))).toBeNull();
    const session = await database.asWorker((tx) => sessionOfUser(tx, user.id));
    expect(session).toMatchObject({ id: sessionId, state: "REVOKED", reason: "asked", appId: "user_3", savedAt: null });
    const events = await database.asWorker((tx) => sessionEvents(tx, sessionId));
    expect(events.map(({ fromState, toState, reason }) => [fromState, toState, reason])).toEqual([
      ["ABSENT", "AUTHORIZED", null],
      ["AUTHORIZED", "REVOKED", "asked"],
    ]);
  });

  it("changes nothing where another key is stored by now", async () => {
    const { sessionId, key } = await plantUser(database, 4n);
    const newer = sealed();
    expect(await database.asWorker((tx) => saveSealed(tx, sessionId, newer, key.fingerprint))).toBe(true);
    expect(await database.asWorker((tx) => saveSealed(tx, sessionId, sealed(), key.fingerprint))).toBe(false);
    const late = { from: ["AUTHORIZED"], to: "STALE", ifFingerprint: key.fingerprint } as const;
    expect(await database.asWorker((tx) => transition(tx, sessionId, late))).toBe(false);
    expect((await database.asWorker((tx) => loadSealed(tx, sessionId)))?.fingerprint.equals(newer.fingerprint)).toBe(
      true,
    );
    const now = { ...late, ifFingerprint: newer.fingerprint };
    expect(await database.asWorker((tx) => transition(tx, sessionId, now))).toBe(true);
  });

  it("keeps the api_id of a sealed session, and changes that of one without a key", async () => {
    const { user, sessionId } = await plantUser(database, 5n, { apiId: 100 });
    const again = { tenantId: "default", userId: user.id, telegramId: 5n, apiId: 200, ownApi: true };
    expect(await database.asWorker((tx) => ensureSession(tx, again))).toMatchObject({
      id: sessionId,
      apiId: 100,
      ownApi: false,
    });
    await database.asWorker((tx) => transition(tx, sessionId, { from: ["AUTHORIZED"], to: "REVOKED" }));
    expect(await database.asWorker((tx) => ensureSession(tx, again))).toMatchObject({
      id: sessionId,
      apiId: 200,
      ownApi: true,
    });
  });

  it("has one usable session for a telegram_id", async () => {
    const { user, sessionId } = await plantUser(database, 6n);
    const second = { tenantId: "default", userId: user.id, telegramId: 6n, appId: "other", apiId: 1, ownApi: false };
    await expect(
      database.asWorker(async (tx) => {
        const session = await ensureSession(tx, second);
        await transition(tx, session.id, { from: ["ABSENT"], to: "AUTHORIZED" });
      }),
    ).rejects.toThrow(OperatorError);
    expect((await database.asWorker((tx) => sessionOfUser(tx, user.id)))?.id).toBe(sessionId);
  });

  it("is not seen by another tenant, and goes with its user", async () => {
    const { sessionId } = await plantUser(database, 7n);
    expect(await database.inTenant("elsewhere", (tx) => loadSession(tx, sessionId))).toBeNull();
    expect(await database.inTenant("elsewhere", (tx) => deleteUser(tx, 7n))).toBe(false);
    expect(await database.inTenant("default", (tx) => deleteUser(tx, 7n))).toBe(true);
    expect(await database.asWorker((tx) => loadSession(tx, sessionId))).toBeNull();
  });
});
