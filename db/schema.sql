create table accepted_signatures (
  digest bytea not null,
  expires_at timestamp with time zone not null,
  constraint accepted_signatures_pkey PRIMARY KEY (digest)
);

CREATE INDEX accepted_signatures_expiry ON accepted_signatures USING btree (expires_at);

create table account_losses (
  session_id bigint not null,
  kind text not null,
  api_id integer not null,
  own_api boolean not null,
  at timestamp with time zone default now() not null,
  constraint account_losses_kind_check CHECK ((kind = ANY (ARRAY['frozen'::text, 'banned'::text]))),
  constraint account_losses_pkey PRIMARY KEY (session_id, kind)
);

CREATE INDEX account_losses_at ON account_losses USING btree (at);

create table api_ids (
  api_id integer not null,
  out_of_service_at timestamp with time zone,
  reason text,
  first_seen_at timestamp with time zone default now() not null,
  unconfigured_at timestamp with time zone,
  draining_at timestamp with time zone,
  retired_at timestamp with time zone,
  refusals integer default 0 not null,
  probe_at timestamp with time zone,
  probe_after_ms bigint default 60000 not null,
  probe_token uuid,
  probe_session_id bigint,
  probe_until timestamp with time zone,
  constraint api_ids_pkey PRIMARY KEY (api_id)
);

create table api_tokens (
  id bigint generated always as identity not null,
  tenant_id text not null,
  name text not null,
  token_hash bytea not null,
  created_at timestamp with time zone default now() not null,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint api_tokens_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint api_tokens_pkey PRIMARY KEY (id),
  constraint api_tokens_token_hash_key UNIQUE (token_hash)
);

create table board_sessions (
  token_hash bytea not null,
  name text not null,
  user_version bytea not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  constraint board_sessions_pkey PRIMARY KEY (token_hash)
);

CREATE INDEX board_sessions_expiry ON board_sessions USING btree (expires_at);

create table bot_updates (
  bot_id bigint not null,
  update_id bigint not null,
  at timestamp with time zone default now() not null,
  constraint bot_updates_pkey PRIMARY KEY (bot_id, update_id)
);

CREATE INDEX bot_updates_at ON bot_updates USING btree (at);

create table channel_access (
  user_id bigint not null,
  channel_id bigint not null,
  tenant_id text not null,
  access_hash bigint not null,
  state text default 'ok'::text not null,
  available_min_id integer default 0 not null,
  joined boolean default false not null,
  checked_at timestamp with time zone default now() not null,
  recheck_at timestamp with time zone,
  state_since timestamp with time zone default now() not null,
  constraint channel_access_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channels(id),
  constraint channel_access_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint channel_access_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint channel_access_pkey PRIMARY KEY (user_id, channel_id)
);

CREATE INDEX channel_access_reach ON channel_access USING btree (channel_id, available_min_id) WHERE (state = 'ok'::text);

create unlogged table channel_claims (
  channel_id bigint not null,
  token uuid not null,
  until timestamp with time zone not null,
  purpose text default 'news'::text not null,
  constraint channel_claims_pkey PRIMARY KEY (channel_id, purpose)
);

create table channel_names (
  channel_id bigint not null,
  username text not null,
  since timestamp with time zone default now() not null,
  until timestamp with time zone,
  look_at timestamp with time zone,
  constraint channel_names_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channels(id),
  constraint channel_names_pkey PRIMARY KEY (channel_id, username)
);

CREATE INDEX channel_names_held ON channel_names USING btree (username, since) WHERE (until IS NULL);

create table channels (
  id bigint not null,
  username text,
  title text not null,
  kind text not null,
  state text default 'active'::text not null,
  pts integer,
  top_message_id integer default 0 not null,
  covered int4multirange default '{}'::int4multirange not null,
  unverified int4multirange default '{}'::int4multirange not null,
  revision bigint default 0 not null,
  participants integer,
  created_at timestamp with time zone default now() not null,
  read_at timestamp with time zone,
  incomplete_since timestamp with time zone,
  reconciled_at timestamp with time zone,
  reconcile_asked_at timestamp with time zone,
  reconcile_below integer,
  former_title text,
  title_since timestamp with time zone default now() not null,
  migrated_from bigint,
  migrated_at timestamp with time zone,
  kept_from integer,
  kept_days integer,
  kept_checked_at timestamp with time zone,
  unfollowed_since timestamp with time zone,
  constraint channels_kind_check CHECK ((kind = ANY (ARRAY['broadcast'::text, 'megagroup'::text]))),
  constraint channels_pkey PRIMARY KEY (id)
) with (fillfactor=70);

