import { sql } from "kysely";
import type { WorkerTx } from "../database.ts";
import { formatRanges, type IdRange } from "../ranges.ts";
import type { Kept } from "./let-go.ts";
import { PageStale } from "./page.ts";

/** What a page is stored under. */
export interface LockedChannel {
  readonly revision: bigint;
  readonly kept: Kept;
}

/**
 * Locks the channel's row, which every store of a page takes first, and checks that nobody stored since the page's call.
 * The lock passes the key share locks of foreign keys.
 *
 * @throws PageStale where its pts is not `expected`
 */
export async function lockChannel(
  tx: WorkerTx,
  page: { readonly channelId: bigint; readonly readAt: Date },
  expected: number | null,
): Promise<LockedChannel> {
  const { channelId } = page;
  const { rows } = await sql<{ pts: number | null; revision: bigint; from: number; since: Date | null }>`
    select pts, revision, coalesce(kept_from, 1) as "from",
      least(now(), ${page.readAt}::timestamptz) - kept_days * interval '1 day' as since
    from channels where id = ${channelId} for no key update`.execute(tx);
  const row = rows[0];
  if (!row) throw new Error(`channel ${channelId} is not stored`);
  if (row.pts !== expected) throw new PageStale(`channel ${channelId} has pts ${row.pts}, the page ${expected}`);
  return { revision: row.revision, kept: { from: row.from, since: row.since } };
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
  /** What lies below is let go by policy; left out: what is let go already. */
  readonly keptFrom?: number;
  readonly readAt: Date;
}

/**
 * What a page covers is verified by it; what was covered stays so when it becomes unverified, until it is read again.
 * What has been let go is covered, and never unverified: nobody is to read it again.
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
      kept_from = n.kept_from,
      read_at = greatest(c.read_at, ${progress.readAt}::timestamptz),
      incomplete_since = case
        when n.covered - n.unverified @> int4multirange(int4range(n.floor, greatest(n.top + 1, n.floor))) then null
        else coalesce(c.incomplete_since, now())
      end
    from (
      select covered + ${covers} + let_go.ids as covered, ${doubtful} - ${covers} - let_go.ids as unverified,
        let_go.below as kept_from,
        greatest(top_message_id, ${progress.topMessageId}) as top,
        greatest(1, (
          select min(available_min_id) from channel_access where channel_id = ${channelId} and state = 'ok'
        )) as floor
      from channels cross join lateral (
        select below, int4multirange(int4range(1, greatest(below, 1))) as ids
        from (select greatest(kept_from, nullif(${progress.keptFrom ?? 1}::int4, 1))) as g(below)
      ) let_go
      where id = ${channelId}
    ) n
    where c.id = ${channelId}`.execute(tx);
}
