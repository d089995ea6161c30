import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { AppTx, Database, TenantTx } from "../../db/database.ts";
import { silentLog } from "../../runtime/log.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";
import { OF_B, type Planted, plantTwoTenants, ROWS } from "../support/two-tenants.ts";

/*
 * What PostgreSQL itself keeps apart, whatever a query asks for. Every table is tried: one that is new is either a
 * tenant's, or must be put among those that are nobody's here.
 */

let home: TestDatabase;
let database: Database;
let denied = 0;
let a: Planted;
let b: Planted;
let shared: bigint;

beforeAll(async () => {
  home = await testDatabase();
  const onDenied = () => {
    denied += 1;
  };
  database = openDatabase({ url: home.url, poolSize: 1, fencedStatementMs: 5_000, log: silentLog, onDenied });
  ({ a, b, shared } = await plantTwoTenants(database));
});
afterAll(async () => {
  await database?.close();
  await home?.drop();
});

const DENIED = /permission denied|row-level security/;
/** Of no tenant, and what the app sees of them: nothing, or rows that are chosen by what the tenant follows. */
const NOBODYS = {
  untouched: [
    ...["leases", "login_codes", "channel_claims", "message_tombstones", "message_versions"],
    ...["account_losses", "session_backups", "maintenance_tasks"],
  ],
  byFollowing: ["channels", "channel_names", "messages", "skipped_messages", "waits", "tenants"],
  everybodys: [
    "accepted_signatures",
    "api_ids",
    "board_sessions",
    "bot_updates",
    "kysely_migration",
    "consent_texts",
    "installation",
  ],
};
/** What no process but the api and the bot has to do with. */
const WEB = ["user_sessions", "legacy_logouts", "api_tokens", "board_sessions", "bot_updates", "accepted_signatures"];

interface Relation {
  readonly name: string;
  readonly ofTenant: boolean;
  readonly forced: boolean;
  readonly owner: string;
}

const relations = (kind: "table" | "view") =>
  database.asOwner(async (tx) => {
    const { rows } = await sql<Relation & { invoker: boolean }>`
      select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced, relowner::regrole::text as owner,
        exists (select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id') as "ofTenant",
        coalesce(c.reloptions @> '{security_invoker=true}', false) as invoker
      from pg_class c
      where c.relnamespace = current_schema()::regnamespace and not c.relispartition
        and c.relkind = any(${kind === "view" ? ["v", "m"] : ["r", "p"]}::"char"[])
      order by 1`.execute(tx);
    return rows;
  });
