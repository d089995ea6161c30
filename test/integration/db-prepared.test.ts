import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database, Tx } from "../../db/database.ts";
import { isStatementLost } from "../../db/unreachable.ts";
import { silentLog } from "../../runtime/log.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

const OFTEN = 8;
let place: TestDatabase;
let database: Database;

beforeEach(async () => {
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 1, fencedStatementMs: 5_000, log: silentLog });
});
afterEach(async () => {
  await database.close();
  await place.drop();
});

const tenantCount = (tx: Tx) => tx.selectFrom("tenants").selectAll().where("id", "=", "default").execute();

async function times(runs: number, work: () => Promise<unknown>): Promise<void> {
  for (let run = 0; run < runs; run += 1) await work();
}

const prepared = async () => {
  const { rows } = await database.once((tx) =>
    sql<{ name: string; runs: number }>`
      select name, (generic_plans + custom_plans)::int as runs from pg_prepared_statements
      where statement like '%"tenants"%' order by name`.execute(tx),
  );
  return rows;
};

it("what runs often is planned once for each role, what is new each time is not", async () => {
  await times(OFTEN, () => database.asWorker(tenantCount));
  await times(OFTEN, () => database.once(tenantCount));
  await times(OFTEN, () => database.inTenant("default", tenantCount));
  const kept = await prepared();
  expect(kept.map(({ name }) => name.replace(/_\d+_/, "_n_"))).toEqual([
    "gramfleet_n_app",
    "gramfleet_n_login",
    "gramfleet_n_worker",
  ]);
  for (let odd = 0; odd < OFTEN; odd += 1)
    await database.once((tx) => sql`select ${odd}::int as ${sql.ref(`column_${odd}`)} from tenants`.execute(tx));
  expect(await prepared()).toHaveLength(kept.length);
});

it("after a migration that adds a column, alone it goes on; a transaction fails once, as one that may be run again", async () => {
  await times(OFTEN, () => database.once(tenantCount));
  await times(OFTEN, () => database.asWorker(tenantCount));
  await database.asOwner((tx) => sql`alter table tenants add column taste text`.execute(tx));
  expect(await database.once(tenantCount)).toMatchObject([{ id: "default", taste: null }]);

  await times(OFTEN, () => database.asWorker(tenantCount));
  await database.asOwner((tx) => sql`alter table tenants drop column taste`.execute(tx));
  await expect(database.asWorker(tenantCount)).rejects.toSatisfy(isStatementLost);
  expect(await database.asWorker(tenantCount)).toHaveLength(1);
});

it("is given up where a statement turns out to be another session's", async () => {
  await times(OFTEN, () => database.once(tenantCount));
  const before = await prepared();
  expect(before).toHaveLength(1);
  // What a pooler does between two transactions.
  await database.once((tx) => sql`deallocate all`.execute(tx));
  expect(await database.once(tenantCount)).toHaveLength(1);
  await times(OFTEN, () => database.once(tenantCount));
  expect(await prepared()).toEqual([]);
});

it("is not begun where the process id is not the session's, as behind a pooler", async () => {
  const client = pg.Client.prototype as unknown as { processID: number | null };
  const own = Object.getOwnPropertyDescriptor(client, "processID");
  Object.defineProperty(client, "processID", { configurable: true, get: () => -1, set: () => {} });
  const pooled = openDatabase({ url: place.url, poolSize: 1, fencedStatementMs: 5_000, log: silentLog });
  try {
    await times(OFTEN, () => pooled.once(tenantCount));
    const { rows } = await pooled.once((tx) => sql`select name from pg_prepared_statements`.execute(tx));
    expect(rows).toEqual([]);
  } finally {
    await pooled.close();
    if (own) Object.defineProperty(client, "processID", own);
    else delete (client as Partial<typeof client>).processID;
  }
});

it("gives the same answers prepared or not", async () => {
  for (let run = 0; run < OFTEN; run += 1) {
    const value = { text: `${randomUUID()} \u{1f642}`, list: [run, run + 1] };
    const { rows } = await database.once((tx) =>
      sql`select ${value.text}::text as text, ${value.list}::int4[] as list, ${JSON.stringify(value)}::jsonb as json,
        ${BigInt(run)}::int8 as big, ${new Date(run * 1_000)}::timestamptz as at, ${null}::text as nothing`.execute(tx),
    );
    expect(rows).toEqual([
      { text: value.text, list: value.list, json: value, big: BigInt(run), at: new Date(run * 1_000), nothing: null },
    ]);
  }
});
