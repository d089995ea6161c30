import { sql } from "kysely";
import type { WorkerTx } from "../database.ts";
import type { CounterUpdate } from "./page.ts";

/**
 * Raises views and forwards of living rows that were not read later. Never lowers them: an update may be older than the
 * message that came with it, which has the counts of the moment of reading. A row that is raised has them as of `readAt`.
 */
export async function raiseCounters(
  tx: WorkerTx,
  page: { readonly channelId: bigint; readonly readAt: Date },
  counters: readonly CounterUpdate[],
): Promise<void> {
  if (counters.length === 0) return;
  await sql`
    update messages m
    set views = greatest(m.views, c.views), forwards = greatest(m.forwards, c.forwards), stats_at = ${page.readAt}
    from (
      select id, max(views) as views, max(forwards) as forwards
      from unnest(${counters.map(({ id }) => id)}::int4[], ${counters.map(({ views }) => views)}::int4[],
        ${counters.map(({ forwards }) => forwards)}::int4[]) as u(id, views, forwards)
      group by id
    ) c
    where m.channel_id = ${page.channelId} and m.id = c.id and m.deleted_at is null
      and m.stats_at <= ${page.readAt}::timestamptz
      and (c.views > coalesce(m.views, -1) or c.forwards > coalesce(m.forwards, -1))`.execute(tx);
}
