import { Kysely, type Migration, PostgresDialect, sql } from "kysely";
import pg from "pg";
import type { Log } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { Database, WorkerTx } from "./database.ts";
import * as first from "./migrations/0001-first.ts";
import * as reconcile from "./migrations/0002-reconcile.ts";
import * as web from "./migrations/0003-web.ts";
import * as channelLife from "./migrations/0004-channel-life.ts";
import * as endings from "./migrations/0005-endings.ts";
import * as unclaimedSessions from "./migrations/0006-unclaimed-sessions.ts";
import * as waitsByTwoClocks from "./migrations/0007-waits-by-two-clocks.ts";
import * as bot from "./migrations/0008-bot.ts";
import * as ownApiIds from "./migrations/0009-own-api-ids.ts";
import * as boardSessions from "./migrations/0010-board-sessions.ts";
import * as roles from "./migrations/0011-roles.ts";
import * as installation from "./migrations/0012-installation.ts";
import * as retention from "./migrations/0013-retention.ts";
import * as apiIdsAndConsent from "./migrations/0014-api-ids-and-consent.ts";
import * as keyRotation from "./migrations/0015-key-rotation.ts";
import * as schedulesByDueTime from "./migrations/0016-schedules-by-due-time.ts";
import * as countingSessions from "./migrations/0017-counting-sessions.ts";
import { answering } from "./unreachable.ts";

/** Every migration, in order. One that has been released is never changed. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-first": first,
  "0002-reconcile": reconcile,
  "0003-web": web,
  "0004-channel-life": channelLife,
  "0005-endings": endings,
  "0006-unclaimed-sessions": unclaimedSessions,
  "0007-waits-by-two-clocks": waitsByTwoClocks,
  "0008-bot": bot,
  "0009-own-api-ids": ownApiIds,
  "0010-board-sessions": boardSessions,
  "0011-roles": roles,
  "0012-installation": installation,
  "0013-retention": retention,
  "0014-api-ids-and-consent": apiIdsAndConsent,
  "0015-key-rotation": keyRotation,
  "0016-schedules-by-due-time": schedulesByDueTime,
  "0017-counting-sessions": countingSessions,
};
const NAMES = Object.keys(MIGRATIONS).sort();
/** The schema that this version of gramfleet reads and writes. */
export const SCHEMA_VERSION = NAMES.at(-1) ?? "";

/** Under which whoever migrates locks the others out; Kysely's own, by which earlier versions did. */
const LOCK_ID = "3853314791062309107";

/**
 * Brings the database to this version's schema and gives the names of the migrations that ran: all of them in one
 * transaction, or none. Safe to call from many processes at once: one of them works, the others wait for it.
 *
 * Not by Kysely's Migrator: it holds its lock by the session, which PgBouncer's transaction mode gives to somebody else.
 *
 * @throws OperatorError where PostgreSQL cannot be reached, or the schema is newer than this version
 */
export async function migrate(url: string, log?: Log): Promise<string[]> {
  const db = connect(url);
  try {
    const ran = await answering(() => db.transaction().execute(runMissing));
    if (ran.length > 0) log?.info({ migrations: ran }, "database migrated");
    return ran;
  } finally {
    await db.destroy();
  }
}

async function runMissing(tx: Kysely<unknown>): Promise<string[]> {
  if ((await readVersion(tx)) === SCHEMA_VERSION) return [];
  await sql`select pg_advisory_xact_lock(${LOCK_ID}::int8)`.execute(tx);
  refuseNewer(await readVersion(tx));
  await actAsOwner(tx);
  await sql`
    create table if not exists kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null)
  `.execute(tx);
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(tx);
  const done = new Set(rows.map(({ name }) => name));
  const missing = NAMES.filter((name) => !done.has(name));
  for (const name of missing) {
    await MIGRATIONS[name]?.up(tx);
    await sql`insert into kysely_migration values (${name}, ${new Date().toISOString()})`.execute(tx);
  }
  return missing;
}

/** What is made from `0011-roles` on is the owner's, whoever has connected. That migration takes the role by itself. */
async function actAsOwner(tx: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ owner: string }>`
    select relowner::regrole::text as owner from pg_class where oid = to_regclass('kysely_migration')`.execute(tx);
  if (rows[0]?.owner === "gramfleet_owner") await sql`set local role gramfleet_owner`.execute(tx);
}

/** The last migration that the database has seen; null where it has seen none. @throws OperatorError where PostgreSQL cannot be reached */
export async function schemaVersion(url: string): Promise<string | null> {
  const db = connect(url);
  try {
    return await answering(() => readVersion(db));
  } finally {
    await db.destroy();
  }
}

/** @throws OperatorError where the schema is older or newer than this version's, or PostgreSQL cannot be reached */
export async function assertSchema(database: Database): Promise<void> {
  const version = await answering(() => database.asWorker(readVersion));
  if (version === SCHEMA_VERSION) return;
  refuseNewer(version);
  const found = version === null ? "has no schema yet" : `has the older schema ${version}`;
  throw new OperatorError(`the database ${found}: run gramfleet migrate`);
}

function refuseNewer(version: string | null): void {
  if (version === null || NAMES.includes(version)) return;
  throw new OperatorError(
    `the database has the schema ${version}, which this version of gramfleet does not know: use a newer gramfleet`,
  );
}

function connect(url: string): Kysely<unknown> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: 15_000,
    application_name: "gramfleet-migrate",
  });
  pool.on("error", () => undefined);
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

async function readVersion(db: Kysely<unknown> | WorkerTx): Promise<string | null> {
  const { rows: tables } = await sql<{ there: boolean }>`
    select to_regclass('kysely_migration') is not null as there
  `.execute(db);
  if (!tables[0]?.there) return null;
  const { rows } = await sql<{ name: string }>`
    select name from kysely_migration order by name desc limit 1
  `.execute(db);
  return rows[0]?.name ?? null;
}
