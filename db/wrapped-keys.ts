import { sql } from "kysely";
import type { Tx, WorkerTx } from "./database.ts";

/** How many rows one of the keyring's keys holds: without it nothing opens them. */
export interface KeyUse {
  readonly keyId: string;
  readonly sessions: number;
  readonly ownApiIds: number;
}

/**
 * Which keys are needed, by their ids. Skips from key to key in an index, so it takes as long as there are keys that are
 * not excepted, or rows under them.
 *
 * @param except not counted
 */
export async function keyUse(tx: Tx, except: readonly string[] = []): Promise<KeyUse[]> {
  const ids = (table: string) => sql`
    (select key_id from ${sql.table(table)} where key_id is not null order by key_id limit 1)`;
  const next = (table: string) => sql`
    (select t.key_id from ${sql.table(table)} t where t.key_id > used.key_id order by t.key_id limit 1)`;
  const { rows } = await sql<KeyUse>`
    with recursive of_sessions as (
      select ${ids("sessions")} as key_id
      union all select ${next("sessions")} from of_sessions used where used.key_id is not null
    ), of_own as (
      select ${ids("own_api_ids")} as key_id
      union all select ${next("own_api_ids")} from of_own used where used.key_id is not null
    ), used as (
      select key_id from of_sessions union select key_id from of_own
    )
    select key_id as "keyId",
      (select count(*)::int from sessions s where s.key_id = used.key_id) as sessions,
      (select count(*)::int from own_api_ids o where o.key_id = used.key_id) as "ownApiIds"
    from used where key_id is not null and key_id <> all(${except}::text[])
    order by key_id`.execute(tx);
  return rows;
}

/** A row's data key as it is stored, with what it is bound to. */
export interface WrappedSession {
  readonly id: bigint;
  readonly tenantId: string;
  readonly telegramId: bigint;
  readonly apiId: number;
  readonly wrappedKey: Buffer;
}
export interface WrappedApiId {
  readonly id: string;
  readonly tenantId: string;
  readonly apiId: number;
  readonly wrappedKey: Buffer;
}

/** A page of the rows under a key, in the order of their ids. */
export interface WrappedPage<Id> {
  readonly keyId: string;
  /** The last id of the page before; null for the first one. */
  readonly after: Id | null;
  readonly limit: number;
}

export async function wrappedSessions(tx: Tx, { keyId, after, limit }: WrappedPage<bigint>): Promise<WrappedSession[]> {
  const { rows } = await sql<WrappedSession>`
    select id, tenant_id as "tenantId", telegram_id as "telegramId", api_id as "apiId", wrapped_key as "wrappedKey"
    from sessions where key_id = ${keyId} and id > ${after ?? 0n}
    order by id limit ${limit}`.execute(tx);
  return rows;
}

const FIRST_UUID = "00000000-0000-0000-0000-000000000000";

export async function wrappedApiIds(tx: Tx, { keyId, after, limit }: WrappedPage<string>): Promise<WrappedApiId[]> {
  const { rows } = await sql<WrappedApiId>`
    select id, tenant_id as "tenantId", api_id as "apiId", wrapped_key as "wrappedKey"
    from own_api_ids where key_id = ${keyId} and id > ${after ?? FIRST_UUID}::uuid
    order by id limit ${limit}`.execute(tx);
  return rows;
}

/** A data key that is wrapped anew, and what was read of it. */
export interface Rewrapped<Id> {
  readonly id: Id;
  readonly was: Buffer;
  readonly wrappedKey: Buffer;
}

/**
 * Stores them, each only where its row still is what was read: what was sealed meanwhile stays. Waits for nobody: a row
 * that somebody else is writing is left out. Gives how many were stored.
 */
export async function saveRewrapped(
  tx: WorkerTx,
  table: "sessions" | "own_api_ids",
  keyId: string,
  rows: readonly Rewrapped<bigint | string>[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const [ids, was, now] = [
    rows.map(({ id }) => id.toString()),
    rows.map((row) => row.was),
    rows.map((row) => row.wrappedKey),
  ];
  const type = sql.raw(table === "sessions" ? "int8[]" : "uuid[]");
  const { numAffectedRows } = await sql`
    with fresh as (
      select * from unnest(${ids}::text[]::${type}, ${was}::bytea[], ${now}::bytea[]) as fresh (id, was, wrapped_key)
    ), free as (
      select stored.id, fresh.wrapped_key from ${sql.table(table)} stored join fresh on fresh.id = stored.id
      where stored.wrapped_key = fresh.was
      for no key update of stored skip locked
    )
    update ${sql.table(table)} as stored set wrapped_key = free.wrapped_key, key_id = ${keyId}
    from free where stored.id = free.id`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}
