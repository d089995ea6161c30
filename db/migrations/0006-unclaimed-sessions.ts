import { type Kysely, sql } from "kysely";

/**
 * A login by QR code may be begun by nobody known: its session is nobody's (no user, telegram_id 0) until somebody has
 * scanned, and is leased and sealed before that like any other.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table sessions
      alter column user_id drop not null,
      add constraint sessions_owner check (
        (user_id is null) = (telegram_id = 0)
        and (user_id is not null or state in ('ABSENT', 'PENDING_QR', 'PENDING_PASSWORD')))`.execute(db);
  // Logins under way, and those that never ended: few among many.
  await sql`
    create index sessions_pending on sessions (id)
    where state in ('PENDING_QR', 'PENDING_CODE', 'PENDING_PASSWORD')`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
