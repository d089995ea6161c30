import { sql } from "kysely";
import type { FleetTx, TenantTx, Tx, WorkerTx } from "./database.ts";
import { SESSION_STATES, type SessionHold, type SessionState } from "./schema.ts";
import { INFO, NO_KEY, SEALED, type SealedSession, type SessionInfo, toInfo, toSealed } from "./session-row.ts";
import { ofTenant } from "./tenant.ts";

export type { SealedSession, SessionInfo } from "./session-row.ts";
export { noteEvent, sessionEvents, setHold, transition } from "./session-transitions.ts";

/** A session that is already AUTHORIZED where it comes from (planted, imported). */
export interface NewSession {
  readonly tenantId: string;
  readonly userId: bigint;
  readonly telegramId: bigint;
  readonly appId?: string;
  readonly apiId: number;
  readonly ownApi: boolean;
}

/**
 * Makes the row in state ABSENT or finds it; (tenant, app) is its key, app `user_<telegram_id>` unless given.
 * Its api_id never changes once sealed: a row with a key comes back with the api_id that it has.
 */
export async function ensureSession(tx: FleetTx, session: NewSession): Promise<SessionInfo> {
  const row = await tx
    .insertInto("sessions")
    .values({
      tenant_id: session.tenantId,
      user_id: session.userId,
      app_id: session.appId ?? `user_${session.telegramId}`,
      telegram_id: session.telegramId,
      api_id: session.apiId,
      own_api: session.ownApi,
      state: "ABSENT",
    })
    .onConflict((conflict) =>
      conflict.columns(["tenant_id", "app_id"]).doUpdateSet({
        api_id: sql`case when sessions.ciphertext is null then excluded.api_id else sessions.api_id end`,
        own_api: sql`case when sessions.ciphertext is null then excluded.own_api else sessions.own_api end`,
      }),
    )
    .returning(INFO)
    .executeTakeFirstOrThrow();
  return toInfo(row);
}

export async function loadSession(tx: Tx, sessionId: bigint): Promise<SessionInfo | null> {
  const row = await tx
    .selectFrom("sessions")
    .select(INFO)
    .where("id", "=", sessionId)
    .where(ofTenant("tenant_id"))
    .executeTakeFirst();
  return row ? toInfo(row) : null;
}

/** The session that a user's parses use: AUTHORIZED first, else the newest. */
export async function sessionOfUser(tx: Tx, userId: bigint): Promise<SessionInfo | null> {
  const row = await tx
    .selectFrom("sessions")
    .select(INFO)
    .where("user_id", "=", userId)
    .where(ofTenant("tenant_id"))
    .orderBy(sql`state = 'AUTHORIZED' desc`)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row ? toInfo(row) : null;
}

/** Sessions that are somebody's. */
export async function listSessions(tx: TenantTx): Promise<SessionInfo[]> {
  const rows = await tx
    .selectFrom("sessions")
    .select(INFO)
    .where(ofTenant("tenant_id"))
    .where("user_id", "is not", null)
    .orderBy("id")
    .execute();
  return rows.map(toInfo);
}

/** Reads the sealed secret; null where there is none. */
export async function loadSealed(tx: WorkerTx, sessionId: bigint): Promise<SealedSession | null> {
  const row = await tx.selectFrom("sessions").select(SEALED).where("id", "=", sessionId).executeTakeFirst();
  return row ? toSealed(row) : null;
}

/**
 * Stores the sealed secret. `expected` (a fingerprint) makes it a compare-and-set: false where another key is stored.
 * False too where there is no such session.
 */
export async function saveSealed(
  tx: FleetTx,
  sessionId: bigint,
  sealed: SealedSession,
  expected?: Buffer,
): Promise<boolean> {
  const saved = await tx
    .updateTable("sessions")
    .set({
      ciphertext: sealed.ciphertext,
      wrapped_key: sealed.wrappedKey,
      key_id: sealed.keyId,
      fingerprint: sealed.fingerprint,
      fingerprint_size: sealed.fingerprintSize,
      saved_at: sql<Date>`now()`,
    })
    .where("id", "=", sessionId)
    .$if(expected !== undefined, (query) => query.where("fingerprint", "=", expected ?? null))
    .executeTakeFirst();
  return saved.numUpdatedRows > 0n;
}

/**
 * Pins a session in which a login begins to an API ID, one of ours or an own one, whose key this one becomes; the key that
 * it had goes. False where no login is under way: an api_id never changes for a key.
 */
export async function pinForLogin(
  tx: WorkerTx,
  sessionId: bigint,
  api: { readonly apiId: number; readonly ownApiId: string | null },
): Promise<boolean> {
  const pinned = await tx
    .updateTable("sessions")
    .set({ api_id: api.apiId, own_api: api.ownApiId !== null, own_api_ref: api.ownApiId, ...NO_KEY })
    .where("id", "=", sessionId)
    .where("state", "in", ["PENDING_CODE", "PENDING_QR"])
    .executeTakeFirst();
  return pinned.numUpdatedRows > 0n;
}

export async function noteSessionUse(tx: WorkerTx, sessionId: bigint): Promise<void> {
  await sql`update sessions set used_at = now() where id = ${sessionId}`.execute(tx);
}

/** Their person has come: what sessions they have are used, to the day. */
export async function noteVisit(tx: TenantTx, userId: bigint): Promise<void> {
  await sql`
    update sessions set used_at = now()
    where user_id = ${userId} and used_at < now() - interval '1 day' and ${ofTenant("tenant_id")}`.execute(tx);
}

/** How many sessions are in each state, of all tenants; 0 for a state that none is in. */
export async function countByState(tx: WorkerTx): Promise<ReadonlyMap<SessionState, number>> {
  const rows = await tx
    .selectFrom("sessions")
    .select(["state", sql<number>`count(*)::int`.as("count")])
    .groupBy("state")
    .execute();
  const counted = new Map(rows.map(({ state, count }) => [state, count]));
  return new Map(SESSION_STATES.map((state) => [state, counted.get(state) ?? 0]));
}

/** How many AUTHORIZED sessions each hold keeps from being used, of all tenants. */
export async function countByHold(tx: WorkerTx): Promise<ReadonlyMap<SessionHold, number>> {
  const { rows } = await sql<{ hold: SessionHold; count: number }>`
    select hold, count(*)::int as count from sessions cross join unnest(holds) as hold
    where state = 'AUTHORIZED' and holds <> '{}' group by hold`.execute(tx);
  return new Map(rows.map(({ hold, count }) => [hold, count]));
}

/** Usable sessions (AUTHORIZED, without a hold) by api_id, for sharding and the live view. */
export async function countByApiId(tx: Tx): Promise<Map<number, number>> {
  const { rows } = await sql<{ api_id: number; count: number }>`
    select api_id, count(*)::int as count from sessions
    where state = 'AUTHORIZED' and holds = '{}' and ${ofTenant("tenant_id")}
    group by api_id order by api_id`.execute(tx);
  return new Map(rows.map((row) => [row.api_id, row.count]));
}
