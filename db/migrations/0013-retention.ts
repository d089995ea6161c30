import { type Kysely, sql } from "kysely";
import { protect } from "./protect.ts";

/**
 * What is kept for how long: sessions that are to be logged out, when each was last used, how far back messages are
 * kept, daily sums of what is old, people who asked to be erased, and when each kind of maintenance last succeeded.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table session_revocations (
      session_id bigint primary key references sessions on delete cascade,
      tenant_id text not null references tenants,
      reason text not null check (reason in ('asked', 'idle')),
      asked_at timestamptz not null default now(),
      enqueued_at timestamptz
    )`.execute(db);
  await protect(db, {
    table: "session_revocations",
    tenantOwned: true,
    app: "select, insert, delete",
    worker: "select, insert, update, delete",
  });

  await sql`alter table sessions add column used_at timestamptz not null default now()`.execute(db);
  await sql`grant select (used_at), update (used_at) on sessions to gramfleet_app`.execute(db);
  await sql`create index sessions_unused on sessions (used_at) where state in ('AUTHORIZED', 'STALE')`.execute(db);
  await sql`drop index session_events_untold`.execute(db);
  await sql`
    create index session_events_untold on session_events (id) where told_at is null and (to_state = 'STALE'
      or (to_state = 'AUTHORIZED' and (reason like 'logged in%' or reason = 'idle soon'))
      or (to_state = 'ABSENT' and reason in ('expired', 'abandoned', 'wrong account'))
      or (to_state = 'REVOKED' and reason like 'idle%'))`.execute(db);
  await sql`create index session_events_at on session_events (at)`.execute(db);

  // Null: for ever.
  await sql`alter table tenants add column messages_kept_days integer check (messages_kept_days > 0)`.execute(db);
  // Below kept_from nothing is stored, and nothing missing: it has been let go by the policy that kept_days says.
  await sql`
    alter table channels add column kept_from integer, add column kept_days integer,
      add column kept_checked_at timestamptz, add column unfollowed_since timestamptz`.execute(db);
  await sql`create index channels_kept on channels (id) where kept_from is not null`.execute(db);
  await sql`create index channels_unfollowed on channels (unfollowed_since) where unfollowed_since is not null`.execute(
    db,
  );

  await sql`
    create table runs_daily (
      tenant_id text not null references tenants,
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
      primary key (tenant_id, day, plan)
    )`.execute(db);
  await sql`
    create table session_events_daily (
      tenant_id text not null references tenants,
      day date not null,
      from_state text not null,
      to_state text not null,
      reason text not null,
      events integer not null,
      primary key (tenant_id, day, from_state, to_state, reason)
    )`.execute(db);
  for (const table of ["runs_daily", "session_events_daily"])
    await protect(db, { table, tenantOwned: true, app: "select", worker: "select, insert, update" });

  await sql`
    create table erasures (
      user_id bigint primary key references users on delete cascade,
      tenant_id text not null references tenants,
      asked_at timestamptz not null default now()
    )`.execute(db);
  await protect(db, { table: "erasures", tenantOwned: true, app: "select, insert", worker: "select" });

  await sql`
    create table maintenance_tasks (
      task text primary key,
      created_at timestamptz not null default now(),
      began_at timestamptz not null default now(),
      succeeded_at timestamptz
    )`.execute(db);
  await protect(db, { table: "maintenance_tasks", worker: "select, insert, update" });
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
