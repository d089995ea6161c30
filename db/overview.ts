import { sql } from "kysely";
import type { TenantTx, Tx } from "./database.ts";
import { ofTenant } from "./tenant.ts";

/** What has been stored since a moment, from whatever job. */
export interface StoredSince {
  readonly messages: number;
  readonly edits: number;
  readonly deletions: number;
  /** Versions that say the same as another version of their message: beyond what Telegram ever had. */
  readonly doubled: number;
}

export async function storedSince(tx: Tx, since: Date): Promise<StoredSince> {
  const { rows } = await sql<StoredSince>`
    select
      (select count(*)::int from messages where stored_at >= ${since}) as messages,
      (select count(*)::int from message_versions where replaced_at >= ${since}) as edits,
      (select count(*)::int from messages where deleted_at >= ${since}) as deletions,
      (select coalesce(sum(same - 1), 0)::int from (
        select count(*) as same from message_versions where replaced_at >= ${since}
        group by channel_id, message_id, edit_date, md5(text) having count(*) > 1) twice) as doubled`.execute(tx);
  return rows[0] ?? { messages: 0, edits: 0, deletions: 0, doubled: 0 };
}

/**
 * Makes due every user who can be parsed and whose last run began before `since`, so that a round can be driven to its
 * end; gives how many of them there are.
 */
export async function makeDueUnlessParsedSince(tx: Tx, since: Date): Promise<number> {
  const { rows } = await sql<{ remaining: number }>`
    with behind as (
      select s.user_id from schedules s
      where s.queue is not null
        and not exists (select 1 from runs r where r.user_id = s.user_id and r.started_at >= ${since} and r.outcome = 'done')
    ), hurried as (
      update schedules s set next_parse_at = now()
      from behind where s.user_id = behind.user_id and s.claimed_at is null and s.next_parse_at > now()
    )
    select count(*)::int as remaining from behind`.execute(tx);
  return rows[0]?.remaining ?? 0;
}

/** The database's clock. */
export async function databaseNow(tx: Tx): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(tx);
  if (!rows[0]) throw new Error("no answer");
  return rows[0].now;
}

/** What is subscribed to: a channel, or a name that no channel was found for yet. */
export interface SubscribedChannel {
  readonly channelId: bigint | null;
  readonly name: string;
  /** Whether a subscriber's plan reaches back all the way. */
  readonly anyPaid: boolean;
  /** The lowest message id that one of the subscribers' accounts may see. */
  readonly visibleFrom: number;
}

export async function subscribedChannels(tx: Tx): Promise<SubscribedChannel[]> {
  const { rows } = await sql<SubscribedChannel>`
    select s.channel_id as "channelId", s.name,
      bool_or((u.paid_until > now() and u.plan = 'premium') or coalesce(u.trial_expires_at > now(), false)) as "anyPaid",
      coalesce(min(a.available_min_id), 0) as "visibleFrom"
    from subscriptions s
    join users u on u.id = s.user_id
    left join channel_access a on a.user_id = s.user_id and a.channel_id = s.channel_id
    where a.state is null or a.state = 'ok'
    group by s.channel_id, s.name`.execute(tx);
  return rows;
}

/** The name that most users follow a channel by, of those that are names; null where nobody follows any. */
export async function mostFollowed(tx: TenantTx): Promise<string | null> {
  const { rows } = await sql<{ name: string }>`
    select name from subscriptions
    where channel_id is not null and name !~ '^[0-9]+$' and ${ofTenant("tenant_id")}
    group by name order by count(*) desc, name limit 1`.execute(tx);
  return rows[0]?.name ?? null;
}

/** How many posts a user may read. */
export async function countUserPosts(tx: TenantTx, userId: bigint): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from user_posts where user_id = ${userId} and ${ofTenant("tenant_id")}`.execute(tx);
  return rows[0]?.count ?? 0;
}
