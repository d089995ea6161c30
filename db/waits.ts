import type { Tx } from "./database.ts";
import { unwritten } from "./unwritten.ts";

/** One wait that Telegram asked an account for. `chatId` 0n: for the whole method. */
export interface Wait {
  readonly telegramId: bigint;
  readonly method: string;
  readonly chatId: bigint;
  readonly until: Date;
  readonly seconds: number;
}

/** Writes a wait: `until` counts from the database's clock and is never shortened. Gives the row as it stands. */
export async function recordWait(
  _tx: Tx,
  _wait: { telegramId: bigint; method: string; chatId: bigint; seconds: number },
): Promise<Wait> {
  return unwritten();
}
/** The waits of an account that are not over by the database's clock. */
export async function runningWaits(_tx: Tx, _telegramId: bigint): Promise<Wait[]> {
  return unwritten();
}
export async function countRunningWaits(_tx: Tx): Promise<{ waits: number; accounts: number }> {
  return unwritten();
}
export async function deleteOldWaits(_tx: Tx, _olderThanMs: number): Promise<number> {
  return unwritten();
}
