import { sql } from "kysely";
import type { Tx, WorkerTx } from "./database.ts";

/** The channel has this username now and no other (null: none). One that was taken from it is to be looked at by the next who can. */
export async function saveName(tx: Tx, channelId: bigint, username: string | null): Promise<void> {
  const name = username?.toLowerCase() ?? null;
  await sql`
    with ended as (
      update channel_names set until = now(), look_at = to_timestamp(0)
      where channel_id = ${channelId} and until is null and username is distinct from ${name}
    )
    insert into channel_names as n (channel_id, username)
    select ${channelId}::int8, ${name}::text where ${name}::text is not null
    on conflict (channel_id, username) do update set since = now(), until = null, look_at = null
    where n.until is not null`.execute(tx);
}

/** A name that a subscription was added with, which is its channel's no more. */
export interface LostName {
  readonly subscriptionId: bigint;
  readonly channelId: bigint;
  readonly name: string;
  readonly since: Date;
  /** The other channel that has it now, where that is known. */
  readonly holder: { readonly id: bigint; readonly title: string } | null;
  /** When to look who has it; null: nobody looks. */
  readonly lookAt: Date | null;
}

/** The lost names among a user's subscriptions. */
export async function lostNames(tx: Tx, userId: bigint): Promise<LostName[]> {
  const { rows } = await sql<Omit<LostName, "holder"> & { holderId: bigint | null; holderTitle: string | null }>`
    select s.id as "subscriptionId", s.channel_id as "channelId", s.name, n.until as since, n.look_at as "lookAt",
      h.id as "holderId", h.title as "holderTitle"
    from subscriptions s
    join channel_names n on n.channel_id = s.channel_id and n.username = s.name and n.until is not null
    left join lateral holder_of_lost_name(s.channel_id, s.name) h on true
    where s.user_id = ${userId}
    order by s.id`.execute(tx);
  return rows.map(({ holderId, holderTitle, ...lost }) => ({
    ...lost,
    holder: holderId === null ? null : { id: holderId, title: holderTitle ?? "" },
  }));
}

/**
 * Takes it on oneself to look who has a lost name, and says when anybody may look again. False where another account
 * has done so: one look is enough for all.
 */
export async function claimLostName(
  tx: WorkerTx,
  lost: { readonly channelId: bigint; readonly name: string; readonly now: Date; readonly lookAgainAt: Date },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update channel_names set look_at = ${lost.lookAgainAt}
    where channel_id = ${lost.channelId} and username = ${lost.name} and until is not null
      and look_at <= ${lost.now}`.execute(tx);
  return Number(numAffectedRows ?? 0n) > 0;
}

/** The channel has the name all the same, beside the one that it shows. */
export async function keepName(tx: WorkerTx, channelId: bigint, name: string): Promise<void> {
  await sql`
    update channel_names set until = null, look_at = null
    where channel_id = ${channelId} and username = ${name}`.execute(tx);
}
