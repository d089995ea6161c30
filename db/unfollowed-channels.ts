import { sql } from "kysely";
import { longAgo } from "./both-clocks.ts";
import type { WorkerTx } from "./database.ts";
import { deleteBelow } from "./kept-messages.ts";

const EVERY_ID = 2 ** 31 - 1;

/** Notes since when nobody has followed a channel, and forgets it where somebody does again. */
export async function noteUnfollowed(tx: WorkerTx): Promise<void> {
  // One that somebody stores a page of is left to the next look.
  await sql`
    with changed as (
      select c.id from channels c
      where (c.unfollowed_since is null) = not exists (select from subscriptions s where s.channel_id = c.id)
      for no key update skip locked
    )
    update channels c set unfollowed_since = case when c.unfollowed_since is null then now() end
    from changed where c.id = changed.id`.execute(tx);
}

/**
 * Channels to be forgotten: private ones at once, since nobody here has any claim to what they hold; public ones after a
 * while, so that whoever follows them again finds them as they were.
 */
export async function channelsToForget(
  tx: WorkerTx,
  options: { readonly now: Date; readonly publicAfterMs: number; readonly limit: number },
): Promise<bigint[]> {
  const { rows } = await sql<{ id: bigint }>`
    select c.id from channels c
    where c.unfollowed_since is not null and ${unfollowed}
      and (c.unfollowed_since < ${longAgo({ now: options.now, ms: options.publicAfterMs })} or (c.username is null
        and not exists (select from channel_names n where n.channel_id = c.id and n.until is null)))
    order by c.unfollowed_since limit ${options.limit}`.execute(tx);
  return rows.map(({ id }) => id);
}

const unfollowed = sql`not exists (select from subscriptions s where s.channel_id = c.id)`;

/**
 * Forgets up to `limit` of a channel's messages, and, where none is left, the channel. From the first call on its ledger
 * says that nothing of it is known: whoever follows it meanwhile has it read anew.
 *
 * @returns how many messages went, and whether that was all; "followed" where it is to stay
 */
export async function forgetChannel(
  tx: WorkerTx,
  channelId: bigint,
  limit: number,
): Promise<{ readonly messages: number; readonly done: boolean } | "followed"> {
  // Against this lock, which a new subscription has to wait for, the look at subscriptions below is certain.
  const { rows: locked } = await sql`
    select from channels where id = ${channelId} and unfollowed_since is not null for update`.execute(tx);
  const { rows: free } = await sql`select from channels c where c.id = ${channelId} and ${unfollowed}`.execute(tx);
  if (locked.length === 0 || free.length === 0) return "followed";
  await sql`
    update channels set pts = null, top_message_id = 0, covered = '{}', unverified = '{}', incomplete_since = null,
      reconciled_at = null, reconcile_below = null, kept_from = null, kept_days = null
    where id = ${channelId}`.execute(tx);
  const messages = await deleteBelow(tx, channelId, EVERY_ID, limit);
  if (messages === limit) return { messages, done: false };
  await deleteBelow(tx, channelId, EVERY_ID, 1);
  for (const table of ["channel_access", "channel_names", "channel_claims"])
    await sql`delete from ${sql.table(table)} where channel_id = ${channelId}`.execute(tx);
  await sql`delete from channels where id = ${channelId}`.execute(tx);
  return { messages, done: true };
}