CREATE INDEX channels_kept ON channels USING btree (id) WHERE (kept_from IS NOT NULL);

CREATE INDEX channels_unfollowed ON channels USING btree (unfollowed_since) WHERE (unfollowed_since IS NOT NULL);

CREATE INDEX channels_username ON channels USING btree (lower(username));

create table consent_texts (
  sha256 bytea not null,
  version text not null,
  language text not null,
  body text not null,
  first_shown_at timestamp with time zone default now() not null,
  constraint consent_texts_sha256_check CHECK ((length(sha256) = 32)),
  constraint consent_texts_pkey PRIMARY KEY (sha256)
);

create table consents (
  id bigint generated always as identity not null,
  tenant_id text not null,
  user_id bigint not null,
  text_sha256 bytea not null,
  via text not null,
  at timestamp with time zone default now() not null,
  constraint consents_via_check CHECK ((via = ANY (ARRAY['page'::text, 'bot'::text, 'api'::text, 'cli'::text]))),
  constraint consents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint consents_text_sha256_fkey FOREIGN KEY (text_sha256) REFERENCES consent_texts(sha256),
  constraint consents_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint consents_pkey PRIMARY KEY (id)
);

CREATE INDEX consents_user ON consents USING btree (user_id, id);

create table erasures (
  user_id bigint not null,
  tenant_id text not null,
  asked_at timestamp with time zone default now() not null,
  constraint erasures_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint erasures_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint erasures_pkey PRIMARY KEY (user_id)
);

create table installation (
  one boolean default true not null,
  id uuid not null,
  system_identifier text,
  database_oid bigint not null,
  install_id text,
  counter bigint default 0 not null,
  nonce uuid not null,
  raised_at timestamp with time zone default now() not null,
  begun_at timestamp with time zone default now() not null,
  retiring_at timestamp with time zone,
  retired_at timestamp with time zone,
  constraint installation_one_check CHECK (one),
  constraint installation_pkey PRIMARY KEY (one)
) with (fillfactor=50);

create table invite_redemptions (
  invite_id bigint not null,
  user_id bigint not null,
  tenant_id text not null,
  redeemed_at timestamp with time zone default now() not null,
  begun_at timestamp with time zone,
  constraint invite_redemptions_invite_id_fkey FOREIGN KEY (invite_id) REFERENCES invites(id),
  constraint invite_redemptions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint invite_redemptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint invite_redemptions_pkey PRIMARY KEY (invite_id, user_id)
);

CREATE INDEX invite_redemptions_user ON invite_redemptions USING btree (user_id);

create table invites (
  id bigint generated always as identity not null,
  tenant_id text not null,
  code_hash bytea not null,
  note text,
  plan text not null,
  days integer not null,
  max_uses integer not null,
  uses integer default 0 not null,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint invites_check CHECK (((uses >= 0) AND (uses <= max_uses))),
  constraint invites_days_check CHECK ((days > 0)),
  constraint invites_max_uses_check CHECK ((max_uses > 0)),
  constraint invites_plan_check CHECK ((plan = ANY (ARRAY['free'::text, 'trial'::text, 'premium'::text]))),
  constraint invites_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint invites_pkey PRIMARY KEY (id),
  constraint invites_tenant_id_code_hash_key UNIQUE (tenant_id, code_hash)
);

create table leases (
  session_id bigint not null,
  token uuid not null,
  beat bigint default 0 not null,
  holder text not null,
  taken_at timestamp with time zone default now() not null,
  constraint leases_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE,
  constraint leases_pkey PRIMARY KEY (session_id)
) with (fillfactor=70);

create table legacy_logouts (
  auth_token text not null,
  tenant_id text not null,
  user_id bigint not null,
  logged_out_at timestamp with time zone default now() not null,
  constraint legacy_logouts_auth_token_check CHECK ((auth_token ~ '^[0-9a-f]{64}$'::text)),
  constraint legacy_logouts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint legacy_logouts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint legacy_logouts_pkey PRIMARY KEY (auth_token)
);

CREATE INDEX legacy_logouts_user ON legacy_logouts USING btree (user_id);

create table login_codes (
  api_id integer not null,
  day date not null,
  sent integer default 0 not null,
  constraint login_codes_pkey PRIMARY KEY (api_id, day)
);

create table maintenance_tasks (
  task text not null,
  created_at timestamp with time zone default now() not null,
  began_at timestamp with time zone default now() not null,
  succeeded_at timestamp with time zone,
  constraint maintenance_tasks_pkey PRIMARY KEY (task)
);

