import { sql } from "kysely";
import type { Tx } from "./database.ts";

/** One wait that Telegram asked an account for. `chatId` 0n: for the whole method. */
export interface Wait {
  readonly telegramId: bigint;
  readonly method: string;
  readonly chatId: bigint;
  readonly until: Date;
  readonly seconds: number;
}

const WAIT = sql`telegram_id as "telegramId", method, chat_id as "chatId", until, seconds`;

/**
 * Writes a wait: `until` counts from the database's clock and is never shortened; `seconds` are those of the wait that
 * ends last. Gives the row as it stands.
 */
export async function recordWait(
  tx: Tx,
  wait: { telegramId: bigint; method: string; chatId: bigint; seconds: number },
): Promise<Wait> {
  const { rows } = await sql<Wait>`
    insert into waits as w (telegram_id, method, chat_id, until, seconds)
    values (${wait.telegramId}, ${wait.method}, ${wait.chatId},
      clock_timestamp() + ${wait.seconds} * interval '1 second', ${wait.seconds})
    on conflict (telegram_id, method, chat_id) do update set
      until = greatest(w.until, excluded.until),
      seconds = case when excluded.until > w.until then excluded.seconds else w.seconds end,
      observed_at = clock_timestamp()
    returning ${WAIT}`.execute(tx);
  const row = rows[0];
  if (!row) throw new Error("the wait was not written");
  return row;
}

/** The waits of an account that are not over by the database's clock, the one that ends first before the others. */
export async function runningWaits(tx: Tx, telegramId: bigint): Promise<Wait[]> {
  const { rows } = await sql<Wait>`
    select ${WAIT} from waits where telegram_id = ${telegramId} and until > clock_timestamp() order by until`.execute(
    tx,
  );
  return rows;
}

export async function countRunningWaits(tx: Tx): Promise<{ waits: number; accounts: number }> {
  const { rows } = await sql<{ waits: number; accounts: number }>`
    select count(*)::int as waits, count(distinct telegram_id)::int as accounts
    from waits where until > clock_timestamp()`.execute(tx);
  return rows[0] ?? { waits: 0, accounts: 0 };
}

/** Deletes waits that have been over for longer than `olderThanMs`. Gives their number. */
export async function deleteOldWaits(tx: Tx, olderThanMs: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from waits where until < clock_timestamp() - ${olderThanMs} * interval '1 millisecond'`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}