const countIn = async (tx: TenantTx | AppTx, table: string, where = sql`true`): Promise<number> => {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from ${sql.table(table)} where ${where}`.execute(
    tx,
  );
  return rows[0]?.n ?? -1;
};
/** All that a tenant's transaction can read of a table, as text: columns that it may not read are left out. */
const textOf = async (tx: TenantTx, table: string): Promise<string> => {
  const { rows: columns } = await sql<{ name: string }>`
    select attname as name from pg_attribute
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped
      and has_column_privilege(attrelid, attnum, 'select')`.execute(tx);
  if (columns.length === 0) return "";
  const { rows } = await sql<{ text: string }>`
    select (row(${sql.join(columns.map(({ name }) => sql.ref(name)))}))::text as text from ${sql.table(table)}`.execute(
    tx,
  );
  return rows.map(({ text }) => text).join("\n");
};

describe("tables", () => {
  it("are a tenant's, with row security forced, or are known to be nobody's", async () => {
    for (const { name, ofTenant, forced, owner } of await relations("table")) {
      expect(owner, name).toBe("gramfleet_owner");
      if (ofTenant) expect(forced, `${name} has no row security`).toBe(true);
      else expect([...Object.values(NOBODYS).flat()], `${name} is whose?`).toContain(name);
    }
    for (const { name, invoker } of await relations("view"))
      expect(invoker, `${name} shows what its owner sees`).toBe(true);
  });

  it("of tenants are all planted here", async () => {
    const ofTenant = (await relations("table")).filter((table) => table.ofTenant).map(({ name }) => name);
    expect(ofTenant.sort()).toEqual([...Object.keys(ROWS), "users", "sessions"].sort());
  });
});

describe("a tenant", () => {
  it("sees of every table its own rows and none of another's", async () => {
    let seen = 0;
    for (const { name, ofTenant } of await relations("table")) {
      if (NOBODYS.untouched.includes(name)) continue;
      const shown = await database.inTenant(a.tenantId, (tx) => textOf(tx, name));
      expect(shown, name).not.toContain(OF_B);
      expect(shown, name).not.toContain(b.tenantId);
      expect(shown, name).not.toContain(String(b.telegramId));
      expect(shown, name).not.toContain(String(b.channelId));
      if (!ofTenant) continue;
      expect(shown, `${name}: nothing of its own`).toContain(a.tenantId);
      seen += 1;
    }
    expect(seen).toBe(Object.keys(ROWS).length + 2);
  });

  it("sees the channels that it follows, each post once, and no other", async () => {
    const titles = await database.inTenant(a.tenantId, (tx) =>
      sql<{ title: string; text: string }>`
        select c.title, m.text from channels c join messages m on m.channel_id = c.id order by c.id`.execute(tx),
    );
    expect(titles.rows.map(({ text }) => text)).toEqual(["canary-of-tenant-a", "for both"]);
    // Access that is lost shows no post; a post from before one's time neither.
    const posts = (change: string) =>
      database
        .asOwner((tx) => sql`update channel_access set ${sql.raw(change)} where tenant_id = ${a.tenantId}`.execute(tx))
        .then(() => database.inTenant(a.tenantId, (tx) => countIn(tx, "messages")));
    expect(await posts("state = 'private'")).toBe(0);
    expect(await posts("state = 'ok', available_min_id = 2")).toBe(0);
    expect(await posts("available_min_id = 0")).toBe(2);
    await database
      .inTenant(a.tenantId, async (tx) => {
        await sql`delete from subscriptions where channel_id = ${a.channelId}`.execute(tx);
        expect(await countIn(tx, "messages")).toBe(1);
        throw new Error("rolled back");
      })
      .catch(() => undefined);
  });

  it("changes and deletes nothing of another's, and puts nothing there", async () => {
    const before = await database.asOwner((tx) => textOf(tx as unknown as TenantTx, "users"));
    for (const [table, insert] of Object.entries(ROWS)) {
      const change = await database
        .inTenant(a.tenantId, (tx) => sql`delete from ${sql.table(table)} where tenant_id = ${b.tenantId}`.execute(tx))
        .then(
          ({ numAffectedRows }) => numAffectedRows,
          () => 0n,
        );
      expect(change, `deletes from ${table}`).toBe(0n);
      const put = await database
        .inTenant(a.tenantId, (tx) => insert(tx as never, { ...b }, OF_B))
        .then(
          (result) => (result as { numAffectedRows?: bigint }).numAffectedRows,
          (error: Error) => (DENIED.test(error.message) ? 0n : error.message),
        );
      expect(put, `puts a row into ${table}`).toBe(0n);
    }
    const moved = database.inTenant(a.tenantId, (tx) =>
      sql`update users set tenant_id = ${b.tenantId} where id = ${a.userId}`.execute(tx),
    );
    await expect(moved).rejects.toThrow(DENIED);
    expect(await database.asOwner((tx) => textOf(tx as unknown as TenantTx, "users"))).toBe(before);
  });

  it("never reads what opens a session, its own neither", async () => {
    for (const [table, column] of [
      ["sessions", "ciphertext"],
      ["sessions", "wrapped_key"],
      ["sessions", "fingerprint"],
      ["own_api_ids", "ciphertext"],
      ["own_api_ids", "wrapped_key"],
    ] as const) {
      const read = database.inTenant(a.tenantId, (tx) =>
        sql`select ${sql.ref(column)} from ${sql.table(table)}`.execute(tx),
      );
      await expect(read, `${table}.${column}`).rejects.toThrow("permission denied");
    }
    for (const table of NOBODYS.untouched) {
      await expect(
        database.inTenant(a.tenantId, (tx) => countIn(tx, table)),
        table,
      ).rejects.toThrow("permission denied");
    }
    expect(denied).toBeGreaterThan(5);
  });
});

it("sees nothing of any tenant without one", async () => {
  for (const { name, ofTenant } of await relations("table")) {
    if (!ofTenant && !NOBODYS.byFollowing.includes(name)) continue;
    expect(await database.asApp((tx) => countIn(tx, name)), name).toBe(0);
    expect(await database.inTenant("", (tx) => countIn(tx, name)), name).toBe(0);
    expect(await database.inTenant("nobody", (tx) => countIn(tx, name)), name).toBe(0);
  }
});

describe("a worker", () => {
  it("sees all tenants, and nothing of web logins", async () => {
    const { rows } = await database.asWorker((tx) => sql`select distinct tenant_id from sessions`.execute(tx));
    expect(rows).toHaveLength(2);
    for (const table of WEB) {
      for (const statement of ["select 1 from", "delete from"]) {
        await expect(
          database.asWorker((tx) => sql`${sql.raw(statement)} ${sql.table(table)}`.execute(tx)),
          table,
        ).rejects.toThrow("permission denied");
        await expect(
          database.once((tx) => sql`${sql.raw(statement)} ${sql.table(table)}`.execute(tx)),
          `${table}, without a transaction`,
        ).rejects.toThrow("permission denied");
      }
    }
    const token = database.asWorker((tx) => sql`select auth_token from users`.execute(tx));
    await expect(token).rejects.toThrow("permission denied");
  });
});

it("lets a backup read everything and write nothing", async () => {
  for (const { name, ofTenant } of await relations("table")) {
    const { rows } = await database.asBackup((tx) =>
      sql<{ tenant_id: string }>`select * from ${sql.table(name)}`.execute(tx),
    );
    if (ofTenant) expect(new Set(rows.map((row) => row.tenant_id)), name).toContain(b.tenantId);
    await expect(
      database.asBackup((tx) => sql`delete from ${sql.table(name)}`.execute(tx)),
      name,
    ).rejects.toThrow(/permission denied|read-only/);
  }
});

it("keeps tenants apart on one connection, whatever was asked there before", async () => {
  const tenants = [a, b];
  for (let turn = 0; turn < 1_000; turn += 1) {
    const mine = tenants[turn % 2] as Planted;
    const ask = async (tx: TenantTx) => {
      const { rows } = await sql<{ own: number; all: number }>`
        select count(*) filter (where tenant_id = ${mine.tenantId})::int as own, count(*)::int as all from sessions`.execute(
        tx,
      );
      expect(rows).toEqual([{ own: 1, all: 1 }]);
      // Some end badly: nothing of them is to be left on the connection.
      if (turn % 7 === 0) throw new Error("rolled back");
    };
    await database.inTenant(mine.tenantId, ask).catch((error: Error) => expect(error.message).toBe("rolled back"));
    if (turn % 100 === 0) expect(await database.asApp((tx) => countIn(tx, "sessions"))).toBe(0);
  }
  expect(database.load().most).toBe(1);
});

it("would show everything without row security: what is tested here is what keeps it", async () => {
  const open = await testDatabase();
  const without = openDatabase({ url: open.url, poolSize: 1, fencedStatementMs: 5_000, log: silentLog });
  try {
    await plantTwoTenants(without);
    await without.asOwner(async (tx) => {
      for (const { name } of await relations("table"))
        await sql`alter table ${sql.table(name)} disable row level security`.execute(tx);
    });
    for (const name of ["users", "sessions", "messages", "waits", ...Object.keys(ROWS)])
      expect(await without.inTenant(a.tenantId, (tx) => textOf(tx, name)), name).toMatch(
        new RegExp(`${OF_B}|${b.tenantId}|${b.telegramId}`),
      );
    expect(await without.inTenant(a.tenantId, (tx) => countIn(tx, "channels"))).toBe(3);
    expect(shared).toBe(1_800_000_003n);
  } finally {
    await without.close();
    await open.drop();
  }
});
