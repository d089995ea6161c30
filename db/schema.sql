create table accepted_signatures (
  digest bytea not null,
  expires_at timestamp with time zone not null,
  constraint accepted_signatures_pkey PRIMARY KEY (digest)
);

CREATE INDEX accepted_signatures_expiry ON accepted_signatures USING btree (expires_at);

grant delete, insert, select, update on accepted_signatures to gramfleet_app;

grant select on accepted_signatures to gramfleet_backup;

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

grant select on account_losses to gramfleet_backup;

grant delete, insert, select, update on account_losses to gramfleet_worker;

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

grant select on api_ids to gramfleet_app;

grant select on api_ids to gramfleet_backup;

grant delete, insert, select, update on api_ids to gramfleet_worker;

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

row security forced on api_tokens;

create policy api_tokens_app on api_tokens to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy api_tokens_backup on api_tokens for select to gramfleet_backup using (true);

create policy api_tokens_owner on api_tokens to gramfleet_owner using (true);

grant delete, insert, select, update on api_tokens to gramfleet_app;

grant select on api_tokens to gramfleet_backup;

create table board_sessions (
  token_hash bytea not null,
  name text not null,
  user_version bytea not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  constraint board_sessions_pkey PRIMARY KEY (token_hash)
);

CREATE INDEX board_sessions_expiry ON board_sessions USING btree (expires_at);

grant delete, insert, select, update on board_sessions to gramfleet_app;

grant select on board_sessions to gramfleet_backup;

create table bot_updates (
  bot_id bigint not null,
  update_id bigint not null,
  at timestamp with time zone default now() not null,
  constraint bot_updates_pkey PRIMARY KEY (bot_id, update_id)
);

CREATE INDEX bot_updates_at ON bot_updates USING btree (at);

grant delete, insert, select, update on bot_updates to gramfleet_app;

grant select on bot_updates to gramfleet_backup;

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

CREATE INDEX channel_access_tenant ON channel_access USING btree (channel_id, tenant_id);

row security forced on channel_access;

create policy channel_access_app on channel_access to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy channel_access_backup on channel_access for select to gramfleet_backup using (true);

create policy channel_access_owner on channel_access to gramfleet_owner using (true);

create policy channel_access_worker on channel_access to gramfleet_worker using (true);

grant select on channel_access to gramfleet_app;

grant update (recheck_at) on channel_access to gramfleet_app;

grant select on channel_access to gramfleet_backup;

grant delete, insert, select, update on channel_access to gramfleet_worker;

create unlogged table channel_claims (
  channel_id bigint not null,
  token uuid not null,
  until timestamp with time zone not null,
  purpose text default 'news'::text not null,
  constraint channel_claims_pkey PRIMARY KEY (channel_id, purpose)
);

grant select on channel_claims to gramfleet_backup;

grant delete, insert, select, update on channel_claims to gramfleet_worker;

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

row security forced on channel_names;

create policy channel_names_app on channel_names to gramfleet_app using ((EXISTS ( SELECT
   FROM (channel_access a
     JOIN subscriptions s ON (((s.user_id = a.user_id) AND (s.channel_id = a.channel_id))))
  WHERE ((a.channel_id = channel_names.channel_id) AND (a.tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text))))));

create policy channel_names_backup on channel_names for select to gramfleet_backup using (true);

create policy channel_names_owner on channel_names to gramfleet_owner using (true);

create policy channel_names_worker on channel_names to gramfleet_worker using (true);

grant select on channel_names to gramfleet_app;

grant select on channel_names to gramfleet_backup;

grant delete, insert, select, update on channel_names to gramfleet_worker;

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

row security forced on channels;

create policy channels_app on channels to gramfleet_app using ((EXISTS ( SELECT
   FROM (channel_access a
     JOIN subscriptions s ON (((s.user_id = a.user_id) AND (s.channel_id = a.channel_id))))
  WHERE ((a.channel_id = channels.id) AND (a.tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text))))));

create policy channels_backup on channels for select to gramfleet_backup using (true);

create policy channels_owner on channels to gramfleet_owner using (true);

create policy channels_worker on channels to gramfleet_worker using (true);

grant select on channels to gramfleet_app;

grant select on channels to gramfleet_backup;

grant delete, insert, select, update on channels to gramfleet_worker;

create table consent_texts (
  sha256 bytea not null,
  version text not null,
  language text not null,
  body text not null,
  first_shown_at timestamp with time zone default now() not null,
  constraint consent_texts_sha256_check CHECK ((length(sha256) = 32)),
  constraint consent_texts_pkey PRIMARY KEY (sha256)
);

