import { type Selectable, sql } from "kysely";
import type { Tx } from "./database.ts";
import type { ChannelMessage } from "./message.ts";
import type { Schema } from "./schema.ts";

/** A stored message. */
export interface StoredMessage extends ChannelMessage {
  readonly deletedAt: Date | null;
  readonly statsAt: Date;
  readonly revision: bigint;
}

const BATCH = 1_000;

/** A channel's messages in id order, a batch at a time; deleted ones only with `deleted`. */
export async function* streamMessages(
  tx: Tx,
  channelId: bigint,
  options: { deleted?: boolean; batch?: number } = {},
): AsyncIterable<StoredMessage[]> {
  const limit = options.batch ?? BATCH;
  let after = 0;
  while (true) {
    let query = tx
      .selectFrom("messages")
      .selectAll()
      .where("channel_id", "=", channelId)
      .where("id", ">", after)
      .orderBy("id")
      .limit(limit);
    if (!options.deleted) query = query.where("deleted_at", "is", null);
    const rows = await query.execute();
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map(fromRow);
    if (rows.length < limit) return;
    after = last.id;
  }
}

export function fromRow(row: Selectable<Schema["messages"]>): StoredMessage {
  return {
    channelId: row.channel_id,
    id: row.id,
    kind: row.kind,
    date: row.date,
    editDate: row.edit_date,
    editHidden: row.edit_hidden,
    text: row.text,
    entities: row.entities ?? [],
    media: row.media,
    groupedId: row.grouped_id,
    forward: row.forward,
    reply: row.reply,
    from: row.from_peer,
    author: row.author,
    viaBotId: row.via_bot_id,
    pinned: row.pinned,
    silent: row.silent,
    noForwards: row.no_forwards,
    service: row.service,
    stats: {
      views: row.views,
      forwards: row.forwards,
      replies: row.replies,
      reactions: row.reactions,
      pollResults: row.poll_results,
    },
    deletedAt: row.deleted_at,
    statsAt: row.stats_at,
    revision: row.revision,
  };
}

/** Rows of one channel, or of all: the living ones, the deleted ones, and the older versions kept. */
export async function countMessages(
  tx: Tx,
  channelId?: bigint,
): Promise<{ messages: number; deleted: number; versions: number }> {
  const ofChannel = channelId === undefined ? sql`` : sql`where channel_id = ${channelId}`;
  const { rows } = await sql<{ messages: number; deleted: number; versions: number }>`
    select count(*) filter (where deleted_at is null)::int as messages,
      count(*) filter (where deleted_at is not null)::int as deleted,
      (select count(*)::int from message_versions ${ofChannel}) as versions
    from messages ${ofChannel}`.execute(tx);
  return rows[0] ?? { messages: 0, deleted: 0, versions: 0 };
}

/** How many living messages of a channel are stored from `fromId` up; for a plan's depth. */
export async function countFrom(tx: Tx, channelId: bigint, fromId: number): Promise<number> {
  const { count } = await tx
    .selectFrom("messages")
    .select((eb) => eb.fn.countAll<bigint>().as("count"))
    .where("channel_id", "=", channelId)
    .where("id", ">=", fromId)
    .where("deleted_at", "is", null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Every stored id of a channel with whether it is deleted and how many older versions it has; for audits. */
export async function auditRows(
  tx: Tx,
  channelId: bigint,
): Promise<{ id: number; deleted: boolean; versions: number; text: string; editDate: Date | null }[]> {
  const { rows } = await sql<{ id: number; deleted: boolean; versions: number; text: string; editDate: Date | null }>`
    select m.id, m.deleted_at is not null as deleted, coalesce(v.versions, 0) as versions, m.text,
      m.edit_date as "editDate"
    from messages m
    left join (
      select message_id, count(*)::int as versions from message_versions
      where channel_id = ${channelId} group by message_id
    ) v on v.message_id = m.id
    where m.channel_id = ${channelId}
    order by m.id`.execute(tx);
  return rows;
}
