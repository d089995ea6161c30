import { type Kysely, sql } from "kysely";
import { protect } from "./protect.ts";

/** An API ID's life, what became of accounts by it, and what people have agreed to. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table api_ids
      add column first_seen_at timestamptz not null default now(),
      add column unconfigured_at timestamptz,
      add column draining_at timestamptz,
      add column retired_at timestamptz,
      add column refusals int4 not null default 0,
      add column probe_at timestamptz,
      add column probe_after_ms int8 not null default 60000,
      add column probe_token uuid,
      add column probe_session_id int8,
      add column probe_until timestamptz`.execute(db);
  await sql`update api_ids set probe_at = now(), refusals = 1 where out_of_service_at is not null`.execute(db);

  // Without references: how an API ID fares is known for longer than its people are.
  await sql`
    create table account_losses (
      session_id int8 not null,
      kind text not null check (kind in ('frozen', 'banned')),
      api_id int4 not null,
      own_api boolean not null,
      at timestamptz not null default now(),
      primary key (session_id, kind)
    )`.execute(db);
  await sql`create index account_losses_at on account_losses (at)`.execute(db);
  await protect(db, { table: "account_losses", worker: "select, insert, update, delete" });
  await sql`
    insert into account_losses (session_id, kind, api_id, own_api, at)
    select e.id, 'banned', e.api_id, e.own_api, e.state_changed_at from sessions e
    where e.state = 'STALE' and e.reason = 'banned'
    union all
    select e.id, 'frozen', e.api_id, e.own_api, e.state_changed_at from sessions e
    where 'frozen' = any(e.holds)`.execute(db);

  await sql`
    create table consent_texts (
      sha256 bytea primary key check (length(sha256) = 32),
      version text not null,
      language text not null,
      body text not null,
      first_shown_at timestamptz not null default now()
    )`.execute(db);
  await protect(db, { table: "consent_texts", app: "select, insert", worker: "select, insert" });
  await sql`
    create table consents (
      id int8 generated always as identity primary key,
      tenant_id text not null references tenants(id),
      user_id int8 not null references users(id) on delete cascade,
      text_sha256 bytea not null references consent_texts(sha256),
      via text not null check (via in ('page', 'bot', 'api', 'cli')),
      at timestamptz not null default now()
    )`.execute(db);
  await sql`create index consents_user on consents (user_id, id)`.execute(db);
  await protect(db, { table: "consents", tenantOwned: true, app: "select, insert", worker: "select, insert" });
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