grant insert, select on consent_texts to gramfleet_app;

grant select on consent_texts to gramfleet_backup;

grant insert, select on consent_texts to gramfleet_worker;

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

row security forced on consents;

create policy consents_app on consents to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy consents_backup on consents for select to gramfleet_backup using (true);

create policy consents_owner on consents to gramfleet_owner using (true);

create policy consents_worker on consents to gramfleet_worker using (true);

grant insert, select on consents to gramfleet_app;

grant select on consents to gramfleet_backup;

grant insert, select on consents to gramfleet_worker;

create table erasures (
  user_id bigint not null,
  tenant_id text not null,
  asked_at timestamp with time zone default now() not null,
  constraint erasures_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint erasures_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint erasures_pkey PRIMARY KEY (user_id)
);

row security forced on erasures;

create policy erasures_app on erasures to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy erasures_backup on erasures for select to gramfleet_backup using (true);

create policy erasures_owner on erasures to gramfleet_owner using (true);

create policy erasures_worker on erasures to gramfleet_worker using (true);

grant insert, select on erasures to gramfleet_app;

grant select on erasures to gramfleet_backup;

grant select on erasures to gramfleet_worker;

CREATE OR REPLACE FUNCTION find_api_token(hash bytea) RETURNS TABLE(id bigint, tenant_id text) LANGUAGE sql SECURITY DEFINER SET search_path TO 'public', 'pg_temp' AS $function$ with used as ( update api_tokens set last_used_at = now() where token_hash = hash and revoked_at is null and (last_used_at is null or last_used_at < now() - interval '1 minute')) select id, tenant_id from api_tokens where token_hash = hash and revoked_at is null $function$ ; -- for gramfleet_app

CREATE OR REPLACE FUNCTION find_legacy_login(token text, hash text) RETURNS TABLE(id bigint, tenant_id text, user_id bigint, telegram_id bigint) LANGUAGE sql SECURITY DEFINER SET search_path TO 'public', 'pg_temp' AS $function$ select null::int8, u.tenant_id, u.id, u.telegram_id from users u where u.auth_token = token and not exists (select from legacy_logouts l where l.auth_token = hash) limit 2 $function$ ; -- for gramfleet_app

CREATE OR REPLACE FUNCTION find_web_session(hash text) RETURNS TABLE(id bigint, tenant_id text, user_id bigint, telegram_id bigint) LANGUAGE sql SECURITY DEFINER SET search_path TO 'public', 'pg_temp' AS $function$ with seen as ( update user_sessions set last_seen_at = now() where auth_token = hash and last_seen_at < now() - interval '1 minute') select s.id, u.tenant_id, u.id, u.telegram_id from user_sessions s join users u on u.id = s.user_id where s.auth_token = hash $function$ ; -- for gramfleet_app

