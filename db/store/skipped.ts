import { sql } from "kysely";
import type { Tx, WorkerTx } from "../database.ts";
import { toStorable } from "../storable.ts";
import type { Repaired } from "./encode-rows.ts";

/** Notes what could not be read of a channel; said twice, the later reason stands. */
export async function recordSkipped(
  tx: WorkerTx,
  channelId: bigint,
  skipped: readonly { id: number; reason: string }[],
): Promise<void> {
  if (skipped.length === 0) return;
  const byId = new Map(skipped.map((one) => [one.id, toStorable(one.reason)]));
  await sql`
    insert into skipped_messages (channel_id, message_id, reason)
    select ${channelId}::int8, s.id, s.reason
    from unnest(${[...byId.keys()]}::int4[], ${[...byId.values()]}::text[]) as s(id, reason)
    on conflict (channel_id, message_id) do update set reason = excluded.reason, seen_at = now()`.execute(tx);
}

/** Notes what was stored otherwise than it came, and how; each id once, with all that was wrong with it. */
export async function reportRepaired(tx: WorkerTx, channelId: bigint, repaired: readonly Repaired[]): Promise<void> {
  const byId = new Map<number, Set<string>>();
  for (const { id, reason } of repaired) byId.set(id, (byId.get(id) ?? new Set()).add(reason));
  await recordSkipped(
    tx,
    channelId,
    [...byId].map(([id, reasons]) => ({ id, reason: [...reasons].join("; ") })),
  );
}

/** What was reported of a channel, in id order. */
export async function skippedOf(tx: Tx, channelId: bigint): Promise<{ id: number; reason: string }[]> {
  return tx
    .selectFrom("skipped_messages")
    .select(["message_id as id", "reason"])
    .where("channel_id", "=", channelId)
    .orderBy("message_id")
    .execute();
}
