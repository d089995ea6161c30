import { loadChannels, saveChannel } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import type { ChannelInfo } from "../../telegram/api.ts";

/**
 * Saves channels that are not stored yet or have another name by now, each in a transaction of its own: they are shared
 * rows, and hundreds of accounts that see the same ones for the first time would wait for each other in a longer one.
 */
export async function saveFacts(database: Database, infos: readonly ChannelInfo[]): Promise<void> {
  const ids = infos.map(({ id }) => id);
  const stored = new Map((await database.once((tx) => loadChannels(tx, ids))).map((each) => [each.id, each]));
  for (const { id, username, title, kind } of infos) {
    const known = stored.get(id);
    if (known && known.username === username && known.title === title && known.kind === kind) continue;
    await database.asWorker((tx) => saveChannel(tx, { id, username, title, kind }));
  }
}
