import { sql } from "kysely";
import type { AppTx } from "./database.ts";

/** To be called before an update is handled: true for one caller only, however often Telegram gives it. */
export async function takeUpdate(tx: AppTx, botId: bigint, updateId: number): Promise<boolean> {
  const { numAffectedRows } = await sql`
    insert into bot_updates (bot_id, update_id) values (${botId}, ${updateId}) on conflict do nothing`.execute(tx);
  return numAffectedRows === 1n;
}

/** Forgets updates taken longer ago than `olderThanMs`: Telegram keeps one for a day at most. Gives their number. */
export async function forgetUpdates(tx: AppTx, olderThanMs: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from bot_updates where at < now() - ${olderThanMs} * interval '1 millisecond'`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}
