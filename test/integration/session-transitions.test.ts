import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { noteLoss } from "../../db/account-losses.ts";
import { putOutOfService } from "../../db/api-id-outage.ts";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { setHold, transition } from "../../db/sessions.ts";
import { listenForTransitions } from "../../db/transition-hint.ts";
import type { SessionTransition } from "../../db/transition-watch.ts";
import { silentLog as log } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { measureSessions } from "../../scheduler/gauges.ts";
import { eventually } from "../support/eventually.ts";
import { plantUser } from "../support/fleet-rows.ts";
import { sampleOf } from "../support/samples.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let place: TestDatabase;
let database: Database;
const committed: SessionTransition[] = [];
beforeAll(async () => {
  place = await testDatabase();
  const onTransition = (made: SessionTransition) => committed.push(made);
  database = openDatabase({ url: place.url, poolSize: 3, fencedStatementMs: 5_000, onTransition, log });
});
afterAll(async () => {
  await database?.close();
  await place?.drop();
});

it("tells of each transition that is committed, here and to whoever listens, and of none that is rolled back", async () => {
  const heard: (SessionTransition | null)[] = [];
  const listener = listenForTransitions({ url: place.url, onTransition: (made) => heard.push(made), retryMs: 50, log });
  try {
    await eventually(() => heard.length === 1);
    const { sessionId } = await plantUser(database, 1n);
    const change = { from: ["AUTHORIZED"], to: "STALE", reason: "expired" } as const;
    const undone = database.asWorker(async (tx) => {
      await transition(tx, sessionId, change);
      throw new Error("rolled back");
    });
    await expect(undone).rejects.toThrow("rolled back");
    await database.asWorker((tx) => transition(tx, sessionId, change));
    const expected = [
      { sessionId, from: "ABSENT", to: "AUTHORIZED" },
      { sessionId, from: "AUTHORIZED", to: "STALE" },
    ];
    await eventually(() => heard.length === 3);
    expect(heard).toEqual([null, ...expected]);
    expect(committed).toEqual(expected);
  } finally {
    await listener.close();
  }
});

it("counts the sessions in each state, those that are held, and those of each API ID", async () => {
  const metrics = createMetrics();
  await plantUser(database, 2n);
  await plantUser(database, 3n);
  await database.asWorker(async (tx) => {
    const held = await tx
      .selectFrom("sessions")
      .select("id")
      .where("state", "=", "AUTHORIZED")
      .executeTakeFirstOrThrow();
    await setHold(tx, held.id, "frozen", true);
    await putOutOfService(tx, 1001, "API_ID_INVALID");
    await putOutOfService(tx, 777, "API_ID_INVALID");
    const lost = (id: bigint, apiId: number, ownApi: boolean, kind: "frozen" | "banned") =>
      noteLoss(tx, { id, apiId, ownApi }, kind);
    for (const id of [11n, 12n, 12n]) await lost(id, 1001, false, "frozen");
    await lost(13n, 1001, false, "banned");
    await lost(14n, 1002, true, "banned");
    await lost(15n, 1002, false, "banned");
    await sql`update account_losses set at = at - interval '25 hours' where session_id = 15`.execute(tx);
  });
  await measureSessions({ database, apiIds: [1001, 1002], metrics });
  const { values } = await metrics.sessionStates.get();
  const counts = Object.fromEntries(values.map(({ labels, value }) => [labels.state, value]));
  expect(counts).toMatchObject({ AUTHORIZED: 2, STALE: 1, PENDING_QR: 0, ABSENT: 0 });
  expect(await sampleOf(metrics.sessionsHeld, { hold: "frozen" })).toBe(1);
  expect(await sampleOf(metrics.sessionsHeld, { hold: "parked" })).toBe(0);
  const of = async (api_id: string) => ({
    out: await sampleOf(metrics.apiIdOut, { api_id }),
    usable: await sampleOf(metrics.apiIdSessions, { api_id, usable: "yes" }),
    held: await sampleOf(metrics.apiIdSessions, { api_id, usable: "no" }),
    frozen: await sampleOf(metrics.apiIdAccountsLost, { api_id, how: "frozen" }),
    banned: await sampleOf(metrics.apiIdAccountsLost, { api_id, how: "banned" }),
  });
  expect(await of("1001")).toEqual({ out: 1, usable: 1, held: 1, frozen: 2, banned: 1 });
  expect(await of("1002")).toEqual({ out: 0, usable: 0, held: 0, frozen: 0, banned: 0 });
  expect(await of("own")).toEqual({ out: 1, usable: 0, held: 0, frozen: 0, banned: 1 });
});