CREATE OR REPLACE FUNCTION holder_of_lost_name(lost_by bigint, name text) RETURNS TABLE(id bigint, title text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path TO 'public', 'pg_temp' AS $function$ select c.id, c.title from channel_names n join channels c on c.id = n.channel_id where n.username = name and n.until is null and n.channel_id <> lost_by and exists ( select from channel_names l join subscriptions s on s.channel_id = l.channel_id and s.name = l.username where l.channel_id = lost_by and l.username = name and l.until is not null) order by n.since desc limit 1 $function$ ; -- for gramfleet_app, gramfleet_worker

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

grant select on installation to gramfleet_app;

grant select on installation to gramfleet_backup;

grant insert, select, update on installation to gramfleet_worker;

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

row security forced on invite_redemptions;

create policy invite_redemptions_app on invite_redemptions to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy invite_redemptions_backup on invite_redemptions for select to gramfleet_backup using (true);

create policy invite_redemptions_owner on invite_redemptions to gramfleet_owner using (true);

create policy invite_redemptions_worker on invite_redemptions to gramfleet_worker using (true);

grant delete, insert, select, update on invite_redemptions to gramfleet_app;

grant select on invite_redemptions to gramfleet_backup;

grant select on invite_redemptions to gramfleet_worker;

grant update (begun_at) on invite_redemptions to gramfleet_worker;

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

row security forced on invites;

create policy invites_app on invites to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy invites_backup on invites for select to gramfleet_backup using (true);

create policy invites_owner on invites to gramfleet_owner using (true);

create policy invites_worker on invites to gramfleet_worker using (true);

grant delete, insert, select, update on invites to gramfleet_app;

grant select on invites to gramfleet_backup;

grant select on invites to gramfleet_worker;

create table leases (
  session_id bigint not null,
  token uuid not null,
  beat bigint default 0 not null,
  holder text not null,
  taken_at timestamp with time zone default now() not null,
  constraint leases_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE,
  constraint leases_pkey PRIMARY KEY (session_id)
) with (fillfactor=70);

grant select on leases to gramfleet_backup;

grant delete, insert, select, update on leases to gramfleet_worker;

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

row security forced on legacy_logouts;

create policy legacy_logouts_app on legacy_logouts to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy legacy_logouts_backup on legacy_logouts for select to gramfleet_backup using (true);

create policy legacy_logouts_owner on legacy_logouts to gramfleet_owner using (true);

grant delete, insert, select, update on legacy_logouts to gramfleet_app;

grant select on legacy_logouts to gramfleet_backup;

CREATE OR REPLACE FUNCTION log_out_legacy(token text, hash text) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path TO 'public', 'pg_temp' AS $function$ with refused as ( insert into legacy_logouts (auth_token, tenant_id, user_id) select hash, u.tenant_id, u.id from users u where u.auth_token = token limit 1 on conflict (auth_token) do nothing returning 1) select exists (select from refused) $function$ ; -- for gramfleet_app

CREATE OR REPLACE FUNCTION log_out_web_session(hash text) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path TO 'public', 'pg_temp' AS $function$ with gone as (delete from user_sessions where auth_token = hash returning 1) select exists (select from gone) $function$ ; -- for gramfleet_app

create table login_codes (
  api_id integer not null,
  day date not null,
  sent integer default 0 not null,
  constraint login_codes_pkey PRIMARY KEY (api_id, day)
);

grant select on login_codes to gramfleet_backup;

grant delete, insert, select, update on login_codes to gramfleet_worker;

create table maintenance_tasks (
  task text not null,
  created_at timestamp with time zone default now() not null,
  began_at timestamp with time zone default now() not null,
  succeeded_at timestamp with time zone,
  constraint maintenance_tasks_pkey PRIMARY KEY (task)
);

grant select on maintenance_tasks to gramfleet_backup;

grant insert, select, update on maintenance_tasks to gramfleet_worker;

create table message_tombstones (
  channel_id bigint not null,
  message_id integer not null,
  deleted_at timestamp with time zone not null,
  constraint message_tombstones_pkey PRIMARY KEY (channel_id, message_id)
);

grant select on message_tombstones to gramfleet_backup;

grant delete, insert, select, update on message_tombstones to gramfleet_worker;

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

grant select on message_versions to gramfleet_backup;

grant delete, insert, select, update on message_versions to gramfleet_worker;

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

row security forced on messages;

create policy messages_app on messages to gramfleet_app using ((EXISTS ( SELECT
   FROM (channel_access a
     JOIN subscriptions s ON (((s.user_id = a.user_id) AND (s.channel_id = a.channel_id))))
  WHERE ((a.channel_id = messages.channel_id) AND (a.tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)) AND (a.state = 'ok'::text) AND (a.available_min_id <= messages.id)))));

create policy messages_backup on messages for select to gramfleet_backup using (true);

create policy messages_owner on messages to gramfleet_owner using (true);

create policy messages_worker on messages to gramfleet_worker using (true);

grant select on messages to gramfleet_app;

grant select on messages to gramfleet_backup;

grant delete, insert, select, update on messages to gramfleet_worker;

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

row security forced on own_api_ids;

create policy own_api_ids_app on own_api_ids to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy own_api_ids_backup on own_api_ids for select to gramfleet_backup using (true);

create policy own_api_ids_owner on own_api_ids to gramfleet_owner using (true);

create policy own_api_ids_worker on own_api_ids to gramfleet_worker using (true);

grant delete, insert on own_api_ids to gramfleet_app;

grant select (id, tenant_id, api_id, key_id, created_at) on own_api_ids to gramfleet_app;

grant select on own_api_ids to gramfleet_backup;

grant delete, insert, select, update on own_api_ids to gramfleet_worker;

grant update (wrapped_key, key_id) on own_api_ids to gramfleet_worker;

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

row security forced on runs;

create policy runs_app on runs to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy runs_backup on runs for select to gramfleet_backup using (true);

create policy runs_owner on runs to gramfleet_owner using (true);

create policy runs_worker on runs to gramfleet_worker using (true);

grant select on runs to gramfleet_app;

grant select on runs to gramfleet_backup;

grant delete, insert, select, update on runs to gramfleet_worker;

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

row security forced on runs_daily;

create policy runs_daily_app on runs_daily to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy runs_daily_backup on runs_daily for select to gramfleet_backup using (true);

create policy runs_daily_owner on runs_daily to gramfleet_owner using (true);

