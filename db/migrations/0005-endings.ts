import { type Kysely, sql } from "kysely";

/** Whether a session's owner has been told that it ended: the events are the outbox. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table session_events add column told_at timestamptz`.execute(db);
  await sql`
    create index session_events_untold on session_events (id)
    where to_state = 'STALE' and told_at is null`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
