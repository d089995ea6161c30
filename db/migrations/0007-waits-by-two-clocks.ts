import { type Kysely, sql } from "kysely";

/**
 * A wait's end by the clock of the process that met it, beside the database's: set forward, one clock alone ends no wait.
 * Of waits that run already only the database's is known.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table waits add column process_until timestamptz not null default now()`.execute(db);
  await sql`alter table waits alter column process_until drop default`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
