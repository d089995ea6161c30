import { type Kysely, sql } from "kysely";

/** What the scheduler asks of all sessions again and again is answered from indexes: a row of a session is wide. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index sessions_state on sessions (state)`.execute(db);
  await sql`create index sessions_api_id on sessions (api_id) include (holds) where state = 'AUTHORIZED'`.execute(db);
  await sql`create index sessions_held on sessions (id) where holds <> '{}'`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
