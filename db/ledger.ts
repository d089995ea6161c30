import { sql } from "kysely";
import type { Tx } from "./database.ts";
import { type IdRange, parseRanges } from "./ranges.ts";

/** What is known of a channel's ids up to its top: each is covered, unverified or missing. */
export interface ChannelLedger {
  readonly channelId: bigint;
  /** The lowest id that any subscriber's account may see; what lies below is nobody's to account for. */
  readonly visibleFrom: number;
  /** Ids accounted for and verified, whether they have a message or not. */
  readonly covered: number;
  /** Ids accounted for once, and to be read again. */
  readonly unverified: number;
  readonly missing: number;
  /** The newest of them, in descending order, and how many ranges there are in all. */
  readonly gaps: { readonly missing: readonly IdRange[]; readonly unverified: readonly IdRange[] };
  readonly gapCounts: { readonly missing: number; readonly unverified: number };
  /** Since when something was missing or unverified; null where it was complete when it was last read. */
  readonly incompleteSince: Date | null;
}

interface Row {
  readonly channelId: bigint;
  readonly visibleFrom: number;
  readonly covered: number;
  readonly unverified: number;
  readonly missing: number;
  readonly missingRanges: string;
  readonly unverifiedRanges: string;
  readonly missingGaps: number;
  readonly unverifiedGaps: number;
  readonly incompleteSince: Date | null;
}

/**
 * The ids from a floor (`f.id`) to the top of channel `c` as three multiranges that share none and leave none out. Each is
 * empty where the floor is above the top.
 */
export const parts = sql`
  cross join lateral (
    select int4multirange(int4range(f.id, greatest(c.top_message_id + 1, f.id))) as ids
  ) reach
  cross join lateral (
    select reach.ids * c.covered - c.unverified as covered, reach.ids * c.unverified as unverified,
      reach.ids - c.covered - c.unverified as missing
  ) part`;

/** How many ids a multirange holds. */
export const size = (multirange: string) =>
  sql`(select coalesce(sum(upper(r) - lower(r)), 0)::int from unnest(${sql.raw(multirange)}) r)`;
const pieces = (multirange: string) => sql`(select count(*)::int from unnest(${sql.raw(multirange)}))`;
const newest = (multirange: string, limit: number) => sql`(
  select coalesce(range_agg(r), '{}') from (
    select r from unnest(${sql.raw(multirange)}) r order by lower(r) desc limit ${limit}
  ) last)::text`;

/** The lowest id that a subscriber's account reaches in channel `c`; 1 where none reaches it any more. */
const lowestVisible = sql`
  select greatest(1, coalesce(min(a.available_min_id), 1)) as id
  from channel_access a join subscriptions s on s.user_id = a.user_id and s.channel_id = a.channel_id
  where a.channel_id = c.id and a.state = 'ok'`;

/**
 * The ledgers of these channels, or of all that somebody follows, in the order of their ids.
 *
 * @param options.ranges how many ranges of each kind are given
 */
export async function channelLedgers(
  tx: Tx,
  options: { channelIds?: readonly bigint[]; ranges?: number } = {},
): Promise<ChannelLedger[]> {
  const limit = options.ranges ?? 20;
  const which = options.channelIds
    ? sql`c.id = any(${[...options.channelIds]}::int8[])`
    : sql`exists (select from subscriptions s where s.channel_id = c.id)`;
  const { rows } = await sql<Row>`
    select c.id as "channelId", f.id as "visibleFrom", c.incomplete_since as "incompleteSince",
      ${size("part.covered")} as covered, ${size("part.unverified")} as unverified, ${size("part.missing")} as missing,
      ${newest("part.missing", limit)} as "missingRanges", ${newest("part.unverified", limit)} as "unverifiedRanges",
      ${pieces("part.missing")} as "missingGaps", ${pieces("part.unverified")} as "unverifiedGaps"
    from channels c cross join lateral (${lowestVisible}) f ${parts}
    where ${which} order by c.id`.execute(tx);
  return rows.map((row) => ({
    channelId: row.channelId,
    visibleFrom: row.visibleFrom,
    covered: row.covered,
    unverified: row.unverified,
    missing: row.missing,
    gaps: {
      missing: parseRanges(row.missingRanges).reverse(),
      unverified: parseRanges(row.unverifiedRanges).reverse(),
    },
    gapCounts: { missing: row.missingGaps, unverified: row.unverifiedGaps },
    incompleteSince: row.incompleteSince,
  }));
}

/** The part of a ledger's ids that is covered and verified, from 0 to 1; null where there are none. */
export function progressOf(ledger: Pick<ChannelLedger, "covered" | "unverified" | "missing">): number | null {
  const all = ledger.covered + ledger.unverified + ledger.missing;
  return all === 0 ? null : ledger.covered / all;
}

/** What one account may see of a channel. */
export interface Visibility {
  readonly userId: bigint;
  readonly telegramId: bigint;
  /** `ok`, or why the account reaches it no more. */
  readonly state: string;
  /** The lowest message id it may see; 0 where all. */
  readonly availableMinId: number;
  /** Ids from there to the top that are missing or unverified. */
  readonly lacking: number;
}

/** What each follower's account may see of a channel, in the order in which the users were added. */
export async function visibilityOf(tx: Tx, channelId: bigint): Promise<Visibility[]> {
  const { rows } = await sql<Visibility>`
    select u.id as "userId", u.telegram_id as "telegramId", a.state, a.available_min_id as "availableMinId",
      ${size("part.missing + part.unverified")} as lacking
    from subscriptions s
    join channel_access a on a.user_id = s.user_id and a.channel_id = s.channel_id
    join users u on u.id = s.user_id
    join channels c on c.id = s.channel_id
    cross join lateral (select greatest(1, a.available_min_id) as id) f ${parts}
    where s.channel_id = ${channelId} order by u.id`.execute(tx);
  return rows;
}
