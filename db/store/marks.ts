import { sql } from "kysely";
import type { WorkerTx } from "../database.ts";

/** PostgreSQL's text of an int4[]. */
const idArray = (ids: readonly number[]) => sql`${`{${ids.join(",")}}`}::int4[]`;

interface Marking {
  readonly channelId: bigint;
  readonly revision: bigint;
  readonly readAt: Date;
}

/**
 * Marks messages as deleted, and leaves a tombstone where there is no row. A mark is never undone; one that is there
 * keeps its time. Gives the marks newly set: on rows, and in all.
 */
export async function markDeleted(
  tx: WorkerTx,
  marking: Marking,
  ids: readonly number[],
): Promise<{ rows: number; marks: number }> {
  if (ids.length === 0) return { rows: 0, marks: 0 };
  const { rows } = await sql<{ rows: number; tombstones: number }>`
    with gone as (
      select distinct id from unnest(${idArray(ids)}) as g(id)
    ), marked as (
      update messages m set deleted_at = ${marking.readAt}, revision = ${marking.revision}
      from gone where m.channel_id = ${marking.channelId} and m.id = gone.id and m.deleted_at is null
      returning 1
    ), tombstones as (
      insert into message_tombstones (channel_id, message_id, deleted_at)
      select ${marking.channelId}::int8, gone.id, ${marking.readAt}::timestamptz from gone
      where not exists (select from messages m where m.channel_id = ${marking.channelId} and m.id = gone.id)
      on conflict do nothing
      returning 1
    )
    select (select count(*)::int from marked) as rows, (select count(*)::int from tombstones) as tombstones`.execute(
    tx,
  );
  const counts = rows[0] ?? { rows: 0, tombstones: 0 };
  return { rows: counts.rows, marks: counts.rows + counts.tombstones };
}

/**
 * Marks every living row from `from` to `to` whose id is not in `present`. Gives their number. The array stands in a
 * subquery: of one that stands in the condition itself the planner looks at every element, which takes it ten times
 * longer than the statement runs.
 */
export async function markAbsent(
  tx: WorkerTx,
  marking: Marking,
  range: { readonly from: number; readonly to: number },
  present: readonly number[],
): Promise<number> {
  const { numAffectedRows } = await sql`
    update messages set deleted_at = ${marking.readAt}, revision = ${marking.revision}
    where channel_id = ${marking.channelId} and id between ${range.from} and ${range.to}
      and deleted_at is null and id <> all((select ${idArray(present)})::int4[])`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** Pins or unpins; gives the number of rows that were otherwise. */
export async function setPinned(
  tx: WorkerTx,
  marking: Marking,
  ids: readonly number[],
  pinned: boolean,
): Promise<number> {
  if (ids.length === 0) return 0;
  const { numAffectedRows } = await sql`
    update messages set pinned = ${pinned}, revision = ${marking.revision}
    where channel_id = ${marking.channelId} and id = any(${idArray(ids)})
      and deleted_at is null and pinned <> ${pinned}`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}