create table message_tombstones (
  channel_id bigint not null,
  message_id integer not null,
  deleted_at timestamp with time zone not null,
  constraint message_tombstones_pkey PRIMARY KEY (channel_id, message_id)
);

create table message_versions (
  channel_id bigint not null,
  message_id integer not null,
  revision bigint not null,
  edit_date timestamp with time zone,
  text text not null,
  entities jsonb,
  media jsonb,
  replaced_at timestamp with time zone default now() not null,
  constraint message_versions_pkey PRIMARY KEY (channel_id, message_id, revision)
) partition by HASH (channel_id); -- 16 partitions

create table messages (
  channel_id bigint not null,
  id integer not null,
  kind text not null,
  date timestamp with time zone not null,
  edit_date timestamp with time zone,
  edit_hidden boolean default false not null,
  deleted_at timestamp with time zone,
  text text not null,
  entities jsonb,
  media jsonb,
  grouped_id bigint,
  forward jsonb,
  reply jsonb,
  from_peer jsonb,
  author text,
  via_bot_id bigint,
  pinned boolean default false not null,
  silent boolean default false not null,
  no_forwards boolean default false not null,
  service jsonb,
  views integer,
  forwards integer,
  replies integer,
  reactions jsonb,
  poll_results jsonb,
  stats_at timestamp with time zone not null,
  pts integer,
  revision bigint not null,
  stored_at timestamp with time zone default now() not null,
  constraint messages_pkey PRIMARY KEY (channel_id, id)
) partition by HASH (channel_id); -- 16 partitions

CREATE INDEX messages_revision ON ONLY messages USING btree (channel_id, revision);

create table own_api_ids (
  id uuid not null,
  tenant_id text not null,
  api_id integer not null,
  ciphertext bytea not null,
  wrapped_key bytea not null,
  key_id text not null,
  fingerprint bytea not null,
  fingerprint_size integer not null,
  created_at timestamp with time zone default now() not null,
  constraint own_api_ids_api_id_check CHECK ((api_id > 0)),
  constraint own_api_ids_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint own_api_ids_pkey PRIMARY KEY (id)
);

CREATE INDEX own_api_ids_key ON own_api_ids USING btree (key_id, id);

create table runs (
  id bigint generated always as identity not null,
  tenant_id text not null,
  user_id bigint not null,
  slot timestamp with time zone not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone default clock_timestamp() not null,
  plan text not null,
  outcome text not null,
  error text,
  channels integer default 0 not null,
  channels_changed integer default 0 not null,
  calls integer default 0 not null,
  waits integer default 0 not null,
  messages_new integer default 0 not null,
  messages_edited integer default 0 not null,
  messages_deleted integer default 0 not null,
  constraint runs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint runs_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint runs_pkey PRIMARY KEY (id)
);

CREATE INDEX runs_finished ON runs USING brin (finished_at);

CREATE INDEX runs_user ON runs USING btree (user_id, id);

create table runs_daily (
  tenant_id text not null,
  day date not null,
  plan text not null,
  done integer not null,
  failed integer not null,
  waiting integer not null,
  calls bigint not null,
  waits bigint not null,
  messages_new bigint not null,
  messages_edited bigint not null,
  messages_deleted bigint not null,
  constraint runs_daily_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint runs_daily_pkey PRIMARY KEY (tenant_id, day, plan)
);

create table schedules (
  user_id bigint not null,
  tenant_id text not null,
  queue text,
  next_parse_at timestamp with time zone default now() not null,
  claimed_at timestamp with time zone,
  last_enqueued_at timestamp with time zone,
  last_started_at timestamp with time zone,
  constraint schedules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint schedules_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint schedules_pkey PRIMARY KEY (user_id)
) with (fillfactor=70);

CREATE INDEX schedules_claimed ON schedules USING btree (claimed_at) WHERE (claimed_at IS NOT NULL);

CREATE INDEX schedules_due ON schedules USING btree (next_parse_at) WHERE ((claimed_at IS NULL) AND (queue IS NOT NULL));

create table session_backups (
  id bigint generated always as identity not null,
  began_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  outcome text default 'running'::text not null,
  host text not null,
  file text,
  sessions integer,
  bytes bigint,
  error text,
  constraint session_backups_outcome_check CHECK ((outcome = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text]))),
  constraint session_backups_pkey PRIMARY KEY (id)
);

create table session_events (
  id bigint generated always as identity not null,
  tenant_id text not null,
  session_id bigint not null,
  from_state text not null,
  to_state text not null,
  reason text,
  at timestamp with time zone default now() not null,
  told_at timestamp with time zone,
  constraint session_events_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE,
  constraint session_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint session_events_pkey PRIMARY KEY (id)
);

