import { type Kysely, sql } from "kysely";

/** Who may call over HTTP: web logins, API tokens, requests that count once; and invites. Secrets are hashes only. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // auth_token: of an earlier system, in plain. Accepted where no web login matches; never written or cleared by us.
  await sql`alter table users add column auth_token text`.execute(db);
  await sql`create index idx_user_auth_token on users (auth_token) where auth_token is not null`.execute(db);

  // A browser's login each; auth_token is the SHA-256 of the token, in hexadecimal.
  await sql`
    create table user_sessions (
      id bigint generated always as identity primary key,
      tenant_id text not null default 'default' references tenants,
      user_id bigint not null references users on delete cascade,
      auth_token text not null check (auth_token ~ '^[0-9a-f]{64}$'),
      created_at timestamptz not null default now(),
      last_seen_at timestamptz not null default now()
    )`.execute(db);
  await sql`create unique index idx_user_session_auth_token on user_sessions (auth_token)`.execute(db);
  await sql`create index idx_user_session_user_id on user_sessions (user_id)`.execute(db);

  // Tokens of the earlier system that have logged out, as SHA-256: they stay where they are, and count no more.
  await sql`
    create table legacy_logouts (
      auth_token text primary key check (auth_token ~ '^[0-9a-f]{64}$'),
      tenant_id text not null references tenants,
      user_id bigint not null references users on delete cascade,
      logged_out_at timestamptz not null default now()
    )`.execute(db);
  await sql`create index legacy_logouts_user on legacy_logouts (user_id)`.execute(db);

  await sql`
    create table api_tokens (
      id bigint generated always as identity primary key,
      tenant_id text not null references tenants,
      name text not null,
      token_hash bytea not null unique,
      created_at timestamptz not null default now(),
      last_used_at timestamptz,
      revoked_at timestamptz
    )`.execute(db);

  // Kept until the timestamp that was signed is too old anyhow.
  await sql`
    create table accepted_signatures (
      digest bytea primary key,
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index accepted_signatures_expiry on accepted_signatures (expires_at)`.execute(db);

  await sql`
    create table invites (
      id bigint generated always as identity primary key,
      tenant_id text not null references tenants,
      code_hash bytea not null,
      note text,
      plan text not null check (plan in ('free', 'trial', 'premium')),
      days integer not null check (days > 0),
      max_uses integer not null check (max_uses > 0),
      uses integer not null default 0 check (uses between 0 and max_uses),
      expires_at timestamptz,
      revoked_at timestamptz,
      created_at timestamptz not null default now(),
      unique (tenant_id, code_hash)
    )`.execute(db);
  // begun_at: when the plan started. Null while the user's login is still to come.
  await sql`
    create table invite_redemptions (
      invite_id bigint not null references invites,
      user_id bigint not null references users on delete cascade,
      tenant_id text not null references tenants,
      redeemed_at timestamptz not null default now(),
      begun_at timestamptz,
      primary key (invite_id, user_id)
    )`.execute(db);
  await sql`create index invite_redemptions_user on invite_redemptions (user_id)`.execute(db);
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
