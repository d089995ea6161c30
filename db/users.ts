import { type Selectable, sql } from "kysely";
import type { TenantTx, Tx, WorkerTx } from "./database.ts";
import { refreshQueue } from "./schedule-queue.ts";
import type { Schema } from "./schema.ts";
import { ofTenant } from "./tenant.ts";

export interface User {
  readonly id: bigint;
  readonly tenantId: string;
  readonly telegramId: bigint;
  readonly plan: "free" | "premium";
  readonly paidUntil: Date | null;
  readonly trialExpiresAt: Date | null;
  readonly paused: boolean;
  readonly createdAt: Date;
}

/** What of a row a user is: never the token of an earlier system. */
export const USER = [
  "id",
  "tenant_id",
  "telegram_id",
  "plan",
  "paid_until",
  "trial_expires_at",
  "paused",
  "created_at",
] as const;

export function toUser(row: Pick<Selectable<Schema["users"]>, (typeof USER)[number]>): User {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    telegramId: row.telegram_id,
    plan: row.plan,
    paidUntil: row.paid_until,
    trialExpiresAt: row.trial_expires_at,
    paused: row.paused,
    createdAt: row.created_at,
  };
}

/** Adds a user and its schedule, or gives back the one that is there, as it is. */
export async function addUser(
  tx: Tx,
  user: {
    tenantId: string;
    telegramId: bigint;
    plan?: "free" | "premium";
    paidUntil?: Date | null;
    trialExpiresAt?: Date | null;
  },
): Promise<{ user: User; added: boolean }> {
  const inserted = await tx
    .insertInto("users")
    .values({
      tenant_id: user.tenantId,
      telegram_id: user.telegramId,
      plan: user.plan ?? "free",
      paid_until: user.paidUntil ?? null,
      trial_expires_at: user.trialExpiresAt ?? null,
    })
    .onConflict((conflict) => conflict.columns(["tenant_id", "telegram_id"]).doNothing())
    .returning(USER)
    .executeTakeFirst();
  if (inserted) await refreshQueue(tx, inserted.id);
  const row =
    inserted ??
    (await tx
      .selectFrom("users")
      .select(USER)
      .where("tenant_id", "=", user.tenantId)
      .where("telegram_id", "=", user.telegramId)
      .executeTakeFirstOrThrow());
  return { user: toUser(row), added: inserted !== undefined };
}

export async function findUser(tx: TenantTx, telegramId: bigint): Promise<User | null> {
  const row = await tx
    .selectFrom("users")
    .select(USER)
    .where("telegram_id", "=", telegramId)
    .where(ofTenant("tenant_id"))
    .executeTakeFirst();
  return row ? toUser(row) : null;
}

export async function loadUser(tx: WorkerTx, userId: bigint): Promise<User | null> {
  const row = await tx.selectFrom("users").select(USER).where("id", "=", userId).executeTakeFirst();
  return row ? toUser(row) : null;
}

/** Sets plan and its end; the trial's end only where it is given. Gives false where there is no such user. */
export async function setPlan(
  tx: TenantTx,
  telegramId: bigint,
  plan: { plan: "free" | "premium"; paidUntil: Date | null; trialExpiresAt?: Date | null },
): Promise<boolean> {
  const changed = await tx
    .updateTable("users")
    .set({
      plan: plan.plan,
      paid_until: plan.paidUntil,
      ...(plan.trialExpiresAt === undefined ? {} : { trial_expires_at: plan.trialExpiresAt }),
    })
    .where("telegram_id", "=", telegramId)
    .where(ofTenant("tenant_id"))
    .executeTakeFirst();
  return changed.numUpdatedRows > 0n;
}

/** Pauses or resumes; a paused user's schedule has no queue. Gives false where there is no such user. */
export async function setPaused(tx: TenantTx, telegramId: bigint, paused: boolean): Promise<boolean> {
  const row = await tx
    .updateTable("users")
    .set({ paused })
    .where("telegram_id", "=", telegramId)
    .where(ofTenant("tenant_id"))
    .returning("id")
    .executeTakeFirst();
  if (row) await refreshQueue(tx, row.id);
  return row !== undefined;
}

/** Deletes a user with everything of theirs; shared channels and messages stay. */
export async function deleteUser(tx: TenantTx, telegramId: bigint): Promise<boolean> {
  const deleted = await tx
    .deleteFrom("users")
    .where("telegram_id", "=", telegramId)
    .where(ofTenant("tenant_id"))
    .executeTakeFirst();
  return deleted.numDeletedRows > 0n;
}

export async function countUsers(tx: Tx): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from users where ${ofTenant("tenant_id")}`.execute(tx);
  return rows[0]?.count ?? 0;
}
