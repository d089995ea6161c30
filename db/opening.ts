import { type Selectable, sql } from "kysely";
import type { WorkerTx } from "./database.ts";
import type { Schema } from "./schema.ts";
import { INFO, SEALED, type SealedSession, type SessionInfo, toInfo, toSealed } from "./session-row.ts";
import type { Wait } from "./waits.ts";

/** What an account is opened by: read once its lease is taken, when whoever held it before has written what it knew. */
export interface Opening {
  readonly session: SessionInfo;
  /** Null where no key is stored. */
  readonly sealed: SealedSession | null;
  /** Whether Telegram has refused the session's API ID. */
  readonly apiIdOut: boolean;
  /**
   * The account's waits, those too that are over by the database's clock, which read `serverNow`: it may have been set
   * forward, and the process has another.
   */
  readonly waits: readonly Wait[];
  readonly serverNow: Date;
}

type Row = Selectable<Schema["sessions"]> & {
  readonly api_id_out: boolean;
  readonly server_now: Date;
  readonly method: string | null;
} & Omit<Wait, "method" | "telegramId">;

/**
 * One statement, one row for each wait of the last day or a single one without: they are rare. Never the statement that takes
 * the lease: its snapshot may be older than what the last holder wrote before it let go.
 */
export async function loadOpening(tx: WorkerTx, sessionId: bigint): Promise<Opening | null> {
  const { rows } = await sql<Row>`
    select ${columns}, clock_timestamp() as server_now,
      exists (select from api_ids a where a.api_id = e.api_id and a.out_of_service_at is not null) as api_id_out,
      w.method, w.chat_id as "chatId", w.until, w.process_until as "processUntil", w.seconds
    from sessions e left join waits w on w.telegram_id = e.telegram_id
    where e.id = ${sessionId}`.execute(tx);
  const row = rows[0];
  if (!row) return null;
  return {
    session: toInfo(row),
    sealed: toSealed(row),
    apiIdOut: row.api_id_out,
    waits: rows.flatMap(({ telegram_id: telegramId, method, chatId, until, processUntil, seconds }) =>
      method === null ? [] : [{ telegramId, method, chatId, until, processUntil, seconds }],
    ),
    serverNow: row.server_now,
  };
}

const columns = sql.join([...INFO, ...SEALED].map((name) => sql.ref(`e.${name}`)));
