import { sql } from "kysely";
import type { WorkerTx } from "../database.ts";
import type { ChannelMessage } from "../message.ts";
import { ATTRIBUTES, assignments, CONTENT, columnNames, columnsOf, incomingRows, REPLACED, STATS } from "./columns.ts";
import { type EncodedRows, encodeRows, type Repaired } from "./encode-rows.ts";

/** What holds for every message of a page. */
export interface PageContext {
  readonly channelId: bigint;
  /** A difference is in pts order and wins where the edit dates are equal; history does so where it was read later. */
  readonly winsTies: boolean;
  /** The pts that the rows are as of, where the page has one. */
  readonly pts: number | null;
  readonly readAt: Date;
}

export interface Merged {
  readonly added: number;
  readonly edited: number;
  /** Bytes of the rows added, as they went to PostgreSQL. */
  readonly bytes: number;
  /** The revision that the last change was given; the one passed in where nothing changed. */
  readonly revision: bigint;
  readonly repaired: readonly Repaired[];
}

/**
 * Stores messages under the channel row's lock, by these rules:
 *
 * - A message without a row is inserted; where a tombstone awaits it, already marked as deleted.
 * - A deleted row is final: nothing changes it any more.
 * - The later edit date wins (none is the earliest); on equal ones a difference, and history that was read after the row
 *   was last written: previews come, and polls close, without an edit date, and one second may hold two edits. What loses
 *   is ignored, so that edits may arrive in any order, and any number of times.
 * - Where the winner's text, entities or media differ, the older ones become a version under the revision that replaced
 *   them. The winner brings all its columns, statistics too.
 * - Otherwise statistics and the pin are taken where they were read later than the stored ones. They make no version,
 *   and statistics alone raise no revision.
 *
 * @param revision the channel's revision before; each change gets the next one
 */
export async function mergeMessages(
  tx: WorkerTx,
  page: PageContext,
  messages: readonly ChannelMessage[],
  revision: bigint,
): Promise<Merged> {
  const total = { added: 0, edited: 0, bytes: 0, revision, repaired: [] as Repaired[] };
  for (const layer of layersOf(messages)) {
    const next = total.revision + 1n;
    const rows = encodeRows(layer);
    total.repaired.push(...rows.repaired);
    const ids = layer.map((message) => message.id);
    const fresh = new Set(await insertNew(tx, page, rows, ids, next));
    const known = ids.filter((id) => !fresh.has(id));
    const met = known.length > 0 ? await mergeKnown(tx, page, rows, known, next) : NOTHING;
    total.added += fresh.size;
    for (const [index, id] of ids.entries()) if (fresh.has(id)) total.bytes += rows.sizes[index] ?? 0;
    total.edited += met.edited;
    if (fresh.size > 0 || met.changed > 0) total.revision = next;
  }
  return total;
}

const NOTHING = { edited: 0, changed: 0 };

/** Messages in layers of which each holds an id once: those that come twice are stored one after the other, in order. */
export function layersOf(messages: readonly ChannelMessage[]): ChannelMessage[][] {
  const layers: ChannelMessage[][] = [];
  const seen = new Map<number, number>();
  for (const message of messages) {
    const depth = seen.get(message.id) ?? 0;
    seen.set(message.id, depth + 1);
    layers[depth] ??= [];
    layers[depth].push(message);
  }
  return layers;
}

/** Inserts what has no row. What was reported of these messages before is out of date; what is unsound in them is reported anew. */
async function insertNew(
  tx: WorkerTx,
  page: PageContext,
  { arrays }: EncodedRows,
  ids: readonly number[],
  revision: bigint,
): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    with cleared as (
      delete from skipped_messages
      where channel_id = ${page.channelId} and message_id = any(${[...ids]}::int4[])
    )
    insert into messages (channel_id, revision, pts, stats_at, deleted_at, ${columnNames()})
    select ${page.channelId}::int8, ${revision}::int8, ${page.pts}::int4, ${page.readAt}::timestamptz,
      (select t.deleted_at from message_tombstones t where t.channel_id = ${page.channelId} and t.message_id = n.id),
      ${columnsOf("n")}
    from (${incomingRows(arrays)}) n
    on conflict (channel_id, id) do nothing
    returning id`.execute(tx);
  return rows.map((row) => row.id);
}

async function mergeKnown(
  tx: WorkerTx,
  page: PageContext,
  { arrays }: EncodedRows,
  known: readonly number[],
  revision: bigint,
): Promise<{ edited: number; changed: number }> {
  const { rows } = await sql<{ edited: number; changed: number }>`
    with n as materialized (
      select * from (${incomingRows(arrays)}) of_page where id = any(${[...known]}::int4[])
    ),
    met as materialized (
      select m.id, m.edit_date, ${columnsOf("m", CONTENT)},
        case when ${page.winsTies} or m.stats_at < ${page.readAt}::timestamptz
          then coalesce(n.edit_date, '-infinity') >= coalesce(m.edit_date, '-infinity')
          else coalesce(n.edit_date, '-infinity') > coalesce(m.edit_date, '-infinity')
        end as wins,
        (${columnsOf("n", CONTENT)}) is distinct from (${columnsOf("m", CONTENT)}) as differs,
        n.edit_date is distinct from m.edit_date as redated,
        (${columnsOf("n", ATTRIBUTES)}) is distinct from (${columnsOf("m", ATTRIBUTES)}) as altered,
        m.stats_at < ${page.readAt}::timestamptz and n.pinned <> m.pinned as repinned,
        m.stats_at < ${page.readAt}::timestamptz
          and (${columnsOf("n", STATS)}) is distinct from (${columnsOf("m", STATS)}) as restated
      from n join messages m on m.channel_id = ${page.channelId} and m.id = n.id
      where m.deleted_at is null
    ), versions as (
      insert into message_versions (channel_id, message_id, revision, edit_date, ${columnNames(CONTENT)})
      select ${page.channelId}::int8, id, ${revision}::int8, edit_date, ${columnNames(CONTENT)}
      from met where wins and differs
    ), replaced as (
      update messages m
      set ${assignments("n", REPLACED)}, stats_at = ${page.readAt}, pts = coalesce(${page.pts}::int4, m.pts),
        revision = ${revision}
      from n join met using (id)
      where m.channel_id = ${page.channelId} and m.id = n.id and met.wins and (differs or redated or altered)
      returning differs or redated as edited
    ), counted as (
      update messages m
      set ${assignments("n", STATS)}, pinned = n.pinned, stats_at = ${page.readAt},
        revision = case when repinned then ${revision}::int8 else m.revision end
      from n join met using (id)
      where m.channel_id = ${page.channelId} and m.id = n.id
        and not (met.wins and (differs or redated or altered)) and (repinned or restated)
      returning repinned
    )
    select (select count(*)::int from replaced where edited) as edited,
      (select count(*)::int from replaced) + (select count(*)::int from counted where repinned) as changed`.execute(tx);
  return rows[0] ?? NOTHING;
}
