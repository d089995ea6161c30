import { sql } from "kysely";
import type { ChannelAccess } from "./access.ts";
import { type Channel, findChannel, loadChannels } from "./channel.ts";
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
  const rows = await tx
    .selectFrom("subscriptions as s")
    .leftJoin("channel_access as a", (join) =>
      join.onRef("a.user_id", "=", "s.user_id").onRef("a.channel_id", "=", "s.channel_id"),
    )
    .select(["s.id", "s.name", "s.state", "s.channel_id", "a.access_hash", "a.state as access_state"])
    .select(["a.available_min_id", "a.joined", "a.recheck_at"])
    .where("s.user_id", "=", userId)
    .where(ofTenant("s.tenant_id"))
    .orderBy("s.id")
    .execute();
  const ids = rows.map((row) => row.channel_id).filter((id) => id !== null);
  const channels = new Map((await loadChannels(tx, ids)).map((channel) => [channel.id, channel]));
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    state: row.state,
    channelId: row.channel_id,
    channel: row.channel_id === null ? null : (channels.get(row.channel_id) ?? null),
    access:
      row.channel_id === null || row.access_hash === null
        ? null
        : {
            channelId: row.channel_id,
            accessHash: row.access_hash,
            state: row.access_state as ChannelAccess["state"],
            availableMinId: row.available_min_id ?? 0,
            joined: row.joined ?? false,
            recheckAt: row.recheck_at,
          },
  }));
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
