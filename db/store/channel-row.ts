import { sql } from "kysely";
import type { WorkerTx } from "../database.ts";
import { formatRanges, type IdRange } from "../ranges.ts";
import { PageStale } from "./page.ts";

/**
 * Locks the channel's row, which every store of a page takes first, and checks that nobody stored since the page's call.
 * The lock passes the key share locks of foreign keys.
 *
 * @returns the channel's revision
 * @throws PageStale where its pts is not `expected`
 */
export async function lockChannel(tx: WorkerTx, channelId: bigint, expected: number | null): Promise<bigint> {
  const row = await tx
    .selectFrom("channels")
    .select(["pts", "revision"])
    .where("id", "=", channelId)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!row) throw new Error(`channel ${channelId} is not stored`);
  if (row.pts !== expected) throw new PageStale(`channel ${channelId} has pts ${row.pts}, the page ${expected}`);
  return row.revision;
}

/** What a page leaves in the channel's row. */
export interface ChannelProgress {
  readonly revision: bigint;
  /** Null: as it is. A lower one than the channel's counts for nothing. */
  readonly pts: number | null;
  readonly covers: IdRange | null;
  /** What of these ids is covered becomes unverified, before `covers` verifies its own; null: nothing does. */
  readonly unverifies: IdRange | null;
  readonly topMessageId: number;
  readonly readAt: Date;
}

/**
 * What a page covers is verified by it; what was covered stays so when it becomes unverified, until it is read again.
 * Notes since when something is missing or unverified up to the top, from the lowest id that any account may see.
 */
export async function advanceChannel(tx: WorkerTx, channelId: bigint, progress: ChannelProgress): Promise<void> {
  const covers = sql`${formatRanges(progress.covers ? [progress.covers] : [])}::int4multirange`;
  const doubtful = sql`(unverified + covered * ${formatRanges(progress.unverifies ? [progress.unverifies] : [])}::int4multirange)`;
  await sql`
    update channels c set
      revision = ${progress.revision},
      pts = greatest(c.pts, ${progress.pts}::int4),
      top_message_id = n.top,
      covered = n.covered,
      unverified = n.unverified,
      read_at = greatest(c.read_at, ${progress.readAt}::timestamptz),
      incomplete_since = case
        when n.covered - n.unverified @> int4multirange(int4range(n.floor, greatest(n.top + 1, n.floor))) then null
        else coalesce(c.incomplete_since, now())
      end
    from (
      select covered + ${covers} as covered, ${doubtful} - ${covers} as unverified,
        greatest(top_message_id, ${progress.topMessageId}) as top,
        greatest(1, (
          select min(available_min_id) from channel_access where channel_id = ${channelId} and state = 'ok'
        )) as floor
      from channels where id = ${channelId}
    ) n
    where c.id = ${channelId}`.execute(tx);
}
