import { sql } from "kysely";
import type { Tx } from "./database.ts";

/** A channel as one account may address it. */
export interface ChannelAccess {
  readonly channelId: bigint;
  readonly accessHash: bigint;
  readonly state: "ok" | "private" | "invalid" | "not_found" | "banned" | "not_a_channel";
  readonly availableMinId: number;
  readonly joined: boolean;
  readonly recheckAt: Date | null;
}

/** This account reaches the channel, with this hash. `availableMinId` stays as it is where it is not given. */
export async function saveAccess(
  tx: Tx,
  access: {
    tenantId: string;
    userId: bigint;
    channelId: bigint;
    accessHash: bigint;
    joined: boolean;
    availableMinId?: number;
  },
): Promise<void> {
  const minId = access.availableMinId ?? null;
  await sql`
    insert into channel_access as a (user_id, channel_id, tenant_id, access_hash, joined, available_min_id)
    values (${access.userId}, ${access.channelId}, ${access.tenantId}, ${access.accessHash}, ${access.joined},
      coalesce(${minId}::int4, 0))
    on conflict (user_id, channel_id) do update set
      access_hash = excluded.access_hash,
      joined = excluded.joined,
      available_min_id = coalesce(${minId}::int4, a.available_min_id),
      state = 'ok',
      state_since = case when a.state = 'ok' then a.state_since else now() end,
      checked_at = now(),
      recheck_at = null`.execute(tx);
}

/** The least that is hidden of a channel from any other account that parses it; null where there is none. */
export async function leastHiddenFromOthers(
  tx: Tx,
  who: { readonly userId: bigint; readonly channelId: bigint },
): Promise<number | null> {
  const { rows } = await sql<{ least: number | null }>`
    select min(a.available_min_id) as least
    from channel_access a join schedules h on h.user_id = a.user_id and h.queue is not null
    where a.channel_id = ${who.channelId} and a.user_id <> ${who.userId} and a.state = 'ok'`.execute(tx);
  return rows[0]?.least ?? null;
}

/** This account cannot reach the channel: its state, and when to look again. Other accounts are not touched. */
export async function loseAccess(
  tx: Tx,
  lost: { userId: bigint; channelId: bigint; state: ChannelAccess["state"]; recheckAt: Date },
): Promise<void> {
  await sql`
    update channel_access set state = ${lost.state}, recheck_at = ${lost.recheckAt}, checked_at = now(),
      state_since = case when state = ${lost.state} then state_since else now() end
    where user_id = ${lost.userId} and channel_id = ${lost.channelId}`.execute(tx);
}
