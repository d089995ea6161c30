import { sql } from "kysely";
import { longAgo } from "./both-clocks.ts";
import type { OwnerTx, Tx, WorkerTx } from "./database.ts";

/** How long a tenant's messages are kept, in days from the day of a post; null: for ever. */
export async function setMessagesKept(tx: OwnerTx, tenantId: string, days: number | null): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update tenants set messages_kept_days = ${days} where id = ${tenantId}`.execute(tx);
  return numAffectedRows === 1n;
}

/** A channel, and how long what it publishes is to be kept: by the longest policy of the tenants that subscribed. */
export interface Keeping {
  readonly channelId: bigint;
  /** Null: for ever. */
  readonly days: number | null;
}

/** Followed channels of which something is to be let go, or was: those whose policy is another now first of all. */
export async function channelsToTrim(
  tx: WorkerTx,
  options: { readonly everyMs: number; readonly limit: number },
): Promise<Keeping[]> {
  const { rows } = await sql<Keeping>`
    with policy as (
      select s.channel_id as id,
        case when bool_or(t.messages_kept_days is null) then null else max(t.messages_kept_days) end as days
      from subscriptions s join tenants t on t.id = s.tenant_id
      where s.channel_id is not null
        and (exists (select from tenants where messages_kept_days is not null)
          or exists (select from channels where kept_days is not null))
      group by s.channel_id
    )
    select c.id as "channelId", p.days
    from channels c join policy p on p.id = c.id
    where p.days is distinct from c.kept_days or (p.days is not null
      and coalesce(c.kept_checked_at, '-infinity') < now() - ${options.everyMs} * interval '1 millisecond')
    order by p.days is distinct from c.kept_days desc, c.kept_checked_at nulls first limit ${options.limit}`.execute(
    tx,
  );
  return rows;
}

/**
 * Writes down from which id on a channel's messages are kept, by the oldest that are stored: everything below counts as
 * accounted for from then on, so that it is neither missing nor read again. What is stored below is for
 * {@link deleteLetGo}. Where the policy has become longer, what lies below is missing again, and is read by whose plan
 * reaches so far.
 */
export async function trimChannel(tx: WorkerTx, { channelId, days }: Keeping, now: Date): Promise<void> {
  const { rows } = await sql<{ longer: boolean }>`
    select kept_from is not null and (${days}::int4 is null or ${days}::int4 > kept_days) as longer
    from channels where id = ${channelId} for no key update`.execute(tx);
  if (!rows[0]) return;
  if (rows[0].longer)
    await sql`
      update channels set kept_from = null, covered = covered - int4multirange(int4range(1, kept_from)),
        incomplete_since = coalesce(incomplete_since, now())
      where id = ${channelId}`.execute(tx);
  await sql`update channels set kept_days = ${days}, kept_checked_at = now() where id = ${channelId}`.execute(tx);
  if (days === null) return;
  const since = longAgo({ now, ms: days * 86_400_000 });
  await sql`
    with boundary as (
      select coalesce(
        (select m.id from messages m where m.channel_id = ${channelId} and m.date >= ${since} order by m.id limit 1),
        (select max(m.id) + 1 from messages m where m.channel_id = ${channelId})) as id
      where (select m.date < ${since} from messages m where m.channel_id = ${channelId} order by m.id limit 1)
    )
    update channels c set kept_from = b.id, covered = c.covered + int4multirange(int4range(1, b.id)),
      unverified = c.unverified - int4multirange(int4range(1, b.id)),
      incomplete_since = case
        when (c.covered + int4multirange(int4range(1, b.id))) - (c.unverified - int4multirange(int4range(1, b.id)))
          @> int4multirange(int4range(1, c.top_message_id + 1)) then null
        else c.incomplete_since end
    from boundary b where c.id = ${channelId} and b.id > coalesce(c.kept_from, 1)`.execute(tx);
}

/** The lowest id that is kept of a channel; 1 where nothing has been let go. */
export async function keptFromOf(tx: Tx, channelId: bigint): Promise<number> {
  const row = await tx.selectFrom("channels").select("kept_from").where("id", "=", channelId).executeTakeFirst();
  return row?.kept_from ?? 1;
}

/** Deletes up to `limit` of a channel's messages that have been let go, with whatever was kept of them. Gives their number. */
export async function deleteLetGo(tx: WorkerTx, channelId: bigint, limit: number): Promise<number> {
  const { rows } = await sql<{ below: number | null }>`
    select kept_from as below from channels where id = ${channelId}`.execute(tx);
  const below = rows[0]?.below;
  return below == null ? 0 : deleteBelow(tx, channelId, below, limit);
}

/** Of every table that holds something of a message; versions, marks and notes of ids without one, too. */
export async function deleteBelow(tx: WorkerTx, channelId: bigint, below: number, limit: number): Promise<number> {
  for (const table of ["message_versions", "message_tombstones", "skipped_messages"]) {
    await sql`delete from ${sql.table(table)} where channel_id = ${channelId} and message_id < ${below}
      and message_id <= coalesce((select max(id) from (
        select id from messages where channel_id = ${channelId} and id < ${below} order by id limit ${limit}
      ) oldest), ${below})`.execute(tx);
  }
  const { numAffectedRows } = await sql`
    delete from messages where channel_id = ${channelId} and id in (
      select id from messages where channel_id = ${channelId} and id < ${below} order by id limit ${limit}
    )`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}