create policy runs_daily_worker on runs_daily to gramfleet_worker using (true);

grant select on runs_daily to gramfleet_app;

grant select on runs_daily to gramfleet_backup;

grant insert, select, update on runs_daily to gramfleet_worker;

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
) with (fillfactor=50);

CREATE INDEX schedules_due ON schedules USING btree (next_parse_at) WHERE (queue IS NOT NULL);

row security forced on schedules;

create policy schedules_app on schedules to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy schedules_backup on schedules for select to gramfleet_backup using (true);

create policy schedules_owner on schedules to gramfleet_owner using (true);

create policy schedules_worker on schedules to gramfleet_worker using (true);

grant insert, select, update on schedules to gramfleet_app;

grant select on schedules to gramfleet_backup;

grant delete, insert, select, update on schedules to gramfleet_worker;

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

grant select on session_backups to gramfleet_backup;

grant delete, insert, select, update on session_backups to gramfleet_worker;

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

row security forced on session_events;

create policy session_events_app on session_events to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy session_events_backup on session_events for select to gramfleet_backup using (true);

create policy session_events_owner on session_events to gramfleet_owner using (true);

create policy session_events_worker on session_events to gramfleet_worker using (true);

grant insert, select on session_events to gramfleet_app;

grant select on session_events to gramfleet_backup;

grant delete, insert, select, update on session_events to gramfleet_worker;

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

row security forced on session_events_daily;

create policy session_events_daily_app on session_events_daily to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy session_events_daily_backup on session_events_daily for select to gramfleet_backup using (true);

create policy session_events_daily_owner on session_events_daily to gramfleet_owner using (true);

create policy session_events_daily_worker on session_events_daily to gramfleet_worker using (true);

grant select on session_events_daily to gramfleet_app;

grant select on session_events_daily to gramfleet_backup;

grant insert, select, update on session_events_daily to gramfleet_worker;

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

row security forced on session_revocations;

create policy session_revocations_app on session_revocations to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy session_revocations_backup on session_revocations for select to gramfleet_backup using (true);

create policy session_revocations_owner on session_revocations to gramfleet_owner using (true);

create policy session_revocations_worker on session_revocations to gramfleet_worker using (true);

grant delete, insert, select on session_revocations to gramfleet_app;

grant select on session_revocations to gramfleet_backup;

grant delete, insert, select, update on session_revocations to gramfleet_worker;

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

CREATE INDEX sessions_api_id ON sessions USING btree (api_id) INCLUDE (holds) WHERE (state = 'AUTHORIZED'::text);

CREATE INDEX sessions_held ON sessions USING btree (id) WHERE (holds <> '{}'::text[]);

CREATE INDEX sessions_key ON sessions USING btree (key_id, id) WHERE (key_id IS NOT NULL);

CREATE UNIQUE INDEX sessions_one_usable ON sessions USING btree (telegram_id) WHERE (state = 'AUTHORIZED'::text);

CREATE INDEX sessions_own_api ON sessions USING btree (own_api_ref) WHERE (own_api_ref IS NOT NULL);

CREATE INDEX sessions_pending ON sessions USING btree (id) WHERE (state = ANY (ARRAY['PENDING_QR'::text, 'PENDING_CODE'::text, 'PENDING_PASSWORD'::text]));

CREATE INDEX sessions_state ON sessions USING btree (state);

CREATE INDEX sessions_unused ON sessions USING btree (used_at) WHERE (state = ANY (ARRAY['AUTHORIZED'::text, 'STALE'::text]));

CREATE INDEX sessions_user ON sessions USING btree (user_id);

row security forced on sessions;

create policy sessions_app on sessions to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy sessions_backup on sessions for select to gramfleet_backup using (true);

create policy sessions_owner on sessions to gramfleet_owner using (true);

create policy sessions_worker on sessions to gramfleet_worker using (true);

grant select (id, tenant_id, user_id, app_id, telegram_id, api_id, own_api, state, reason, holds, key_id, saved_at, state_changed_at, created_at, own_api_ref, used_at) on sessions to gramfleet_app;

grant update (state, reason, holds, state_changed_at, own_api_ref, used_at) on sessions to gramfleet_app;

grant select on sessions to gramfleet_backup;

grant delete, insert, select, update on sessions to gramfleet_worker;

create table skipped_messages (
  channel_id bigint not null,
  message_id integer not null,
  reason text not null,
  seen_at timestamp with time zone default now() not null,
  constraint skipped_messages_pkey PRIMARY KEY (channel_id, message_id)
);

row security forced on skipped_messages;

