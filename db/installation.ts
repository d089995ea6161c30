import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { BackupTx, OwnerTx, Tx, WorkerTx } from "./database.ts";
import { timeline } from "./server.ts";

/** The installation that this database belongs to, as it is written there. */
export interface Installation {
  /** Another one after each `adopt`. */
  readonly id: string;
  /** PostgreSQL's own, of the cluster in which it began; null where the server does not tell. */
  readonly systemIdentifier: string | null;
  readonly databaseOid: bigint;
  /** What the processes are told by INSTALL_ID; null: anything goes. */
  readonly installId: string | null;
  /** Raised every few seconds, each time with a nonce of its own: a copy that went on by itself has another. */
  readonly counter: bigint;
  readonly nonce: string;
  readonly begunAt: Date;
  /** From then on nobody opens a session. */
  readonly retiringAt: Date | null;
  /** From then on nobody had one open either. */
  readonly retiredAt: Date | null;
}

/** Where a transaction really is. */
export interface Whereabouts {
  readonly systemIdentifier: string | null;
  readonly databaseOid: bigint;
  /** Null where the server does not tell. */
  readonly timeline: string | null;
}

/** What a server tells of itself; managed ones may keep it to themselves. */
export interface Tells {
  readonly system: boolean;
  readonly timeline: boolean;
}

const ROW = sql`id, system_identifier as "systemIdentifier", database_oid as "databaseOid", install_id as "installId",
  counter, nonce, begun_at as "begunAt", retiring_at as "retiringAt", retired_at as "retiredAt"`;

const OID = sql<bigint>`(select oid::int8 from pg_database where datname = current_database())`;
const SYSTEM = sql<string>`(select system_identifier::text from pg_control_system())`;
const systemOf = (tells: Tells) => (tells.system ? SYSTEM : sql<null>`null::text`);
const timelineOf = (tells: Tells) => (tells.timeline ? timeline : sql<null>`null::text`);

/** Null where none has begun. */
export async function loadInstallation(tx: Tx | BackupTx): Promise<Installation | null> {
  const { rows } = await sql<Installation>`select ${ROW} from installation`.execute(tx);
  return rows[0] ?? null;
}

/** Throws, and spoils the transaction, where the server does not tell its system_identifier. */
export async function readSystemIdentifier(tx: Tx): Promise<string> {
  const { rows } = await sql<{ system: string }>`select ${SYSTEM} as system`.execute(tx);
  return rows[0]!.system;
}

/** Where we are, and what is written there, of one moment. */
export async function lookAround(
  tx: Tx,
  tells: Tells,
): Promise<{ readonly here: Whereabouts; readonly installation: Installation | null }> {
  const { rows } = await sql<Whereabouts>`
    select ${systemOf(tells)} as "systemIdentifier", ${OID} as "databaseOid", ${timelineOf(tells)} as timeline
  `.execute(tx);
  return { here: rows[0]!, installation: await loadInstallation(tx) };
}

/** The first process that may open sessions says whose database this is. Nothing where it is somebody's. */
export async function beginInstallation(tx: WorkerTx, here: Whereabouts, installId: string | null): Promise<void> {
  await sql`
    insert into installation (id, system_identifier, database_oid, install_id, nonce)
    values (${randomUUID()}, ${here.systemIdentifier}, ${here.databaseOid}, ${installId}, ${randomUUID()})
    on conflict do nothing`.execute(tx);
}

/**
 * Raises the counter, unless somebody just has, and gives the row as it is then; null where it is another's by now. On
 * the disk before it returns, whatever `synchronous_commit` is: the mark outside must never be ahead of it.
 */
export async function raiseCounter(tx: WorkerTx, id: string, everyMs: number): Promise<Installation | null> {
  await sql`select set_config('synchronous_commit', 'on', true)`.execute(tx);
  const every = sql`${everyMs} * interval '1 millisecond'`;
  await sql`
    update installation set counter = counter + 1, nonce = ${randomUUID()}, raised_at = clock_timestamp()
    where id = ${id} and raised_at not between clock_timestamp() - ${every} and clock_timestamp()`.execute(tx);
  const { rows } = await sql<Installation>`select ${ROW} from installation where id = ${id}`.execute(tx);
  return rows[0] ?? null;
}

/** What a process has seen of its database: another that is not it, or is an older copy of it, does not fit. */
export interface Seen {
  readonly id: string;
  readonly counter: bigint;
  readonly nonce: string;
  readonly timeline: string | null;
}

/**
 * A failover may lose what its standby had not received: so many raises of the counter, about a minute, and only where
 * PostgreSQL's timeline has changed as it does then.
 */
export const LOST_IN_FAILOVER = 6n;

/** Where nobody asks. */
export const EVERYWHERE = sql<boolean>`true`;

/** An expression, for statements that must do nothing in a database that is not `seen`'s any more. */
export function stillOurs(seen: Seen, installId: string | null, tells: Tells) {
  const lost =
    tells.timeline && seen.timeline !== null
      ? sql`or (i.counter >= ${seen.counter - LOST_IN_FAILOVER} and ${timeline} <> ${seen.timeline})`
      : sql``;
  return sql<boolean>`exists (
    select from installation i
    where i.id = ${seen.id}::uuid and i.retiring_at is null
      and i.system_identifier is not distinct from ${systemOf(tells)} and i.database_oid = ${OID}
      and (i.install_id is null or i.install_id = ${installId})
      and (i.counter > ${seen.counter} or (i.counter = ${seen.counter} and i.nonce = ${seen.nonce}::uuid) ${lost}))`;
}

/** This database is the fleet's from now on: under a new id, so that nobody takes it for what it is a copy of. */
export async function adoptInstallation(
  tx: OwnerTx,
  here: Whereabouts,
  installId: string | null,
): Promise<Installation> {
  const { rows } = await sql<Installation>`
    insert into installation as i (id, system_identifier, database_oid, install_id, nonce)
    values (${randomUUID()}, ${here.systemIdentifier}, ${here.databaseOid}, ${installId}, ${randomUUID()})
    on conflict (one) do update set id = excluded.id, system_identifier = excluded.system_identifier,
      database_oid = excluded.database_oid, install_id = excluded.install_id, nonce = excluded.nonce,
      counter = i.counter + 1, begun_at = now(), raised_at = now(), retiring_at = null, retired_at = null
    returning ${ROW}`.execute(tx);
  return rows[0]!;
}

/** Nobody takes a lease from now on, and who has one loses it with its next heartbeat. */
export async function beginRetiring(tx: OwnerTx): Promise<void> {
  await sql`update installation set retiring_at = coalesce(retiring_at, now())`.execute(tx);
}

/** Nobody has a lease any more: those of who are gone are forgotten. */
export async function finishRetiring(tx: OwnerTx): Promise<void> {
  await sql`delete from leases`.execute(tx);
  await sql`update installation set retired_at = coalesce(retired_at, now())`.execute(tx);
}
