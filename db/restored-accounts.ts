import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { AccountToArchive } from "./archived-accounts.ts";
import type { OwnerTx } from "./database.ts";
import { refreshQueue } from "./schedule-queue.ts";
import type { SessionHold, SessionState } from "./schema.ts";
import type { SealedSession } from "./session-row.ts";
import { NO_KEY } from "./session-row.ts";

type User = AccountToArchive["user"];

/** A tenant that is there stays as it is. */
export async function restoreTenant(tx: OwnerTx, { id, name }: AccountToArchive["tenant"]): Promise<void> {
  await sql`insert into tenants (id, name) values (${id}, ${name}) on conflict do nothing`.execute(tx);
}

/** A user that is there stays as they are: what they have become since is newer. */
export async function restoreUser(
  tx: OwnerTx,
  account: Pick<AccountToArchive, "tenant" | "user">,
): Promise<{ userId: bigint; added: boolean }> {
  const { tenant, user } = account;
  const { rows } = await sql<{ id: bigint }>`
    insert into users (tenant_id, telegram_id, plan, paid_until, trial_expires_at, paused, language, time_zone,
      consented_at, created_at, own_api_ref)
    values (${tenant.id}, ${user.telegramId}, ${user.plan}, ${user.paidUntil}, ${user.trialExpiresAt}, ${user.paused},
      ${user.language}, ${user.timeZone}, ${user.consentedAt}, ${user.createdAt}, ${user.ownApiRef})
    on conflict (tenant_id, telegram_id) do nothing
    returning id`.execute(tx);
  const added = rows[0];
  if (added) {
    await refreshQueue(tx, added.id);
    return { userId: added.id, added: true };
  }
  const { rows: there } = await sql<{ id: bigint }>`
    select id from users where tenant_id = ${tenant.id} and telegram_id = ${user.telegramId}`.execute(tx);
  return { userId: there[0]!.id, added: false };
}

/** Names that a user follows; those that they follow already stay as they are. */
export async function restoreSubscriptions(
  tx: OwnerTx,
  who: { readonly tenantId: string; readonly userId: bigint },
  names: readonly string[],
): Promise<void> {
  await sql`
    insert into subscriptions (tenant_id, user_id, name)
    select ${who.tenantId}, ${who.userId}::int8, name from unnest(${[...names]}::text[]) with ordinality as n(name, at)
    order by at on conflict (user_id, name) do nothing`.execute(tx);
}

/** What somebody who was not here has agreed to, with the texts. */
export async function restoreConsents(
  tx: OwnerTx,
  who: { readonly tenantId: string; readonly userId: bigint },
  consents: AccountToArchive["consents"],
): Promise<void> {
  for (const { version, language, text, via, at } of consents) {
    const sha256 = createHash("sha256").update(text).digest();
    await sql`
      insert into consent_texts (sha256, version, language, body) values (${sha256}, ${version}, ${language}, ${text})
      on conflict (sha256) do nothing`.execute(tx);
    await sql`
      insert into consents (tenant_id, user_id, text_sha256, via, at)
      values (${who.tenantId}, ${who.userId}, ${sha256}, ${via}, ${at})`.execute(tx);
  }
}

/** A pair that is there is the same one. */
export async function restoreOwnApiId(
  tx: OwnerTx,
  pair: { readonly id: string; readonly tenantId: string; readonly apiId: number; readonly sealed: SealedSession },
): Promise<void> {
  const { ciphertext, wrappedKey, keyId, fingerprint, fingerprintSize } = pair.sealed;
  await sql`
    insert into own_api_ids (id, tenant_id, api_id, ciphertext, wrapped_key, key_id, fingerprint, fingerprint_size)
    values (${pair.id}, ${pair.tenantId}, ${pair.apiId}, ${ciphertext}, ${wrappedKey}, ${keyId}, ${fingerprint},
      ${fingerprintSize})
    on conflict (id) do nothing`.execute(tx);
}

/** What Telegram asked to wait is waited, whichever database it was written to. Never shortened. */
export async function restoreWaits(
  tx: OwnerTx,
  telegramId: User["telegramId"],
  waits: AccountToArchive["waits"],
): Promise<void> {
  for (const { method, chatId, until, processUntil, seconds } of waits)
    await sql`
      insert into waits as w (telegram_id, method, chat_id, until, process_until, seconds)
      values (${telegramId}, ${method}, ${chatId}, ${until}, ${processUntil}, ${seconds})
      on conflict (telegram_id, method, chat_id) do update set until = greatest(w.until, excluded.until),
        process_until = greatest(w.process_until, excluded.process_until), seconds = greatest(w.seconds, excluded.seconds)
    `.execute(tx);
}

/** What there is where a session is to be restored. */
export interface SessionThere {
  readonly id: bigint;
  readonly userId: bigint | null;
  readonly telegramId: bigint;
  readonly state: SessionState;
  readonly holds: readonly SessionHold[];
  readonly fingerprint: Buffer | null;
  readonly savedAt: Date | null;
  readonly stateChangedAt: Date;
  readonly leased: boolean;
}

/** Locked until the transaction ends. */
export async function sessionThere(
  tx: OwnerTx,
  { tenantId, appId }: { tenantId: string; appId: string },
): Promise<SessionThere | null> {
  const { rows } = await sql<SessionThere>`
    select id, user_id as "userId", telegram_id as "telegramId", state, holds, fingerprint, saved_at as "savedAt",
      state_changed_at as "stateChangedAt", exists (select from leases l where l.session_id = e.id) as leased
    from sessions e where tenant_id = ${tenantId} and app_id = ${appId} for no key update`.execute(tx);
  return rows[0] ?? null;
}

/** Whether an account has a usable session other than this one, of whichever tenant. */
export async function hasOtherSession(tx: OwnerTx, telegramId: bigint, than: bigint | null): Promise<boolean> {
  const { rows } = await sql`
    select from sessions where telegram_id = ${telegramId} and state = 'AUTHORIZED' and id is distinct from ${than}::int8
  `.execute(tx);
  return rows.length > 0;
}

/** The key that it had goes, and which API ID it was made with. The next one was saved when it was, and not now. */
export async function replaceKey(
  tx: OwnerTx,
  sessionId: bigint,
  key: {
    readonly apiId: number;
    readonly ownApi: boolean;
    readonly ownApiRef: string | null;
    readonly savedAt: Date | null;
    readonly sealed: SealedSession;
    readonly holds: readonly SessionHold[];
  },
): Promise<void> {
  const { ciphertext, wrappedKey, keyId, fingerprint, fingerprintSize } = key.sealed;
  const row = await tx
    .updateTable("sessions")
    .set({
      ...NO_KEY,
      ...{ api_id: key.apiId, own_api: key.ownApi, own_api_ref: key.ownApiRef, saved_at: key.savedAt },
      ...{ ciphertext, wrapped_key: wrappedKey, key_id: keyId, fingerprint, fingerprint_size: fingerprintSize },
      holds: [...key.holds],
    })
    .where("id", "=", sessionId)
    .returning("user_id")
    .executeTakeFirstOrThrow();
  await refreshQueue(tx, row.user_id);
}
