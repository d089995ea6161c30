import { sql } from "kysely";
import { loadChannels } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import { missingRanges } from "../../db/ranges.ts";

/** Every row of every channel, and that any was ever read. */
export async function forgetMessages({ database }: { readonly database: Database }): Promise<void> {
  await database.asOwner(async (tx) => {
    await sql`truncate messages, message_versions, message_tombstones`.execute(tx);
    await sql`update channels set covered = '{}', unverified = '{}', read_at = null`.execute(tx);
  });
}

/** @throws where these channels do not have so many rows in all, or one of them is not complete */
export async function assertStored(
  { database }: { readonly database: Database },
  channelIds: readonly bigint[],
  messages: number,
): Promise<void> {
  const { count, complete } = await database.asWorker(async (tx) => {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from messages where channel_id = any(${[...channelIds]}::int8[])`.execute(tx);
    const channels = await loadChannels(tx, channelIds);
    return {
      count: rows[0]?.count ?? 0,
      complete: channels.filter((channel) => missingRanges(channel, channel.topMessageId).length === 0).length,
    };
  });
  if (count !== messages || complete !== channelIds.length)
    throw new Error(
      `${count} of ${messages} messages are stored, ${complete} of ${channelIds.length} channels complete`,
    );
}