CREATE INDEX session_events_at ON session_events USING btree (at);

CREATE INDEX session_events_session ON session_events USING btree (session_id, id);

CREATE INDEX session_events_untold ON session_events USING btree (id) WHERE ((told_at IS NULL) AND ((to_state = 'STALE'::text) OR ((to_state = 'AUTHORIZED'::text) AND ((reason ~~ 'logged in%'::text) OR (reason = 'idle soon'::text))) OR ((to_state = 'ABSENT'::text) AND (reason = ANY (ARRAY['expired'::text, 'abandoned'::text, 'wrong account'::text]))) OR ((to_state = 'REVOKED'::text) AND (reason ~~ 'idle%'::text))));

create table session_events_daily (
  tenant_id text not null,
  day date not null,
  from_state text not null,
  to_state text not null,
  reason text not null,
  events integer not null,
  constraint session_events_daily_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint session_events_daily_pkey PRIMARY KEY (tenant_id, day, from_state, to_state, reason)
);

create table session_revocations (
  session_id bigint not null,
  tenant_id text not null,
  reason text not null,
  asked_at timestamp with time zone default now() not null,
  enqueued_at timestamp with time zone,
  constraint session_revocations_reason_check CHECK ((reason = ANY (ARRAY['asked'::text, 'idle'::text]))),
  constraint session_revocations_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE,
  constraint session_revocations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint session_revocations_pkey PRIMARY KEY (session_id)
);

create table sessions (
  id bigint generated always as identity not null,
  tenant_id text not null,
  user_id bigint,
  app_id text not null,
  telegram_id bigint not null,
  api_id integer not null,
  own_api boolean default false not null,
  state text not null,
  reason text,
  holds text[] default '{}'::text[] not null,
  ciphertext bytea,
  wrapped_key bytea,
  key_id text,
  fingerprint bytea,
  fingerprint_size integer,
  saved_at timestamp with time zone,
  state_changed_at timestamp with time zone default now() not null,
  created_at timestamp with time zone default now() not null,
  own_api_ref uuid,
  used_at timestamp with time zone default now() not null,
  constraint sessions_check CHECK ((((ciphertext IS NULL) = (wrapped_key IS NULL)) AND ((ciphertext IS NULL) = (key_id IS NULL)))),
  constraint sessions_owner CHECK ((((user_id IS NULL) = (telegram_id = 0)) AND ((user_id IS NOT NULL) OR (state = ANY (ARRAY['ABSENT'::text, 'PENDING_QR'::text, 'PENDING_CODE'::text, 'PENDING_PASSWORD'::text]))))),
  constraint sessions_state_check CHECK ((state = ANY (ARRAY['ABSENT'::text, 'PENDING_QR'::text, 'PENDING_CODE'::text, 'PENDING_PASSWORD'::text, 'AUTHORIZED'::text, 'STALE'::text, 'REVOKED'::text]))),
  constraint sessions_own_api_ref_fkey FOREIGN KEY (own_api_ref) REFERENCES own_api_ids(id) ON DELETE SET NULL,
  constraint sessions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint sessions_pkey PRIMARY KEY (id),
  constraint sessions_tenant_id_app_id_key UNIQUE (tenant_id, app_id)
);

CREATE INDEX sessions_key ON sessions USING btree (key_id, id) WHERE (key_id IS NOT NULL);

CREATE UNIQUE INDEX sessions_one_usable ON sessions USING btree (telegram_id) WHERE (state = 'AUTHORIZED'::text);

CREATE INDEX sessions_own_api ON sessions USING btree (own_api_ref) WHERE (own_api_ref IS NOT NULL);

CREATE INDEX sessions_pending ON sessions USING btree (id) WHERE (state = ANY (ARRAY['PENDING_QR'::text, 'PENDING_CODE'::text, 'PENDING_PASSWORD'::text]));

CREATE INDEX sessions_unused ON sessions USING btree (used_at) WHERE (state = ANY (ARRAY['AUTHORIZED'::text, 'STALE'::text]));

CREATE INDEX sessions_user ON sessions USING btree (user_id);

create table skipped_messages (
  channel_id bigint not null,
  message_id integer not null,
  reason text not null,
  seen_at timestamp with time zone default now() not null,
  constraint skipped_messages_pkey PRIMARY KEY (channel_id, message_id)
);

