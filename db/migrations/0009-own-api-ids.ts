import { type Kysely, sql } from "kysely";

/**
 * People's own API IDs, their hashes sealed; accounts that a tenant's program logs in by phone. A session that a login by
 * code has begun may be nobody's, as one that a login by QR code has begun.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table own_api_ids (
      id uuid primary key,
      tenant_id text not null references tenants,
      api_id integer not null check (api_id > 0),
      ciphertext bytea not null,
      wrapped_key bytea not null,
      key_id text not null,
      fingerprint bytea not null,
      fingerprint_size integer not null,
      created_at timestamptz not null default now()
    )`.execute(db);
  // What a user's next login goes by, and what a session's key was made with.
  await sql`alter table users add column own_api_ref uuid references own_api_ids on delete set null`.execute(db);
  await sql`alter table sessions add column own_api_ref uuid references own_api_ids on delete set null`.execute(db);
  for (const table of ["users", "sessions"])
    await sql`
      create index ${sql.raw(table)}_own_api on ${sql.table(table)} (own_api_ref) where own_api_ref is not null`.execute(
      db,
    );
  await sql`
    alter table sessions drop constraint sessions_owner, add constraint sessions_owner check (
      (user_id is null) = (telegram_id = 0)
      and (user_id is not null or state in ('ABSENT', 'PENDING_QR', 'PENDING_CODE', 'PENDING_PASSWORD')))`.execute(db);

  await sql`
    create table telegram_accounts (
      id bigint generated always as identity primary key,
      tenant_id text not null references tenants,
      phone text not null check (phone ~ '^[0-9]{5,15}$'),
      own_api_ref uuid references own_api_ids on delete set null,
      user_id bigint references users on delete set null,
      created_at timestamptz not null default now(),
      unique (tenant_id, phone)
    )`.execute(db);
  await sql`create index telegram_accounts_user on telegram_accounts (user_id)`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
