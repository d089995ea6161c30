import { sql } from "kysely";
import type { Tx } from "./database.ts";

/** An expression, for statements that must not run after a failover. */
export const timeline = sql<string>`substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)`;

/**
 * The timeline that PostgreSQL writes on; it changes with every failover. Read from the name of the WAL file being
 * written, since `pg_control_checkpoint()` learns of a promotion only at the next checkpoint.
 *
 * Throws, and spoils the transaction, where the server does not tell (some managed ones).
 */
export async function readTimeline(tx: Tx): Promise<string> {
  const { rows } = await sql<{ timeline: string }>`select ${timeline} as timeline`.execute(tx);
  return rows[0]!.timeline;
}
