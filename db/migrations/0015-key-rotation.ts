import { type Kysely, sql } from "kysely";

/** Which rows a key of the keyring holds is looked for at every start, and page by page while they are rewrapped. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index sessions_key on sessions (key_id, id) where key_id is not null`.execute(db);
  await sql`create index own_api_ids_key on own_api_ids (key_id, id)`.execute(db);
  await sql`grant update (wrapped_key, key_id) on own_api_ids to gramfleet_worker`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
