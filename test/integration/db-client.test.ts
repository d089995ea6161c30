import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import { assertSchema, migrate, SCHEMA_VERSION, schemaVersion } from "../../db/migrate.ts";
import { silentLog } from "../../runtime/log.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await testDatabase({ empty: true });
});
afterAll(() => test?.drop());

const open = (url = test.url) => openDatabase({ url, poolSize: 3, fencedStatementMs: 500, log: silentLog });

describe("the schema", () => {
  it("is brought up by many at once, and refused while it is older or newer", async () => {
    const database = open();
    expect(await schemaVersion(test.url)).toBeNull();
    await expect(assertSchema(database)).rejects.toThrow("the database has no schema yet: run gramfleet migrate");
    const ran = await Promise.all(Array.from({ length: 5 }, () => migrate(test.url)));
    expect(ran.flat().at(-1)).toBe(SCHEMA_VERSION);
    expect(new Set(ran.flat()).size).toBe(ran.flat().length);
    await assertSchema(database);
    await database.asOwner((tx) => sql`insert into kysely_migration values ('9999-later', 'now')`.execute(tx));
    await expect(assertSchema(database)).rejects.toThrow(/9999-later.*use a newer gramfleet/);
    await expect(migrate(test.url)).rejects.toThrow(OperatorError);
    await database.asOwner((tx) => sql`delete from kysely_migration where name = '9999-later'`.execute(tx));
    await database.close();
  });

  it.each([
    ["postgresql://nobody:hidden@127.0.0.1:1/none", /^PostgreSQL refuses connections: /],
    ["postgresql://nobody:hidden@localhost/none?host=/nonexistent", /^PostgreSQL has no socket there: /],
  ])("says in one line, without the password, that %s cannot be reached", async (url, says) => {
    const database = open(url);
    for (const attempt of [
      () => migrate(url),
      () => schemaVersion(url),
      () => assertSchema(database),
      () => database.check(),
    ]) {
      const error: unknown = await attempt().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OperatorError);
      const { message } = error as OperatorError;
      expect(message).toMatch(says);
      expect(message).not.toMatch(/hidden|\n/);
    }
    await database.close();
  });
});

describe("the pool", () => {
  it("gives 64-bit numbers as bigint and smaller ones as number, arrays too", async () => {
    const database = open();
    const { rows } = await database.asOwner((tx) =>
      sql`select 9007199254740993::int8 as big, 7::int4 as small, array[1, 9007199254740993]::int8[] as bigs,
        array[]::int8[] as none, '{[1,5)}'::int4multirange as ranges`.execute(tx),
    );
    expect(rows[0]).toEqual({
      big: 9007199254740993n,
      small: 7,
      bigs: [1n, 9007199254740993n],
      none: [],
      ranges: "{[1,5)}",
    });
    await database.close();
  });

  it("keeps the tenant within its transaction", async () => {
    const database = open();
    const tenant = sql<{
      tenant: string | null;
    }>`select nullif(current_setting('gramfleet.tenant', true), '') as tenant`;
    expect((await database.inTenant("acme", (tx) => tenant.execute(tx))).rows[0]?.tenant).toBe("acme");
    expect((await database.asWorker((tx) => tenant.execute(tx))).rows[0]?.tenant).toBeNull();
    await database.close();
  });

  it("outlives connections that PostgreSQL drops, idle or in the middle of a transaction", async () => {
    const database = open();
    const others = sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await Promise.all([database.check(), database.check(), database.check()]);
    const killed = database.asWorker(async (tx) => {
      await sql`select 1`.execute(tx);
      await database.once((other) => others.execute(other));
      await sql`select 1`.execute(tx);
    });
    await expect(killed).rejects.toThrow();
    await expect
      .poll(() =>
        database.check().then(
          () => "ready",
          () => "down",
        ),
      )
      .toBe("ready");
    await database.close();
  });

  it("commits a statement that is alone, and refuses a second one beside it", async () => {
    const database = open();
    const sent = (apiId: number) => sql`insert into login_codes (api_id, day) values (${apiId}, '2024-01-01')`;
    await database.once((tx) => sent(1).execute(tx));
    const two = database.once(async (tx) => {
      await sent(2).execute(tx);
      await tx.selectFrom("login_codes").selectAll().execute();
    });
    await expect(two).rejects.toThrow("a second statement needs a transaction");
    const twice = database.once((tx) => sent(1).execute(tx));
    await expect(twice).rejects.toThrow(/duplicate key/);
    expect(
      await database.asOwner((tx) => tx.selectFrom("login_codes").select("api_id").orderBy("api_id").execute()),
    ).toEqual([{ api_id: 1 }, { api_id: 2 }]);
    await database.close();
  });

  it("rolls back what throws", async () => {
    const database = open();
    const failing = database.asOwner(async (tx) => {
      await sql`insert into tenants (id, name) values ('gone', 'Gone')`.execute(tx);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    const { rows } = await database.asOwner((tx) => sql`select 1 from tenants where id = 'gone'`.execute(tx));
    expect(rows).toEqual([]);
    await database.close();
  });
});
