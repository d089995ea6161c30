import { type Kysely, sql } from "kysely";

/** Since when a channel, a name and an account's access are what they are, and when to look again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table channels
      add column former_title text,
      add column title_since timestamptz not null default now(),
      add column migrated_from bigint,
      add column migrated_at timestamptz`.execute(db);
  await sql`update channels set title_since = created_at`.execute(db);

  // Every username that a channel was seen with, in lower case. look_at: when to look who has it now; null: not at all.
  await sql`
    create table channel_names (
      channel_id bigint not null references channels,
      username text not null,
      since timestamptz not null default now(),
      until timestamptz,
      look_at timestamptz,
      primary key (channel_id, username)
    )`.execute(db);
  await sql`create index channel_names_held on channel_names (username, since) where until is null`.execute(db);
  await sql`
    insert into channel_names (channel_id, username, since)
    select id, lower(username), created_at from channels where username is not null`.execute(db);

  // look_at: a name that no channel was found for is not looked up before; null: with the next parse.
  await sql`
    alter table subscriptions
      add column state_since timestamptz not null default now(),
      add column look_at timestamptz`.execute(db);
  await sql`update subscriptions set state_since = coalesce(checked_at, created_at)`.execute(db);
  await sql`alter table channel_access add column state_since timestamptz not null default now()`.execute(db);
  await sql`update channel_access set state_since = checked_at`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
