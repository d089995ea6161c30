import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database } from "../../db/database.ts";
import { ownPool } from "../../db/open.ts";
import { ensureSession, transition } from "../../db/sessions.ts";
import { addUser } from "../../db/users.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { eventually } from "../support/eventually.ts";
import { sampleOf } from "../support/samples.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

const metrics = createMetrics();
const lifecycle = new Lifecycle(silentLog);
let place: TestDatabase;
let database: Database;

beforeAll(async () => {
  place = await testDatabase();
  const options = { url: place.url, poolSize: 2, fencedStatementMs: 1_000, log: silentLog, metrics };
  database = ownPool(lifecycle, options);
});
afterAll(async () => {
  await lifecycle.close();
  await place?.drop();
});

const load = async () => {
  await metrics.scrape();
  const of = (state: string) => sampleOf(metrics.poolConnections, { pool: "main", state });
  return { inUse: await of("in_use"), idle: await of("idle"), waiting: await of("waiting") };
};

it("shows a pool's connections, and who waits for one", async () => {
  expect(await load()).toEqual({ inUse: 0, idle: 0, waiting: 0 });
  expect(await sampleOf(metrics.poolMax, { pool: "main" })).toBe(2);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const work = Array.from({ length: 5 }, () => database.asWorker(() => held));
  await eventually(async () => expect(await load()).toEqual({ inUse: 2, idle: 0, waiting: 3 }));
  release();
  await Promise.all(work);
  expect(await load()).toEqual({ inUse: 0, idle: 2, waiting: 0 });
});

it("counts what PostgreSQL refuses for want of a right, and no other error", async () => {
  await database.asOwner(async (tx) => {
    await sql`create table another_tenants (id int)`.execute(tx);
    await sql`grant insert on another_tenants to gramfleet_app, gramfleet_worker`.execute(tx);
    await sql`alter table another_tenants enable row level security, force row level security`.execute(tx);
  });
  const insert = sql`insert into another_tenants values (1)`;
  const attempts = [
    () => database.inTenant("default", (tx) => insert.execute(tx)),
    () => database.asWorker((tx) => insert.execute(tx)),
    () => database.once((tx) => insert.execute(tx)),
  ];
  for (const attempt of attempts) await expect(attempt()).rejects.toThrow("row-level security");
  await expect(database.once((tx) => sql`select 1 / 0`.execute(tx))).rejects.toThrow("division by zero");
  expect(await sampleOf(metrics.rlsDenied)).toBe(3);
});

it("counts transitions once they are committed; those that may be begin at 0", async () => {
  const session = await database.asWorker(async (tx) => {
    const { user } = await addUser(tx, { tenantId: "default", telegramId: 1n });
    return ensureSession(tx, { tenantId: "default", userId: user.id, telegramId: 1n, apiId: 1, ownApi: false });
  });
  const counted = () => sampleOf(metrics.sessionTransitions, { from: "ABSENT", to: "AUTHORIZED" });
  expect(await counted()).toBe(0);
  const authorize = { from: ["ABSENT"], to: "AUTHORIZED" } as const;
  const givenUp = database.asWorker(async (tx) => {
    await transition(tx, session.id, authorize);
    throw new Error("given up");
  });
  await expect(givenUp).rejects.toThrow("given up");
  expect(await counted()).toBe(0);
  await database.asWorker((tx) => transition(tx, session.id, authorize));
  expect(await counted()).toBe(1);
  expect(await sampleOf(metrics.sessionTransitions, { from: "REVOKED", to: "STALE" })).toBeUndefined();
});
