import { sql } from "kysely";
import type { ChannelAccess } from "./access.ts";
import { type Channel, type ChannelRow, channelColumns, findChannel, toChannel } from "./channel.ts";
import { normaliseChannelName } from "./channel-name.ts";
import type { TenantTx, Tx, WorkerTx } from "./database.ts";
import { ofTenant } from "./tenant.ts";

/** A line of a user's subscriptions, with the channel and the account's access where they are known. */
export interface Subscription {
  readonly id: bigint;
  /** As normalised: a username in lower case, or an id's digits (`parseChannelName` reads it). */
  readonly name: string;
  readonly state: string;
  readonly stateSince: Date;
  /** Where no channel was found: not looked up before this. Null: with the next parse. */
  readonly lookAt: Date | null;
  readonly channelId: bigint | null;
  readonly channel: Channel | null;
  /** `since`: from when on its state is what it is. */
  readonly access: (ChannelAccess & { readonly since: Date }) | null;
}

/**
 * Normalises the name; adds the subscription in state pending, or gives back the one that is there, which is then looked
 * at with the next parse where it has no channel or the account has lost it.
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
  if (rows.length === 0) await askAgain(tx, { userId: who.userId, name });
  return { added: rows.length > 0, name };
}

/** The user's names without a channel, and lost channels, are looked at with the next parse; `name`: only that one. */
export async function askAgain(tx: Tx, who: { userId: bigint; name?: string }): Promise<void> {
  const name = who.name ?? null;
  await sql`
    update subscriptions set look_at = null
    where user_id = ${who.userId} and ${ofTenant("tenant_id")} and look_at is not null
      and (${name}::text is null or name = ${name})`.execute(tx);
  await sql`
    update channel_access a set recheck_at = to_timestamp(0)
    from subscriptions s
    where a.user_id = ${who.userId} and a.state <> 'ok' and s.user_id = a.user_id and s.channel_id = a.channel_id
      and ${ofTenant("a.tenant_id")} and (${name}::text is null or s.name = ${name})`.execute(tx);
}

/** By the name it was added with, else by any other name of the same channel. False where there is no such subscription. */
export async function unsubscribe(tx: TenantTx, who: { userId: bigint; name: string }): Promise<boolean> {
  const name = normaliseChannelName(who.name);
  const { rows } = await sql`
    delete from subscriptions where user_id = ${who.userId} and ${ofTenant("tenant_id")} and name = ${name}
    returning 1`.execute(tx);
  if (rows.length > 0) return true;
  // Only then: a name that moved is the name of one channel, and what another one was added with.
  const channel = await findChannel(tx, name);
  if (!channel) return false;
  const { rows: byChannel } = await sql`
    delete from subscriptions
    where user_id = ${who.userId} and ${ofTenant("tenant_id")} and channel_id = ${channel.id}
    returning 1`.execute(tx);
  return byChannel.length > 0;
}

/** In the order in which they were added. */
export async function subscriptionsOf(tx: Tx, userId: bigint): Promise<Subscription[]> {
  const { rows } = await sql<Row>`
    select s.id as "subscriptionId", s.name, s.state as "subscriptionState", s.state_since as "stateSince",
      s.look_at as "lookAt", ${channelColumns},
      a.access_hash as "accessHash", a.state as "accessState", a.available_min_id as "availableMinId", a.joined,
      a.recheck_at as "recheckAt", a.state_since as "accessSince"
    from subscriptions s
    left join channels c on c.id = s.channel_id
    left join channel_access a on a.user_id = s.user_id and a.channel_id = s.channel_id
    where s.user_id = ${userId} and ${ofTenant("s.tenant_id")}
    order by s.id`.execute(tx);
  return rows.map((row) => ({
    id: row.subscriptionId,
    name: row.name,
    state: row.subscriptionState,
    stateSince: row.stateSince,
    lookAt: row.lookAt,
    channelId: row.id,
    channel: isOfChannel(row) ? toChannel(row) : null,
    access: accessIn(row),
  }));
}

type AccessRow = Omit<ChannelAccess, "state" | "channelId"> & {
  readonly accessState: ChannelAccess["state"];
  readonly accessSince: Date;
};
type Nullable<T> = { readonly [Key in keyof T]: T[Key] | null };
type Row = {
  readonly subscriptionId: bigint;
  readonly name: string;
  readonly subscriptionState: string;
  readonly stateSince: Date;
  readonly lookAt: Date | null;
} & Nullable<ChannelRow & AccessRow>;

const isOfChannel = (row: Row): row is Row & ChannelRow => row.id !== null;

function accessIn(row: Row): Subscription["access"] {
  if (row.id === null || row.accessHash === null || row.accessSince === null) return null;
  return {
    channelId: row.id,
    accessHash: row.accessHash,
    state: row.accessState ?? "ok",
    availableMinId: row.availableMinId ?? 0,
    joined: row.joined ?? false,
    recheckAt: row.recheckAt,
    since: row.accessSince,
  };
}

/**
 * The name is resolved: to a channel (active), or to a state that says why not, and is looked up again at `lookAt` then
 * (null: with the next parse). Two names of one channel become one:
 * the older subscription stays.
 */
export async function settleSubscription(
  tx: WorkerTx,
  settled: { id: bigint; userId: bigint; channelId: bigint | null; state: string; lookAt?: Date | null },
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
    update subscriptions set channel_id = ${settled.channelId}, state = ${settled.state}, checked_at = now(),
      state_since = case when state = ${settled.state} then state_since else now() end,
      look_at = ${settled.lookAt ?? null}
    where id = ${keep} and user_id = ${settled.userId}`.execute(tx);
}
