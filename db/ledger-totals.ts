import { type RawBuilder, sql } from "kysely";
import type { Tx } from "./database.ts";
import { parts, size } from "./ledger.ts";

/** What is open in all channels that somebody follows and reaches, within the reach of their followers' plans. */
export interface LedgerTotals {
  readonly unverified: number;
  readonly missing: number;
  /** Channels in which something is missing or unverified. */
  readonly incomplete: number;
  /** Of the one that has been incomplete longest; 0 where none is. */
  readonly oldestGapSeconds: number;
}

/** Up to so many users with a plan that reaches all, it is quicker to look what they follow than who follows a channel. */
const FEW_PAYING = 50_000;

interface Depth {
  readonly historyDepthFree: number;
  /** Left out: `FEW_PAYING`. The sums are the same by either way. */
  readonly fewPaying?: number;
}

/**
 * Sums up what is missing and unverified. Where only free users follow a channel, what lies below its newest
 * `historyDepthFree` messages is nobody's to read and counts as nothing (deleted ones count as messages here, so that a
 * deletion opens no gap until backfill has gone on). Channels that no follower's account reaches any more are left out:
 * nobody can fill their gaps.
 *
 * @param tx a transaction, not a statement alone: otherwise PostgreSQL may take longer to compile it than to run it
 */
export async function ledgerTotals(tx: Tx, options: Depth): Promise<LedgerTotals> {
  await withoutJit(tx);
  const { rows } = await totalsOfOpen(options).execute(tx);
  return rows[0] ?? { unverified: 0, missing: 0, incomplete: 0, oldestGapSeconds: 0 };
}

/** The part of the same channels' ids that is covered and verified, from 0 to 1; null where there are none. `tx` likewise. */
export async function ledgerProgress(tx: Tx, options: Depth): Promise<number | null> {
  await withoutJit(tx);
  const { rows } = await sql<{ covered: number; ids: number }>`
    with ${within(sql`true`, options)}
    select coalesce(sum(covered), 0)::float8 as covered, coalesce(sum(covered + unverified + missing), 0)::float8 as ids
    from within`.execute(tx);
  const { covered, ids } = rows[0] ?? { covered: 0, ids: 0 };
  return ids === 0 ? null : covered / ids;
}

/** PostgreSQL cannot know how few channels are open, takes this for a costly statement, and would compile it for seconds. */
const withoutJit = (tx: Tx) => sql`select set_config('jit', 'off', true)`.execute(tx);

/** The statement of `ledgerTotals`: only channels with something open are looked at. */
export function totalsOfOpen(options: Depth): RawBuilder<LedgerTotals> {
  const open = sql`c.unverified <> '{}' or not c.covered @> int4range(1, c.top_message_id + 1)`;
  return sql<LedgerTotals>`
    with ${within(open, options)}
    select coalesce(sum(unverified), 0)::float8 as unverified, coalesce(sum(missing), 0)::float8 as missing,
      count(*) filter (where missing + unverified > 0)::int as incomplete,
      coalesce(extract(epoch from now() - min(incomplete_since) filter (where missing + unverified > 0)), 0)::float8
        as "oldestGapSeconds"
    from within`;
}

/**
 * `within`: how many ids of each kind every channel has that somebody follows and reaches, within what plans reach.
 *
 * Who pays, and how deep the newest messages reach, matters only where something is open so far below the top (`deep`).
 * Few who pay say of all that they follow that it is paid for; where they are many, a channel's followers are asked one
 * after the other until one of them pays. Sub-selects are scalar, or end in `offset 0`, so that PostgreSQL goes by index
 * from row to row: as joins it would read all subscriptions.
 */
const within = (which: RawBuilder<unknown>, { historyDepthFree, fewPaying = FEW_PAYING }: Depth) => sql`
  reached as (
    select c.id, c.top_message_id, c.covered, c.unverified, c.incomplete_since, greatest(1, lowest.id) as floor
    from channels c cross join lateral (
      select a.available_min_id as id from channel_access a
      where a.channel_id = c.id and a.state = 'ok' and ${subscribed}
      order by a.available_min_id limit 1
    ) lowest
    where ${which}
  ), opened as materialized (
    select c.*, coalesce(lower(part.missing + part.unverified) <= c.top_message_id - ${historyDepthFree}::int, false) as deep
    from reached c cross join lateral (select c.floor as id) f ${parts}
  ), paying as materialized (
    select u.id from users u
    where exists (select from opened where deep) and ${reachesAll} limit ${fewPaying + 1}::int
  ), paid as (
    select distinct s.channel_id as id
    from paying cross join lateral (
      select s.channel_id from subscriptions s where s.user_id = paying.id offset 0
    ) s
    where not ${manyPay(fewPaying)}
      and (select a.state from channel_access a where a.user_id = paying.id and a.channel_id = s.channel_id) = 'ok'
  ), within as (
    select c.incomplete_since, ${size("part.covered")} as covered, ${size("part.unverified")} as unverified,
      ${size("part.missing")} as missing
    from opened c left join paid on paid.id = c.id
    left join lateral (
      select true as yes from channel_access a
      where c.deep and ${manyPay(fewPaying)} and a.channel_id = c.id and a.state = 'ok'
        and case when (select ${reachesAll} from users u where u.id = a.user_id) then ${subscribed} end
      limit 1
    ) found on true
    left join lateral (
      select m.id from messages m
      where c.deep and paid.id is null and found.yes is null and m.channel_id = c.id
      order by m.id desc offset ${historyDepthFree - 1}::int limit 1
    ) depth on true
    cross join lateral (select greatest(c.floor, depth.id) as id) f ${parts}
  )`;

const manyPay = (few: number) => sql`(select count(*) > ${few}::int from paying)`;

/** Whether an account's user follows the channel still. */
const subscribed = sql`(
  select true from subscriptions s where s.user_id = a.user_id and s.channel_id = a.channel_id)`;

/** Whether the plan in force of a user reaches back over whole channels. */
const reachesAll = sql`case when u.paid_until > now() then u.plan = 'premium' else u.trial_expires_at > now() end`;
