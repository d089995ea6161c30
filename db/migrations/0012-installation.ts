import { type Kysely, sql } from "kysely";
import { protect } from "./protect.ts";

/**
 * Which database this is, and that nobody else works with its sessions; the backups that were made. The row comes with
 * the first process that may open sessions: a database that was only migrated may still be a template for others.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table installation (
      one boolean primary key default true check (one),
      id uuid not null,
      system_identifier text,
      database_oid bigint not null,
      install_id text,
      counter bigint not null default 0,
      nonce uuid not null,
      raised_at timestamptz not null default now(),
      begun_at timestamptz not null default now(),
      retiring_at timestamptz,
      retired_at timestamptz
    ) with (fillfactor = 50)`.execute(db);
  await protect(db, { table: "installation", app: "select", worker: "select, insert, update" });

  await sql`
    create table session_backups (
      id bigint generated always as identity primary key,
      began_at timestamptz not null default now(),
      ended_at timestamptz,
      outcome text not null default 'running' check (outcome in ('running', 'done', 'failed')),
      host text not null,
      file text,
      sessions integer,
      bytes bigint,
      error text
    )`.execute(db);
  await protect(db, { table: "session_backups", worker: "select, insert, update, delete" });
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
