import { sql } from "kysely";
import {
  type ChannelLifeFacts,
  type ChannelState,
  channelLife,
  channelState,
  type LifeEvent,
  subscriptionLife,
} from "./channel-life.ts";
import { lostNames } from "./channel-names.ts";
import type { TenantTx } from "./database.ts";
import { type Subscription, subscriptionsOf } from "./subscriptions.ts";
import { ofTenant } from "./tenant.ts";

type Row = Omit<ChannelLifeFacts, "formerUsername" | "migratedFrom"> & {
  readonly formerName: string | null;
  readonly formerUntil: Date | null;
  readonly migratedFrom: bigint | null;
  readonly migratedAt: Date | null;
};

/** By channel. Accounts are those of this tenant's users who follow it. */
export async function channelLives(
  tx: TenantTx,
  channelIds: readonly bigint[],
): Promise<Map<bigint, ChannelLifeFacts>> {
  if (channelIds.length === 0) return new Map();
  // A supergroup begins with the message that says what it was; until that is read, it became so when that was noticed.
  const { rows } = await sql<Row>`
    select c.id as "channelId", c.title, c.username, c.former_title as "formerTitle", c.title_since as "titleSince",
      (select n.since from channel_names n
        where n.channel_id = c.id and n.until is null and n.since > c.created_at
        order by n.since desc limit 1) as "usernameSince",
      f.username as "formerName", f.until as "formerUntil",
      c.migrated_from as "migratedFrom", case when c.migrated_from is not null then coalesce(
        (select m.date from messages m where m.channel_id = c.id and m.id = 1), c.migrated_at) end as "migratedAt",
      coalesce(a.accounts, 0) as accounts, coalesce(a.lost, 0) as lost, a.lost_since as "lostSince",
      a.all_lost_since as "allLostSince", coalesce(a.unknown, 0) as unknown, k.skipped
    from channels c
    left join lateral (
      select username, until from channel_names
      where channel_id = c.id and until is not null order by until desc limit 1
    ) f on true
    left join lateral (
      select count(*)::int as accounts,
        count(*) filter (where x.state <> 'ok')::int as lost,
        count(*) filter (where x.state = 'invalid')::int as unknown,
        min(x.state_since) filter (where x.state <> 'ok') as lost_since,
        max(x.state_since) filter (where x.state <> 'ok') as all_lost_since
      from channel_access x
      join subscriptions s on s.user_id = x.user_id and s.channel_id = x.channel_id
      where x.channel_id = c.id and ${ofTenant("x.tenant_id")}
    ) a on true
    cross join lateral (
      select count(*)::int as skipped from skipped_messages k
      where k.channel_id = c.id
        and not exists (select from messages m where m.channel_id = k.channel_id and m.id = k.message_id)
    ) k
    where c.id = any(${[...channelIds]}::int8[])`.execute(tx);
  return new Map(
    rows.map(({ formerName, formerUntil, migratedFrom, migratedAt, ...row }) => [
      row.channelId,
      {
        ...row,
        formerUsername: formerName !== null && formerUntil ? { name: formerName, until: formerUntil } : null,
        migratedFrom: migratedFrom !== null && migratedAt ? { id: migratedFrom, at: migratedAt } : null,
      },
    ]),
  );
}

/** What has become of a channel, for a list of channels. */
export interface ChannelLife {
  readonly state: ChannelState;
  readonly life: readonly LifeEvent[];
  readonly skipped: number;
}

export const lifeOf = (facts: ChannelLifeFacts): ChannelLife => ({
  state: channelState(facts),
  life: channelLife(facts),
  skipped: facts.skipped,
});

/** A user's subscription with what has become of it. */
export interface SubscriptionLine extends Subscription {
  readonly life: readonly LifeEvent[];
  /** Messages of the channel that could not be read. */
  readonly skipped: number;
}

/** In the order in which they were added. */
export async function subscriptionLines(tx: TenantTx, userId: bigint): Promise<SubscriptionLine[]> {
  const lines = await subscriptionsOf(tx, userId);
  const lives = await channelLives(
    tx,
    lines.flatMap(({ channelId }) => channelId ?? []),
  );
  const lost = new Map((await lostNames(tx, userId)).map((name) => [name.subscriptionId, name]));
  return lines.map((line) => {
    const facts = line.channelId === null ? null : (lives.get(line.channelId) ?? null);
    const name = lost.get(line.id);
    const lostName = name ? { name: name.name, since: name.since, holder: name.holder } : null;
    return { ...line, life: subscriptionLife({ ...line, lostName }, facts), skipped: facts?.skipped ?? 0 };
  });
}
