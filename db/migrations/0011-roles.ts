import { type Kysely, sql } from "kysely";
import { OperatorError } from "../../runtime/operator-error.ts";
import { protect, type Rights, TENANT } from "./protect.ts";

/** What a session is, without what opens it. */
const SESSION = `id, tenant_id, user_id, app_id, telegram_id, api_id, own_api, own_api_ref, state, reason, holds, key_id,
  saved_at, state_changed_at, created_at`;
/** Everything of a user but the token of the earlier system. */
const USER = `id, tenant_id, telegram_id, plan, paid_until, trial_expires_at, paused, language, time_zone, consented_at,
  created_at, own_api_ref`;
const OWN_API_ID = "id, tenant_id, api_id, key_id, created_at";
const ALL = "select, insert, update, delete";

/**
 * Proven access: some account of this tenant that subscribed has, or has had, the channel. Both tables' own policies leave
 * this tenant's rows only.
 */
const provenAccess = (channel: string, more = "") => `exists (
  select from channel_access a join subscriptions s on s.user_id = a.user_id and s.channel_id = a.channel_id
  where a.channel_id = ${channel} and a.tenant_id = ${TENANT}${more})`;
const READABLE = provenAccess("messages.channel_id", " and a.state = 'ok' and a.available_min_id <= messages.id");

const RIGHTS: readonly Rights[] = [
  {
    table: "tenants",
    appSees: `id = ${TENANT}`,
    app: "select",
    worker: "select",
  },
  {
    table: "users",
    tenantOwned: true,
    app: ALL,
    worker: `select (${USER}), insert (tenant_id, telegram_id, plan, paid_until, trial_expires_at),
      update (plan, paid_until, trial_expires_at, own_api_ref, consented_at)`,
  },
  { table: "user_sessions", tenantOwned: true, app: ALL },
  { table: "legacy_logouts", tenantOwned: true, app: ALL },
  { table: "api_tokens", tenantOwned: true, app: ALL },
  { table: "invites", tenantOwned: true, app: ALL, worker: "select" },
  { table: "invite_redemptions", tenantOwned: true, app: ALL, worker: "select, update (begun_at)" },
  {
    table: "sessions",
    tenantOwned: true,
    app: `select (${SESSION}), update (state, reason, holds, state_changed_at, own_api_ref)`,
    worker: ALL,
  },
  {
    table: "own_api_ids",
    tenantOwned: true,
    app: `select (${OWN_API_ID}), insert, delete`,
    worker: ALL,
  },
  { table: "telegram_accounts", tenantOwned: true, app: ALL, worker: "select, update (user_id)" },
  { table: "session_events", tenantOwned: true, app: "select, insert", worker: ALL },
  { table: "schedules", tenantOwned: true, app: "select, insert, update", worker: ALL },
  {
    table: "subscriptions",
    tenantOwned: true,
    app: "select, insert (tenant_id, user_id, name), update (look_at), delete",
    worker: "select, update, delete",
  },
  { table: "channel_access", tenantOwned: true, app: "select, update (recheck_at)", worker: ALL },
  { table: "runs", tenantOwned: true, app: "select", worker: ALL },
  {
    table: "waits",
    appSees: "exists (select from users u where u.telegram_id = waits.telegram_id)",
    app: "select",
    worker: ALL,
  },
  { table: "channels", appSees: provenAccess("channels.id"), app: "select", worker: ALL },
  { table: "channel_names", appSees: provenAccess("channel_names.channel_id"), app: "select", worker: ALL },
  { table: "messages", appSees: READABLE, app: "select", worker: ALL },
  { table: "message_versions", worker: ALL },
  { table: "skipped_messages", appSees: provenAccess("skipped_messages.channel_id"), app: "select", worker: ALL },
  { table: "message_tombstones", worker: ALL },
  { table: "channel_claims", worker: ALL },
  { table: "leases", worker: ALL },
  { table: "login_codes", worker: ALL },
  { table: "api_ids", app: "select", worker: ALL },
  { table: "board_sessions", app: ALL },
  { table: "bot_updates", app: ALL },
  { table: "accepted_signatures", app: ALL },
  { table: "kysely_migration", app: "select", worker: "select" },
];

/** Of the roles that gramfleet acts as: `deploy/postgres/roles.sql` makes them where whoever migrates may not. */
const MAKE_ROLES = `
do $$
declare
  acting text;
  wanted text[];
begin
  foreach acting in array array['gramfleet_owner', 'gramfleet_app', 'gramfleet_worker', 'gramfleet_backup'] loop
    begin
      if not exists (select from pg_roles where rolname = acting) then
        execute format('create role %I nologin', acting);
      end if;
    exception when duplicate_object or unique_violation then null;
    end;
    if exists (select from pg_roles where rolname = acting and rolsuper) then
      raise exception 'there is a superuser of the name %, whom row security would not bind', acting using errcode = '42501';
    end if;
    -- A worker's statements that are no transaction go by the rights that are inherited; all others by SET ROLE.
    wanted := case when current_setting('server_version_num')::int < 160000 then array['member']
      when acting = 'gramfleet_worker' then array['set', 'usage'] else array['set'] end;
    if not (select bool_and(pg_has_role(current_user, acting, each)) from unnest(wanted) each) then
      begin
        execute format('grant %I to current_user%s', acting,
          case when array_length(wanted, 1) = 1 and wanted[1] = 'member' then ''
            when 'usage' = any(wanted) then ' with inherit true, set true' else ' with inherit false, set true' end);
      exception when unique_violation then null;
      end;
    end if;
  end loop;
end $$`;

