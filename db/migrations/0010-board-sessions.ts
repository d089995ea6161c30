import { type Kysely, sql } from "kysely";

/** Who is signed in at the queues' board. Nobody's token is here, only its hash. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table board_sessions (
      token_hash bytea primary key,
      name text not null,
      user_version bytea not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index board_sessions_expiry on board_sessions (expires_at)`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
