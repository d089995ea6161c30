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
  /** Null: as it is. */
  readonly pts: number | null;
  readonly covers: IdRange | null;
  readonly unverifyCovered: boolean;
  readonly topMessageId: number;
  readonly readAt: Date;
}

/** What a page covers is verified by it; what was covered stays so when it becomes unverified, until it is read again. */
export async function advanceChannel(tx: WorkerTx, channelId: bigint, progress: ChannelProgress): Promise<void> {
  const covers = sql`${formatRanges(progress.covers ? [progress.covers] : [])}::int4multirange`;
  const doubtful = progress.unverifyCovered ? sql`unverified + covered` : sql`unverified`;
  await sql`
    update channels set
      revision = ${progress.revision},
      pts = coalesce(${progress.pts}::int4, pts),
      top_message_id = greatest(top_message_id, ${progress.topMessageId}),
      covered = covered + ${covers},
      unverified = ${doubtful} - ${covers},
      read_at = greatest(read_at, ${progress.readAt}::timestamptz)
    where id = ${channelId}`.execute(tx);
}