create policy skipped_messages_app on skipped_messages to gramfleet_app using ((EXISTS ( SELECT
   FROM (channel_access a
     JOIN subscriptions s ON (((s.user_id = a.user_id) AND (s.channel_id = a.channel_id))))
  WHERE ((a.channel_id = skipped_messages.channel_id) AND (a.tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text))))));

create policy skipped_messages_backup on skipped_messages for select to gramfleet_backup using (true);

create policy skipped_messages_owner on skipped_messages to gramfleet_owner using (true);

create policy skipped_messages_worker on skipped_messages to gramfleet_worker using (true);

grant select on skipped_messages to gramfleet_app;

grant select on skipped_messages to gramfleet_backup;

grant delete, insert, select, update on skipped_messages to gramfleet_worker;

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

row security forced on subscriptions;

create policy subscriptions_app on subscriptions to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy subscriptions_backup on subscriptions for select to gramfleet_backup using (true);

create policy subscriptions_owner on subscriptions to gramfleet_owner using (true);

create policy subscriptions_worker on subscriptions to gramfleet_worker using (true);

grant delete, select on subscriptions to gramfleet_app;

grant insert (tenant_id, user_id, name) on subscriptions to gramfleet_app;

grant update (look_at) on subscriptions to gramfleet_app;

grant select on subscriptions to gramfleet_backup;

grant delete, select, update on subscriptions to gramfleet_worker;

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

row security forced on telegram_accounts;

create policy telegram_accounts_app on telegram_accounts to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy telegram_accounts_backup on telegram_accounts for select to gramfleet_backup using (true);

create policy telegram_accounts_owner on telegram_accounts to gramfleet_owner using (true);

create policy telegram_accounts_worker on telegram_accounts to gramfleet_worker using (true);

grant delete, insert, select, update on telegram_accounts to gramfleet_app;

grant select on telegram_accounts to gramfleet_backup;

grant select on telegram_accounts to gramfleet_worker;

grant update (user_id) on telegram_accounts to gramfleet_worker;

create table tenants (
  id text not null,
  name text not null,
  created_at timestamp with time zone default now() not null,
  messages_kept_days integer,
  constraint tenants_id_check CHECK ((id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'::text)),
  constraint tenants_messages_kept_days_check CHECK ((messages_kept_days > 0)),
  constraint tenants_pkey PRIMARY KEY (id)
);

row security forced on tenants;

create policy tenants_app on tenants to gramfleet_app using ((id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy tenants_backup on tenants for select to gramfleet_backup using (true);

create policy tenants_owner on tenants to gramfleet_owner using (true);

create policy tenants_worker on tenants to gramfleet_worker using (true);

grant select on tenants to gramfleet_app;

grant select on tenants to gramfleet_backup;

grant select on tenants to gramfleet_worker;

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

grant select on user_posts to gramfleet_app;

grant select on user_posts to gramfleet_backup;

grant select on user_posts to gramfleet_worker;

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

row security forced on user_sessions;

create policy user_sessions_app on user_sessions to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy user_sessions_backup on user_sessions for select to gramfleet_backup using (true);

create policy user_sessions_owner on user_sessions to gramfleet_owner using (true);

grant delete, insert, select, update on user_sessions to gramfleet_app;

grant select on user_sessions to gramfleet_backup;

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

row security forced on users;

create policy users_app on users to gramfleet_app using ((tenant_id = NULLIF(current_setting('gramfleet.tenant'::text, true), ''::text)));

create policy users_backup on users for select to gramfleet_backup using (true);

create policy users_owner on users to gramfleet_owner using (true);

create policy users_worker on users to gramfleet_worker using (true);

grant delete, insert, select, update on users to gramfleet_app;

grant select on users to gramfleet_backup;

grant insert (tenant_id, telegram_id, plan, paid_until, trial_expires_at) on users to gramfleet_worker;

grant select (id, tenant_id, telegram_id, plan, paid_until, trial_expires_at, paused, language, time_zone, consented_at, created_at, own_api_ref) on users to gramfleet_worker;

grant update (plan, paid_until, trial_expires_at, consented_at, own_api_ref) on users to gramfleet_worker;

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

row security forced on waits;

create policy waits_app on waits to gramfleet_app using ((EXISTS ( SELECT
   FROM users u
  WHERE (u.telegram_id = waits.telegram_id))));

create policy waits_backup on waits for select to gramfleet_backup using (true);

create policy waits_owner on waits to gramfleet_owner using (true);

create policy waits_worker on waits to gramfleet_worker using (true);

grant select on waits to gramfleet_app;

grant select on waits to gramfleet_backup;

grant delete, insert, select, update on waits to gramfleet_worker;
