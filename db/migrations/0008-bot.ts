import { type Kysely, sql } from "kysely";

/** What the bot has handled, and what it is to tell people of their logins: the events of sessions are the outbox. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Telegram gives an update again until it is told that it arrived: each is handled once.
  await sql`
    create table bot_updates (
      bot_id bigint not null,
      update_id bigint not null,
      at timestamptz not null default now(),
      primary key (bot_id, update_id)
    )`.execute(db);
  await sql`create index bot_updates_at on bot_updates (at)`.execute(db);

  await sql`drop index session_events_untold`.execute(db);
  await sql`
    create index session_events_untold on session_events (id)
    where told_at is null and (to_state = 'STALE'
      or (to_state = 'AUTHORIZED' and reason like 'logged in%')
      or (to_state = 'ABSENT' and reason in ('expired', 'abandoned', 'wrong account')))`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
