import { type Kysely, sql } from "kysely";

const MESSAGE_PARTITIONS = 16;

/** Every tenant-owned table carries tenant_id from here on; channels and messages are shared by all tenants. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table tenants (
      id text primary key check (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
      name text not null,
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`insert into tenants (id, name) values ('default', 'Default')`.execute(db);

  await sql`
    create table users (
      id bigint generated always as identity primary key,
      tenant_id text not null references tenants,
      telegram_id bigint not null,
      plan text not null default 'free' check (plan in ('free', 'premium')),
      paid_until timestamptz,
      trial_expires_at timestamptz,
      paused boolean not null default false,
      language text not null default 'en',
      time_zone text not null default 'Europe/Moscow',
      consented_at timestamptz,
      created_at timestamptz not null default now(),
      unique (tenant_id, telegram_id)
    )`.execute(db);

  await sql`
    create table sessions (
      id bigint generated always as identity primary key,
      tenant_id text not null references tenants,
      user_id bigint not null references users on delete cascade,
      app_id text not null,
      telegram_id bigint not null,
      api_id integer not null,
      own_api boolean not null default false,
      state text not null check (state in
        ('ABSENT', 'PENDING_QR', 'PENDING_CODE', 'PENDING_PASSWORD', 'AUTHORIZED', 'STALE', 'REVOKED')),
      reason text,
      holds text[] not null default '{}',
      ciphertext bytea,
      wrapped_key bytea,
      key_id text,
      fingerprint bytea,
      fingerprint_size integer,
      saved_at timestamptz,
      state_changed_at timestamptz not null default now(),
      created_at timestamptz not null default now(),
      unique (tenant_id, app_id),
      check ((ciphertext is null) = (wrapped_key is null) and (ciphertext is null) = (key_id is null))
    )`.execute(db);
  await sql`create unique index sessions_one_usable on sessions (telegram_id) where state = 'AUTHORIZED'`.execute(db);
  await sql`create index sessions_user on sessions (user_id)`.execute(db);

  await sql`
    create table session_events (
      id bigint generated always as identity primary key,
      tenant_id text not null references tenants,
      session_id bigint not null references sessions on delete cascade,
      from_state text not null,
      to_state text not null,
      reason text,
      at timestamptz not null default now()
    )`.execute(db);
  await sql`create index session_events_session on session_events (session_id, id)`.execute(db);

  // Holds living leases only; narrow, so that a heartbeat is one short statement.
  await sql`
    create table leases (
      session_id bigint primary key references sessions on delete cascade,
      token uuid not null,
      beat bigint not null default 0,
      holder text not null,
      taken_at timestamptz not null default now()
    ) with (fillfactor = 70)`.execute(db);

  // Not fenced by the lease: a wait that Telegram asked for holds whoever asks next.
  await sql`
    create table waits (
      telegram_id bigint not null,
      method text not null,
      chat_id bigint not null default 0,
      until timestamptz not null,
      seconds integer not null,
      observed_at timestamptz not null default now(),
      primary key (telegram_id, method, chat_id)
    )`.execute(db);

  await sql`
    create table api_ids (
      api_id integer primary key,
      out_of_service_at timestamptz,
      reason text
    )`.execute(db);
  await sql`
    create table login_codes (
      api_id integer not null,
      day date not null,
      sent integer not null default 0,
      primary key (api_id, day)
    )`.execute(db);

  // One row a user, narrow, locked by the due scan alone. queue is null while the user cannot be parsed.
  await sql`
    create table schedules (
      user_id bigint primary key references users on delete cascade,
      tenant_id text not null references tenants,
      queue text,
      next_parse_at timestamptz not null default now(),
      claimed_at timestamptz,
      last_enqueued_at timestamptz,
      last_started_at timestamptz
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index schedules_due on schedules (next_parse_at) where claimed_at is null and queue is not null`.execute(
    db,
  );
  await sql`create index schedules_claimed on schedules (claimed_at) where claimed_at is not null`.execute(db);

  await sql`
    create table channels (
      id bigint primary key,
      username text,
      title text not null,
      kind text not null check (kind in ('broadcast', 'megagroup')),
      state text not null default 'active',
      pts integer,
      top_message_id integer not null default 0,
      covered int4multirange not null default '{}',
      unverified int4multirange not null default '{}',
      revision bigint not null default 0,
      participants integer,
      created_at timestamptz not null default now(),
      read_at timestamptz
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index channels_username on channels (lower(username))`.execute(db);

  // A matter of economy, not of safety (compare-and-set on pts is the fence): may be lost in a crash.
  await sql`
    create unlogged table channel_claims (
      channel_id bigint primary key,
      token uuid not null,
      until timestamptz not null
    )`.execute(db);

  await sql`
    create table subscriptions (
      id bigint generated always as identity primary key,
      tenant_id text not null references tenants,
      user_id bigint not null references users on delete cascade,
      name text not null,
      channel_id bigint references channels,
      state text not null default 'pending',
      checked_at timestamptz,
      created_at timestamptz not null default now(),
      unique (user_id, name),
      unique (user_id, channel_id)
    )`.execute(db);
  await sql`create index subscriptions_channel on subscriptions (channel_id)`.execute(db);

  await sql`
    create table channel_access (
      user_id bigint not null references users on delete cascade,
      channel_id bigint not null references channels,
      tenant_id text not null references tenants,
      access_hash bigint not null,
      state text not null default 'ok',
      available_min_id integer not null default 0,
      joined boolean not null default false,
      checked_at timestamptz not null default now(),
      recheck_at timestamptz,
      primary key (user_id, channel_id)
    )`.execute(db);

  await sql`
    create table messages (
      channel_id bigint not null,
      id integer not null,
      kind text not null,
      date timestamptz not null,
      edit_date timestamptz,
      edit_hidden boolean not null default false,
      deleted_at timestamptz,
      text text not null,
      entities jsonb,
      media jsonb,
      grouped_id bigint,
      forward jsonb,
      reply jsonb,
      from_peer jsonb,
      author text,
      via_bot_id bigint,
      pinned boolean not null default false,
      silent boolean not null default false,
      no_forwards boolean not null default false,
      service jsonb,
      views integer,
      forwards integer,
      replies integer,
      reactions jsonb,
      poll_results jsonb,
      stats_at timestamptz not null,
      pts integer,
      revision bigint not null,
      stored_at timestamptz not null default now(),
      primary key (channel_id, id)
    ) partition by hash (channel_id)`.execute(db);
  await sql`
    create table message_versions (
      channel_id bigint not null,
      message_id integer not null,
      revision bigint not null,
      edit_date timestamptz,
      text text not null,
      entities jsonb,
      media jsonb,
      replaced_at timestamptz not null default now(),
      primary key (channel_id, message_id, revision)
    ) partition by hash (channel_id)`.execute(db);
  // Deletions told before the message itself was ever stored.
  await sql`
    create table message_tombstones (
      channel_id bigint not null,
      message_id integer not null,
      deleted_at timestamptz not null,
      primary key (channel_id, message_id)
    )`.execute(db);
  for (let part = 0; part < MESSAGE_PARTITIONS; part += 1) {
    for (const table of ["messages", "message_versions"]) {
      await sql`
        create table ${sql.ref(`${table}_${part}`)} partition of ${sql.ref(table)}
        for values with (modulus ${sql.lit(MESSAGE_PARTITIONS)}, remainder ${sql.lit(part)})`.execute(db);
    }
  }
  await sql`create index messages_revision on messages (channel_id, revision)`.execute(db);

  // What could not be read of a channel, by id; one bad message never stops a channel.
  await sql`
    create table skipped_messages (
      channel_id bigint not null,
      message_id integer not null,
      reason text not null,
      seen_at timestamptz not null default now(),
      primary key (channel_id, message_id)
    )`.execute(db);

  await sql`
    create table runs (
      id bigint generated always as identity primary key,
      tenant_id text not null references tenants,
      user_id bigint not null references users on delete cascade,
      slot timestamptz not null,
      started_at timestamptz not null,
      finished_at timestamptz not null default clock_timestamp(),
      plan text not null,
      outcome text not null,
      error text,
      channels integer not null default 0,
      channels_changed integer not null default 0,
      calls integer not null default 0,
      waits integer not null default 0,
      messages_new integer not null default 0,
      messages_edited integer not null default 0,
      messages_deleted integer not null default 0
    )`.execute(db);
  await sql`create index runs_user on runs (user_id, id)`.execute(db);
  await sql`create index runs_finished on runs using brin (finished_at)`.execute(db);

  // A user's posts: only through the user's own subscriptions, and only what the user's own account may read.
  await sql`
    create view user_posts with (security_invoker) as
      select s.tenant_id, s.user_id, m.*
      from subscriptions s
      join channel_access a on a.user_id = s.user_id and a.channel_id = s.channel_id and a.state = 'ok'
      join messages m on m.channel_id = s.channel_id and m.id >= a.available_min_id`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("the first migration is not undone: drop the database instead");
}
