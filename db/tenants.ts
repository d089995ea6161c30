import type { FleetTx, OwnerTx, Tx } from "./database.ts";

/** Somebody whose users, channels and programs are kept apart from everybody else's. */
export interface Tenant {
  readonly id: string;
  readonly name: string;
  /** How long messages of channels that it follows are kept, in days; null: for ever. */
  readonly messagesKeptDays: number | null;
  readonly createdAt: Date;
}

export async function listTenants(tx: FleetTx): Promise<Tenant[]> {
  return tx
    .selectFrom("tenants")
    .select(["id", "name", "messages_kept_days as messagesKeptDays", "created_at as createdAt"])
    .orderBy("id")
    .execute();
}

/** Null where there is one of this id. The id is lower-case letters, digits, - and _, 63 at most. */
export async function addTenant(
  tx: OwnerTx,
  given: { id: string; name: string; messagesKeptDays: number | null },
): Promise<Tenant | null> {
  const row = await tx
    .insertInto("tenants")
    .values({ id: given.id, name: given.name, messages_kept_days: given.messagesKeptDays })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .returning(["id", "name", "messages_kept_days as messagesKeptDays", "created_at as createdAt"])
    .executeTakeFirst();
  return row ?? null;
}

export async function hasTenant(tx: Tx, tenantId: string): Promise<boolean> {
  const row = await tx.selectFrom("tenants").select("id").where("id", "=", tenantId).executeTakeFirst();
  return row !== undefined;
}
