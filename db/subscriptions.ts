import { sql } from "kysely";
import type { ChannelAccess } from "./access.ts";
import { type Channel, type ChannelRow, channelColumns, findChannel, toChannel } from "./channel.ts";
import { normaliseChannelName } from "./channel-name.ts";
import type { TenantTx, Tx } from "./database.ts";
import { ofTenant } from "./tenant.ts";

/** A line of a user's subscriptions, with the channel and the account's access where they are known. */
export interface Subscription {
  readonly id: bigint;
  /** As normalised: a username in lower case, or an id's digits (`parseChannelName` reads it). */
  readonly name: string;
  readonly state: string;
  readonly channelId: bigint | null;
  readonly channel: Channel | null;
  readonly access: ChannelAccess | null;
}

/**
 * Normalises the name; adds the subscription in state pending, or gives back the one that is there.
 *
 * @throws OperatorError where the name is malformed
 */
export async function subscribe(
  tx: TenantTx,
  who: { tenantId: string; userId: bigint; name: string },
): Promise<{ added: boolean; name: string }> {
  const name = normaliseChannelName(who.name);
  const { rows } = await sql`
    insert into subscriptions (tenant_id, user_id, name)
    values (${who.tenantId}, ${who.userId}, ${name})
    on conflict (user_id, name) do nothing
    returning 1`.execute(tx);
  return { added: rows.length > 0, name };
}

/** By the name it was added with, or any other name of the same channel. False where there is no such subscription. */
export async function unsubscribe(tx: TenantTx, who: { userId: bigint; name: string }): Promise<boolean> {
  const name = normaliseChannelName(who.name);
  const channel = await findChannel(tx, name);
  const { rows } = await sql`
    delete from subscriptions
    where user_id = ${who.userId} and ${ofTenant("tenant_id")}
      and (name = ${name} or channel_id = ${channel?.id ?? null}::int8)
    returning 1`.execute(tx);
  return rows.length > 0;
}

/** In the order in which they were added. */
export async function subscriptionsOf(tx: Tx, userId: bigint): Promise<Subscription[]> {
  const { rows } = await sql<Row>`
    select s.id as "subscriptionId", s.name, s.state as "subscriptionState", ${channelColumns},
      a.access_hash as "accessHash", a.state as "accessState", a.available_min_id as "availableMinId", a.joined,
      a.recheck_at as "recheckAt"
    from subscriptions s
    left join channels c on c.id = s.channel_id
    left join channel_access a on a.user_id = s.user_id and a.channel_id = s.channel_id
    where s.user_id = ${userId} and ${ofTenant("s.tenant_id")}
    order by s.id`.execute(tx);
  return rows.map((row) => ({
    id: row.subscriptionId,
    name: row.name,
    state: row.subscriptionState,
    channelId: row.id,
    channel: isOfChannel(row) ? toChannel(row) : null,
    access: accessIn(row),
  }));
}

type AccessRow = Omit<ChannelAccess, "state" | "channelId"> & { readonly accessState: ChannelAccess["state"] };
type Nullable<T> = { readonly [Key in keyof T]: T[Key] | null };
type Row = { readonly subscriptionId: bigint; readonly name: string; readonly subscriptionState: string } & Nullable<
  ChannelRow & AccessRow
>;

const isOfChannel = (row: Row): row is Row & ChannelRow => row.id !== null;

function accessIn(row: Row): ChannelAccess | null {
  if (row.id === null || row.accessHash === null) return null;
  return {
    channelId: row.id,
    accessHash: row.accessHash,
    state: row.accessState ?? "ok",
    availableMinId: row.availableMinId ?? 0,
    joined: row.joined ?? false,
    recheckAt: row.recheckAt,
  };
}

/**
 * The name is resolved: to a channel (active), or to a state that says why not. Two names of one channel become one:
 * the older subscription stays.
 */
export async function settleSubscription(
  tx: Tx,
  settled: { id: bigint; userId: bigint; channelId: bigint | null; state: string },
): Promise<void> {
  const { rows: twins } = await sql<{ id: bigint }>`
    select id from subscriptions
    where user_id = ${settled.userId} and channel_id = ${settled.channelId}::int8 and id <> ${settled.id}
    for update`.execute(tx);
  const twin = twins[0]?.id;
  const keep = twin !== undefined && twin < settled.id ? twin : settled.id;
  const drop = keep === settled.id ? twin : settled.id;
  if (drop !== undefined) {
    await sql`delete from subscriptions where id = ${drop} and user_id = ${settled.userId}`.execute(tx);
  }
  await sql`
    update subscriptions set channel_id = ${settled.channelId}, state = ${settled.state}, checked_at = now()
    where id = ${keep} and user_id = ${settled.userId}`.execute(tx);
}