/** Whoever migrates owns everything so far; from here on the owner does. */
const GIVE_TO_OWNER = `
do $$
declare
  object record;
begin
  execute format('grant usage, create on schema %I to gramfleet_owner', current_schema());
  execute format('grant usage on schema %I to gramfleet_app, gramfleet_worker, gramfleet_backup', current_schema());
  for object in
    select c.oid::regclass as name, c.relkind from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v')
  loop
    execute format('alter %s %s owner to gramfleet_owner', case object.relkind when 'v' then 'view' else 'table' end, object.name);
  end loop;
end $$`;

/**
 * What the app may know of rows that it does not see, and no more than that: these run as the owner, and look for tables
 * in our schema first, since anybody may make temporary ones with triggers.
 *
 * A token says whose it is, and until it has, there is no tenant to look in. And who has lost a username is told which
 * other channel has it now, as Telegram would tell anybody.
 */
const LOOK_UPS = [
  `create function holder_of_lost_name(lost_by int8, name text) returns table (id int8, title text)
    language sql stable security definer set search_path = SCHEMA, pg_temp as $$
      select c.id, c.title from channel_names n join channels c on c.id = n.channel_id
      where n.username = name and n.until is null and n.channel_id <> lost_by
        and exists (
          select from channel_names l join subscriptions s on s.channel_id = l.channel_id and s.name = l.username
          where l.channel_id = lost_by and l.username = name and l.until is not null)
      order by n.since desc limit 1 $$`,
  `create function find_api_token(hash bytea) returns table (id int8, tenant_id text)
    language sql security definer set search_path = SCHEMA, pg_temp as $$
      with used as (
        update api_tokens set last_used_at = now()
        where token_hash = hash and revoked_at is null
          and (last_used_at is null or last_used_at < now() - interval '1 minute'))
      select id, tenant_id from api_tokens where token_hash = hash and revoked_at is null $$`,
  `create function find_web_session(hash text)
    returns table (id int8, tenant_id text, user_id int8, telegram_id int8)
    language sql security definer set search_path = SCHEMA, pg_temp as $$
      with seen as (
        update user_sessions set last_seen_at = now()
        where auth_token = hash and last_seen_at < now() - interval '1 minute')
      select s.id, u.tenant_id, u.id, u.telegram_id from user_sessions s join users u on u.id = s.user_id
      where s.auth_token = hash $$`,
  `create function find_legacy_login(token text, hash text)
    returns table (id int8, tenant_id text, user_id int8, telegram_id int8)
    language sql security definer set search_path = SCHEMA, pg_temp as $$
      select null::int8, u.tenant_id, u.id, u.telegram_id from users u
      where u.auth_token = token and not exists (select from legacy_logouts l where l.auth_token = hash)
      limit 2 $$`,
  `create function log_out_web_session(hash text) returns boolean
    language sql security definer set search_path = SCHEMA, pg_temp as $$
      with gone as (delete from user_sessions where auth_token = hash returning 1)
      select exists (select from gone) $$`,
  `create function log_out_legacy(token text, hash text) returns boolean
    language sql security definer set search_path = SCHEMA, pg_temp as $$
      with refused as (
        insert into legacy_logouts (auth_token, tenant_id, user_id)
        select hash, u.tenant_id, u.id from users u where u.auth_token = token limit 1
        on conflict (auth_token) do nothing returning 1)
      select exists (select from refused) $$`,
];

/**
 * Everybody sees only their own, by PostgreSQL's word. Four roles: the owner (migrations), the app (one tenant a
 * transaction), the worker (all tenants, nothing of web logins) and the backup (reads everything).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  try {
    await sql.raw(MAKE_ROLES).execute(db);
    await sql.raw(GIVE_TO_OWNER).execute(db);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "42501")) throw error;
    throw new OperatorError(
      `this login may not make gramfleet's roles, or give them its tables (${error.message}): run deploy/postgres/roles.sql as a superuser, then migrate as whoever owns the tables`,
      { cause: error },
    );
  }
  await sql`set local role gramfleet_owner`.execute(db);
  for (const rights of RIGHTS) await protect(db, rights);
  await sql`create index channel_access_tenant on channel_access (channel_id, tenant_id)`.execute(db);
  await sql`grant select on user_posts to gramfleet_app, gramfleet_worker, gramfleet_backup`.execute(db);
  const { rows } = await sql<{ name: string }>`select quote_ident(current_schema()) as name`.execute(db);
  for (const lookUp of LOOK_UPS) {
    await sql.raw(lookUp.replace("SCHEMA", rows[0]?.name ?? "public")).execute(db);
    const name = /create function (\w+)\(([^)]*)\)/.exec(lookUp);
    const signature = `${name?.[1]}(${name?.[2]})`;
    await sql.raw(`revoke all on function ${signature} from public`).execute(db);
    const whom = lookUp.includes("holder_of_lost_name") ? "gramfleet_app, gramfleet_worker" : "gramfleet_app";
    await sql.raw(`grant execute on function ${signature} to ${whom}`).execute(db);
  }
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
