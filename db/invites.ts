import { randomBytes } from "node:crypto";
import { type Selectable, sql } from "kysely";
import type { TenantTx, Tx } from "./database.ts";
import type { Schema } from "./schema.ts";
import { sha256 } from "./secret-tokens.ts";
import { ofTenant } from "./tenant.ts";

export type InvitePlan = "free" | "trial" | "premium";

/** An invite. Its code is nowhere but with those who have it: the hash is kept. */
export interface Invite {
  readonly id: bigint;
  readonly tenantId: string;
  readonly note: string | null;
  readonly plan: InvitePlan;
  /** How long the plan lasts once it has begun. */
  readonly days: number;
  readonly maxUses: number;
  readonly uses: number;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly createdAt: Date;
}

/** Why a code opens nothing. */
export type InviteRefusal = "unknown" | "revoked" | "expired" | "used_up";

/** RFC 4648, without what is taken for something else: none of 0, 1, 8, 9. */
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** 16 signs of 5 bits: 80. */
const SIGNS = 16;

/** A code that nobody guesses: 16 signs of base32. */
export const newInviteCode = (): string =>
  Array.from(randomBytes(SIGNS), (byte) => BASE32[byte % BASE32.length]).join("");

/** False where the tenant has an invite of this code already. */
export async function createInvite(
  tx: TenantTx,
  given: {
    tenantId: string;
    code: string;
    plan: InvitePlan;
    days: number;
    maxUses: number;
    expiresAt: Date | null;
    note: string | null;
  },
): Promise<Invite | null> {
  const row = await tx
    .insertInto("invites")
    .values({
      tenant_id: given.tenantId,
      code_hash: sha256(given.code),
      note: given.note,
      plan: given.plan,
      days: given.days,
      max_uses: given.maxUses,
      expires_at: given.expiresAt,
    })
    .onConflict((conflict) => conflict.columns(["tenant_id", "code_hash"]).doNothing())
    .returningAll()
    .executeTakeFirst();
  return row ? toInvite(row) : null;
}

/** In the order in which they were made; those that open nothing any more too. */
export async function listInvites(tx: TenantTx): Promise<Invite[]> {
  const rows = await tx.selectFrom("invites").selectAll().where(ofTenant("tenant_id")).orderBy("id").execute();
  return rows.map(toInvite);
}

/** By its id or its code. False where there is none, or it is revoked already. Plans that have begun go on. */
export async function revokeInvite(tx: TenantTx, which: { id: bigint } | { code: string }): Promise<boolean> {
  const query = tx
    .updateTable("invites")
    .set({ revoked_at: sql<Date>`now()` })
    .where("revoked_at", "is", null)
    .where(ofTenant("tenant_id"));
  const revoked = await ("id" in which
    ? query.where("id", "=", which.id)
    : query.where("code_hash", "=", sha256(which.code))
  ).executeTakeFirst();
  return revoked.numUpdatedRows > 0n;
}

/**
 * Why the code opens nothing for this user, or for somebody new; null where it opens something now. Locks nothing: a
 * crowd that comes too late is sent away without standing in line.
 */
export function inviteRefusal(
  tx: TenantTx,
  who: { tenantId: string; userId: bigint | null },
  code: string,
): Promise<InviteRefusal | null> {
  return judge(tx, who, code).then(({ refused }) => refused);
}

/**
 * Takes one use of the code for this user, under the invite's row lock: however many ask at once, no more get one than
 * there are uses. Whoever has one already is given no second, and told nothing else. The code is matched as it is.
 *
 * The plan begins with the login ({@link beginRedeemedPlans}); at once where the user is logged in.
 */
export async function redeemInvite(
  tx: TenantTx,
  who: { tenantId: string; userId: bigint },
  code: string,
): Promise<{ refused: InviteRefusal | null }> {
  const early = await inviteRefusal(tx, who, code);
  if (early) return { refused: early };
  await lockUser(tx, who.userId);
  await sql`
    select from invites where tenant_id = ${who.tenantId} and code_hash = ${sha256(code)} for update`.execute(tx);
  // What was true before the lock may be so no longer: another statement, another look.
  const { refused, invite, mine } = await judge(tx, who, code);
  if (refused || mine || !invite) return { refused };
  await sql`update invites set uses = uses + 1 where id = ${invite}`.execute(tx);
  await tx
    .insertInto("invite_redemptions")
    .values({ invite_id: invite, user_id: who.userId, tenant_id: who.tenantId })
    .execute();
  const loggedIn = await tx
    .selectFrom("sessions")
    .select("id")
    .where("user_id", "=", who.userId)
    .where("state", "=", "AUTHORIZED")
    .executeTakeFirst();
  if (loggedIn) await beginRedeemedPlans(tx, who.userId);
  return { refused: null };
}

/** Whoever has a use is refused nothing, whatever became of the invite since. */
async function judge(
  tx: TenantTx,
  who: { tenantId: string; userId: bigint | null },
  code: string,
): Promise<{ refused: InviteRefusal | null; invite: bigint | null; mine: boolean }> {
  const { rows } = await sql<{ id: bigint; mine: boolean; refused: InviteRefusal | null }>`
    select i.id, r.user_id is not null as mine,
      case when r.user_id is not null then null
        when i.revoked_at is not null then 'revoked'
        when i.expires_at <= now() then 'expired'
        when i.uses >= i.max_uses then 'used_up' end as refused
    from invites i
    left join invite_redemptions r on r.invite_id = i.id and r.user_id = ${who.userId}::int8
    where i.tenant_id = ${who.tenantId} and i.code_hash = ${sha256(code)}`.execute(tx);
  const found = rows[0];
  return found
    ? { refused: found.refused, invite: found.id, mine: found.mine }
    : { refused: "unknown", invite: null, mine: false };
}

/**
 * The user's login is complete: what was redeemed and has not begun begins now, each once. Days are added to those of
 * a plan that still runs.
 */
export async function beginRedeemedPlans(tx: Tx, userId: bigint): Promise<void> {
  await lockUser(tx, userId);
  await sql`
    with begun as (
      update invite_redemptions r set begun_at = now()
      from invites i
      where r.user_id = ${userId} and r.begun_at is null and i.id = r.invite_id
      returning i.plan, i.days
    ), days as (
      select coalesce(sum(days) filter (where plan = 'premium'), 0)::int as premium,
        coalesce(sum(days) filter (where plan = 'trial'), 0)::int as trial
      from begun
    )
    update users u set
      plan = case when days.premium > 0 then 'premium' else u.plan end,
      paid_until = case when days.premium > 0
        then greatest(case when u.plan = 'premium' then u.paid_until end, now()) + make_interval(days => days.premium)
        else u.paid_until end,
      trial_expires_at = case when days.trial > 0
        then greatest(u.trial_expires_at, now()) + make_interval(days => days.trial)
        else u.trial_expires_at end
    from days
    where u.id = ${userId} and (days.premium > 0 or days.trial > 0)`.execute(tx);
}

/** A login that completes while its user redeems a code: each must see the other's work, or the plan never begins. */
async function lockUser(tx: Tx, userId: bigint): Promise<void> {
  await sql`select from users where id = ${userId} for no key update`.execute(tx);
}

function toInvite(row: Selectable<Schema["invites"]>): Invite {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    note: row.note,
    plan: row.plan,
    days: row.days,
    maxUses: row.max_uses,
    uses: row.uses,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    createdAt: row.created_at,
  };
}
