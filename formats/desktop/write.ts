import type { StoredMessage } from "../../db/messages.ts";
import { localTimeIn } from "./local-time.ts";
import { type ExportedChannel, toDesktopMessage } from "./message.ts";
import type { DesktopChannelType } from "./schema.ts";

/** Where the text goes; awaited, so that a slow disk or pipe slows the reading down. */
export type Sink = (chunk: string) => Promise<void> | void;

/**
 * Writes a channel as Telegram Desktop's `result.json`, batch by batch: no more than one batch is in memory. Deleted
 * messages are left out, as Telegram leaves them out. Gives the number of messages written.
 *
 * @param timeZone an IANA name, for `date` and `edited`; `date_unixtime` is the same everywhere
 */
export async function writeDesktopExport(
  channel: ExportedChannel,
  batches: AsyncIterable<readonly StoredMessage[]>,
  sink: Sink,
  timeZone = "UTC",
): Promise<number> {
  const localTime = localTimeIn(timeZone);
  const head = { name: channel.title, type: typeOf(channel) };
  // The id as a literal: JSON.stringify takes no bigint.
  await sink(`${JSON.stringify(head, null, 1).slice(0, -2)},\n "id": ${channel.id},\n "messages": [`);
  let written = 0;
  for await (const batch of batches) {
    let chunk = "";
    for (const message of batch) {
      if (message.deletedAt !== null) continue;
      chunk += `${written === 0 ? "" : ","}\n  ${JSON.stringify(toDesktopMessage(channel, message, localTime))}`;
      written += 1;
    }
    if (chunk) await sink(chunk);
  }
  await sink("\n ]\n}\n");
  return written;
}

function typeOf(channel: ExportedChannel): DesktopChannelType {
  const access = channel.username === null ? "private" : "public";
  return channel.kind === "broadcast" ? `${access}_channel` : `${access}_supergroup`;
}
