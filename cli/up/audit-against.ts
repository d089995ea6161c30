import type { Database } from "../../db/database.ts";
import { subscribedChannels } from "../../db/overview.ts";
import { type Audit, auditAll } from "./audit.ts";
import type { Witness } from "./witness.ts";

/** Holds what is stored of every channel that somebody follows against what is on the emulated Telegram. */
export async function auditAgainst(
  witness: Pick<Witness, "channels" | "channel">,
  options: { readonly database: Database; readonly depthFree: number },
): Promise<Audit> {
  const subscribed = await options.database.asWorker(subscribedChannels);
  const byName = new Map((await witness.channels()).map((channel) => [channel.username?.toLowerCase(), channel.id]));
  // One channel may be subscribed to under several names, or under one that was never resolved.
  const merged = new Map<bigint, { anyPaid: boolean; visibleFrom: number }>();
  for (const one of subscribed) {
    const id = one.channelId ?? byName.get(one.name.toLowerCase());
    if (id === undefined) continue;
    const other = merged.get(id);
    merged.set(id, {
      anyPaid: one.anyPaid || (other?.anyPaid ?? false),
      visibleFrom: Math.min(one.visibleFrom, other?.visibleFrom ?? Number.MAX_SAFE_INTEGER),
    });
  }
  const expectations = [];
  for (const [id, { anyPaid, visibleFrom }] of merged) {
    expectations.push({ truth: await witness.channel(id), visibleFrom, depth: anyPaid ? null : options.depthFree });
  }
  return auditAll(options.database, expectations);
}
