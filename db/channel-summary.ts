import { type Selectable, sql } from "kysely";
import { type Channel, toChannel } from "./channel.ts";
import type { TenantTx } from "./database.ts";
import { countIds, missingRanges } from "./ranges.ts";
import type { Schema } from "./schema.ts";
import { ofTenant } from "./tenant.ts";

/** One line of `channels list`. */
export interface ChannelSummary extends Channel {
  /** Of this tenant. */
  readonly subscribers: number;
  /** Living messages stored. */
  readonly messages: number;
  readonly deleted: number;
  /** Ids up to the top that are not accounted for, or unverified. */
  readonly missing: number;
}

/** The channels that this tenant's users have subscribed to, by title. */
export async function listChannels(tx: TenantTx): Promise<ChannelSummary[]> {
  const { rows } = await sql<Selectable<Schema["channels"]> & { subscribers: number; living: number; deleted: number }>`
    select c.*, s.subscribers, coalesce(m.living, 0) as living, coalesce(m.deleted, 0) as deleted
    from (
      select channel_id, count(*)::int as subscribers from subscriptions
      where channel_id is not null and ${ofTenant("tenant_id")} group by channel_id
    ) s
    join channels c on c.id = s.channel_id
    left join lateral (
      select count(*) filter (where deleted_at is null)::int as living,
        count(*) filter (where deleted_at is not null)::int as deleted
      from messages where channel_id = c.id
    ) m on true
    order by c.title, c.id`.execute(tx);
  return rows.map((row) => {
    const channel = toChannel(row);
    return {
      ...channel,
      subscribers: row.subscribers,
      messages: row.living,
      deleted: row.deleted,
      missing: countIds(missingRanges(channel, channel.topMessageId)),
    };
  });
}
