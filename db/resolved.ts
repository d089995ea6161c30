import { sql } from "kysely";
import type { WorkerTx } from "./database.ts";
import { settleSubscription } from "./subscriptions.ts";

/** A subscription whose name turned out to be this channel, as the user's account addresses it. */
export interface ResolvedName {
  readonly subscriptionId: bigint;
  readonly channelId: bigint;
  readonly accessHash: bigint;
  readonly joined: boolean;
  readonly availableMinId: number;
}

/**
 * Saves the access to many channels and settles the subscriptions that named them, in two statements however many they
 * are; the channels themselves are stored already. Two names of one channel become one, as `settleSubscription` says.
 */
export async function saveResolved(
  tx: WorkerTx,
  who: { readonly tenantId: string; readonly userId: bigint },
  resolved: readonly ResolvedName[],
): Promise<void> {
  if (resolved.length === 0) return;
  // One statement cannot touch a row twice: of two names of one channel the first is settled at once, the second below.
  const first = [...new Map([...resolved].reverse().map((one) => [one.channelId, one])).values()];
  const channelIds = first.map((one) => one.channelId);
  await sql`
    insert into channel_access as a (user_id, channel_id, tenant_id, access_hash, joined, available_min_id)
    select ${who.userId}, r.channel_id, ${who.tenantId}, r.access_hash, r.joined, r.available_min_id
    from unnest(${channelIds}::int8[], ${first.map((one) => one.accessHash)}::int8[],
      ${first.map((one) => one.joined)}::bool[], ${first.map((one) => one.availableMinId)}::int4[])
      as r(channel_id, access_hash, joined, available_min_id)
    on conflict (user_id, channel_id) do update set
      access_hash = excluded.access_hash,
      joined = excluded.joined,
      available_min_id = excluded.available_min_id,
      state = 'ok',
      state_since = case when a.state = 'ok' then a.state_since else now() end,
      checked_at = now(),
      recheck_at = null`.execute(tx);
  const { rows } = await sql<{ id: bigint }>`
    update subscriptions s set channel_id = r.channel_id, state = 'active', state_since = now(), checked_at = now(),
      look_at = null
    from unnest(${first.map((one) => one.subscriptionId)}::int8[], ${channelIds}::int8[]) as r(id, channel_id)
    where s.id = r.id and s.user_id = ${who.userId}
      and not exists (
        select from subscriptions t where t.user_id = s.user_id and t.channel_id = r.channel_id and t.id <> s.id
      )
    returning s.id`.execute(tx);
  const settled = new Set(rows.map((row) => row.id));
  for (const { subscriptionId: id, channelId } of resolved) {
    if (!settled.has(id)) await settleSubscription(tx, { id, userId: who.userId, channelId, state: "active" });
  }
}