create table subscriptions (
  id bigint generated always as identity not null,
  tenant_id text not null,
  user_id bigint not null,
  name text not null,
  channel_id bigint,
  state text default 'pending'::text not null,
  checked_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  state_since timestamp with time zone default now() not null,
  look_at timestamp with time zone,
  constraint subscriptions_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES channels(id),
  constraint subscriptions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint subscriptions_pkey PRIMARY KEY (id),
  constraint subscriptions_user_id_channel_id_key UNIQUE (user_id, channel_id),
  constraint subscriptions_user_id_name_key UNIQUE (user_id, name)
);

CREATE INDEX subscriptions_channel ON subscriptions USING btree (channel_id);

create table telegram_accounts (
  id bigint generated always as identity not null,
  tenant_id text not null,
  phone text not null,
  own_api_ref uuid,
  user_id bigint,
  created_at timestamp with time zone default now() not null,
  constraint telegram_accounts_phone_check CHECK ((phone ~ '^[0-9]{5,15}$'::text)),
  constraint telegram_accounts_own_api_ref_fkey FOREIGN KEY (own_api_ref) REFERENCES own_api_ids(id) ON DELETE SET NULL,
  constraint telegram_accounts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint telegram_accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE SET NULL,
  constraint telegram_accounts_pkey PRIMARY KEY (id),
  constraint telegram_accounts_tenant_id_phone_key UNIQUE (tenant_id, phone)
);

CREATE INDEX telegram_accounts_user ON telegram_accounts USING btree (user_id);

create table tenants (
  id text not null,
  name text not null,
  created_at timestamp with time zone default now() not null,
  messages_kept_days integer,
  constraint tenants_id_check CHECK ((id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'::text)),
  constraint tenants_messages_kept_days_check CHECK ((messages_kept_days > 0)),
  constraint tenants_pkey PRIMARY KEY (id)
);

create view user_posts with (security_invoker=true) as
 SELECT s.tenant_id,
    s.user_id,
    m.channel_id,
    m.id,
    m.kind,
    m.date,
    m.edit_date,
    m.edit_hidden,
    m.deleted_at,
    m.text,
    m.entities,
    m.media,
    m.grouped_id,
    m.forward,
    m.reply,
    m.from_peer,
    m.author,
    m.via_bot_id,
    m.pinned,
    m.silent,
    m.no_forwards,
    m.service,
    m.views,
    m.forwards,
    m.replies,
    m.reactions,
    m.poll_results,
    m.stats_at,
    m.pts,
    m.revision,
    m.stored_at
   FROM ((subscriptions s
     JOIN channel_access a ON (((a.user_id = s.user_id) AND (a.channel_id = s.channel_id) AND (a.state = 'ok'::text))))
     JOIN messages m ON (((m.channel_id = s.channel_id) AND (m.id >= a.available_min_id))));

create table user_sessions (
  id bigint generated always as identity not null,
  tenant_id text default 'default'::text not null,
  user_id bigint not null,
  auth_token text not null,
  created_at timestamp with time zone default now() not null,
  last_seen_at timestamp with time zone default now() not null,
  constraint user_sessions_auth_token_check CHECK ((auth_token ~ '^[0-9a-f]{64}$'::text)),
  constraint user_sessions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint user_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint user_sessions_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX idx_user_session_auth_token ON user_sessions USING btree (auth_token);

CREATE INDEX idx_user_session_user_id ON user_sessions USING btree (user_id);

create table users (
  id bigint generated always as identity not null,
  tenant_id text not null,
  telegram_id bigint not null,
  plan text default 'free'::text not null,
  paid_until timestamp with time zone,
  trial_expires_at timestamp with time zone,
  paused boolean default false not null,
  language text default 'en'::text not null,
  time_zone text default 'Europe/Moscow'::text not null,
  consented_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  auth_token text,
  own_api_ref uuid,
  constraint users_plan_check CHECK ((plan = ANY (ARRAY['free'::text, 'premium'::text]))),
  constraint users_own_api_ref_fkey FOREIGN KEY (own_api_ref) REFERENCES own_api_ids(id) ON DELETE SET NULL,
  constraint users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint users_pkey PRIMARY KEY (id),
  constraint users_tenant_id_telegram_id_key UNIQUE (tenant_id, telegram_id)
);

CREATE INDEX idx_user_auth_token ON users USING btree (auth_token) WHERE (auth_token IS NOT NULL);

CREATE INDEX users_own_api ON users USING btree (own_api_ref) WHERE (own_api_ref IS NOT NULL);

create table waits (
  telegram_id bigint not null,
  method text not null,
  chat_id bigint default 0 not null,
  until timestamp with time zone not null,
  seconds integer not null,
  observed_at timestamp with time zone default now() not null,
  process_until timestamp with time zone not null,
  constraint waits_pkey PRIMARY KEY (telegram_id, method, chat_id)
);
