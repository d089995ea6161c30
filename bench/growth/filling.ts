import { sql } from "kysely";
import type { Database, Tx } from "../../db/database.ts";

/** Channels that nobody reads: their ids lie on both sides of those that are measured. */
const FIRST_FILLER = 1_554_999_501n;
/** Copied in one transaction: some seconds' work. */
const CHANNELS_AT_ONCE = 5;
const LANES = 2;

/** What fills a database: so many channels, each with a copy of these messages of another one. */
export interface Filling {
  readonly template: bigint;
  /** The template's lowest ids are copied, so many of them. */
  readonly messagesEach: number;
  readonly channels: number;
}

/** Whatever is about anybody, and what was measured last time: the filling alone stays. */
export async function emptyButForFilling(database: Database, measured: bigint): Promise<void> {
  await database.asOwner(async (tx) => {
    await sql`truncate users, channel_names, message_versions, message_tombstones cascade`.execute(tx);
    await sql`delete from messages where channel_id = ${measured}`.execute(tx);
    await sql`delete from channels where id = ${measured}`.execute(tx);
  });
}

/**
 * Copies the template until so many rows are there; one that was interrupted is gone on with. Autovacuum is kept off the
 * rows: it would come in the middle of somebody's measurement.
 */
export async function fill(database: Database, filling: Filling, note: (text: string) => void): Promise<void> {
  const there = await database.asOwner((tx) => filled(tx, filling));
  const missing = Array.from(
    { length: filling.channels },
    (_, index) => FIRST_FILLER + skipping(index, filling),
  ).filter((id) => !there.has(id));
  if (missing.length === 0) return;
  const startedAt = performance.now();
  const all = filling.channels * filling.messagesEach;
  note(`filling ${all} rows, ${missing.length * filling.messagesEach} of which are missing: about 20 s a million`);
  await withoutAutovacuum(database);
  let shown = 0;
  const lane = async () => {
    for (let some = missing.splice(0, CHANNELS_AT_ONCE); some.length > 0; some = missing.splice(0, CHANNELS_AT_ONCE)) {
      await database.asOwner((tx) => copy(tx, filling, some));
      const share = Math.floor(10 * (1 - missing.length / filling.channels));
      if (share > shown) note(`${share * 10} % after ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
      shown = Math.max(shown, share);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await database.once((tx) => sql`vacuum (analyze) messages`.execute(tx));
  note(`filled after ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
}

/** The measured channel is one of the numbers between. */
const skipping = (index: number, { template }: Filling): bigint => {
  const id = BigInt(index);
  return FIRST_FILLER + id >= template ? id + 1n : id;
};

async function filled(tx: Tx, { template }: Filling): Promise<Set<bigint>> {
  const { rows } = await sql<{ id: bigint }>`select id from channels where id <> ${template}`.execute(tx);
  return new Set(rows.map(({ id }) => id));
}

async function copy(tx: Tx, { template, messagesEach }: Filling, ids: readonly bigint[]): Promise<void> {
  await sql`
    insert into channels (id, title, kind, pts, top_message_id, covered, revision)
    select n, 'Filling ' || n, kind, pts, ${messagesEach}, int4multirange(int4range(1, ${messagesEach + 1})), revision
    from channels, unnest(${[...ids]}::int8[]) n where id = ${template}`.execute(tx);
  const columns = sql.raw((await columnsBesideChannel(tx)).join(", "));
  const { numAffectedRows } = await sql`
    insert into messages (channel_id, ${columns})
    select n, ${columns} from unnest(${[...ids]}::int8[]) n, messages
    where channel_id = ${template} and id <= ${messagesEach} order by n, id desc`.execute(tx);
  if (Number(numAffectedRows) !== ids.length * messagesEach) throw new Error(`${numAffectedRows} rows were copied`);
}

async function columnsBesideChannel(tx: Tx): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select quote_ident(attname) as name from pg_attribute
    where attrelid = 'messages'::regclass and attnum > 0 and not attisdropped and attname <> 'channel_id'
    order by attnum`.execute(tx);
  return rows.map(({ name }) => name);
}

async function withoutAutovacuum(database: Database): Promise<void> {
  await database.asOwner(async (tx) => {
    for (const name of await partitions(tx))
      await sql`alter table ${sql.table(name)} set (autovacuum_enabled = off)`.execute(tx);
  });
}

/** The tables that the messages are in. */
async function partitions(tx: Tx): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent = 'messages'::regclass order by 1`.execute(
    tx,
  );
  return rows.map(({ name }) => name);
}

export async function countRows(database: Database): Promise<number> {
  const { rows } = await database.asOwner((tx) =>
    sql<{ count: number }>`select count(*)::int as count from messages`.execute(tx),
  );
  return rows[0]?.count ?? 0;
}
