import { sql } from "kysely";
import type { BackupTx } from "./database.ts";
import type { SessionHold } from "./schema.ts";
import type { SealedSession } from "./session-row.ts";

/** A user with what their sessions need to be used again elsewhere: the sessions sealed, as they are. */
export interface AccountToArchive {
  readonly tenant: { readonly id: string; readonly name: string };
  readonly user: {
    readonly telegramId: bigint;
    readonly plan: "free" | "premium";
    readonly paidUntil: Date | null;
    readonly trialExpiresAt: Date | null;
    readonly paused: boolean;
    readonly language: string;
    readonly timeZone: string;
    readonly consentedAt: Date | null;
    readonly createdAt: Date;
    readonly ownApiRef: string | null;
  };
  readonly sessions: readonly {
    readonly id: bigint;
    readonly appId: string;
    readonly telegramId: bigint;
    readonly apiId: number;
    readonly ownApi: boolean;
    readonly ownApiRef: string | null;
    readonly holds: readonly SessionHold[];
    readonly savedAt: Date | null;
    readonly stateChangedAt: Date;
    readonly sealed: SealedSession;
  }[];
  readonly ownApiIds: readonly { readonly id: string; readonly apiId: number; readonly sealed: SealedSession }[];
  readonly subscriptions: readonly string[];
  /** What they agreed to, when, and the text itself; the oldest first. */
  readonly consents: readonly {
    readonly version: string;
    readonly language: string;
    readonly text: string;
    readonly via: "page" | "bot" | "api" | "cli";
    readonly at: Date;
  }[];
  readonly waits: readonly {
    readonly method: string;
    readonly chatId: bigint;
    readonly until: Date;
    readonly processUntil: Date;
    readonly seconds: number;
  }[];
}

/**
 * The next users, by id, who have a session, with their AUTHORIZED sessions: the key of one that has ended is worth
 * nothing, and its user only logs in again. Nobody who has asked to be erased, and no session that is being revoked.
 *
 * @param after what the last call gave; 0 to begin
 * @param only of one session's user, with that session
 * @returns `next` null where nobody is left
 */
export async function accountsToArchive(
  tx: BackupTx,
  { after, limit, only }: { after: bigint; limit: number; only: { tenantId: string; appId: string } | null },
): Promise<{ readonly accounts: AccountToArchive[]; readonly next: bigint | null }> {
  const wanted = only ? sql`and e.tenant_id = ${only.tenantId} and e.app_id = ${only.appId}` : sql``;
  const { rows: owners } = await sql<{ id: bigint }>`
    select distinct e.user_id as id from sessions e
    where e.user_id > ${after} and e.state in ('AUTHORIZED', 'STALE') ${wanted} order by e.user_id limit ${limit}
  `.execute(tx);
  const ids = owners.map(({ id }) => id);
  const { rows: users } = await sql<AccountToArchive["user"] & { id: bigint; tenantId: string; tenantName: string }>`
    select u.id, t.id as "tenantId", t.name as "tenantName", u.telegram_id as "telegramId", u.plan,
      u.paid_until as "paidUntil", u.trial_expires_at as "trialExpiresAt", u.paused, u.language,
      u.time_zone as "timeZone", u.consented_at as "consentedAt", u.created_at as "createdAt",
      u.own_api_ref as "ownApiRef"
    from users u join tenants t on t.id = u.tenant_id
    where u.id = any(${ids}::int8[]) and not exists (select from erasures x where x.user_id = u.id)`.execute(tx);
  const { rows: sessions } = await sql<SessionRow>`
    select e.user_id as "userId", e.id, e.app_id as "appId", e.telegram_id as "telegramId", e.api_id as "apiId",
      e.own_api as "ownApi", e.own_api_ref as "ownApiRef", e.holds, e.saved_at as "savedAt",
      e.state_changed_at as "stateChangedAt", ${sealedOf("e")}
    from sessions e
    where e.user_id = any(${ids}::int8[]) and e.state = 'AUTHORIZED' and e.ciphertext is not null
      and not 'revoking' = any(e.holds) ${wanted}`.execute(tx);
  const { rows: pairs } = await sql<PairRow>`
    select p.user_id as "userId", o.id, o.api_id as "apiId", ${sealedOf("o")}
    from (
      select id as user_id, own_api_ref from users where id = any(${ids}::int8[])
      union select user_id, own_api_ref from sessions where user_id = any(${ids}::int8[])
    ) p join own_api_ids o on o.id = p.own_api_ref`.execute(tx);
  const { rows: subscriptions } = await sql<{ userId: bigint; id: bigint; name: string }>`
    select user_id as "userId", id, name from subscriptions where user_id = any(${ids}::int8[])`.execute(tx);
  const { rows: consents } = await sql<AccountToArchive["consents"][number] & { userId: bigint; id: bigint }>`
    select c.user_id as "userId", c.id, t.version, t.language, t.body as text, c.via, c.at
    from consents c join consent_texts t on t.sha256 = c.text_sha256
    where c.user_id = any(${ids}::int8[])`.execute(tx);
  const { rows: waits } = await sql<AccountToArchive["waits"][number] & { telegramId: bigint }>`
    select telegram_id as "telegramId", method, chat_id as "chatId", until, process_until as "processUntil", seconds
    from waits where telegram_id = any(${users.map(({ telegramId }) => telegramId)}::int8[])
      and until > clock_timestamp()`.execute(tx);
  const accounts = users.map(({ id: userId, tenantId, tenantName, ...user }) => {
    const theirs = <T extends { readonly userId: bigint }>(rows: readonly T[]) =>
      rows.filter((row) => row.userId === userId).map(({ userId: _, ...row }) => row);
    return {
      tenant: { id: tenantId, name: tenantName },
      user,
      sessions: byId(theirs(sessions)).map(withSeal),
      ownApiIds: theirs(pairs).map(withSeal),
      subscriptions: byId(theirs(subscriptions)).map(({ name }) => name),
      consents: byId(theirs(consents)).map(({ id: _, ...consent }) => consent),
      waits: waits.filter(({ telegramId }) => telegramId === user.telegramId).map(({ telegramId: _, ...wait }) => wait),
    };
  });
  return { accounts, next: ids.at(-1) ?? null };
}

/** Not in the statement: an order by id makes PostgreSQL read the whole table for a few users. */
const byId = <T extends { readonly id: bigint }>(rows: readonly T[]): T[] =>
  rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));

type Of<T> = Omit<T, "sealed"> & SealedSession & { readonly userId: bigint };
type SessionRow = Of<AccountToArchive["sessions"][number]>;
type PairRow = Of<AccountToArchive["ownApiIds"][number]>;

const sealedOf = (table: string) =>
  sql.raw(`${table}.ciphertext, ${table}.wrapped_key as "wrappedKey", ${table}.key_id as "keyId", ${table}.fingerprint,
    ${table}.fingerprint_size as "fingerprintSize"`);

function withSeal<T extends SealedSession>(row: T): Omit<T, keyof SealedSession> & { sealed: SealedSession } {
  const { ciphertext, wrappedKey, keyId, fingerprint, fingerprintSize, ...rest } = row;
  return { ...rest, sealed: { ciphertext, wrappedKey, keyId, fingerprint, fingerprintSize } };
}
