import type { Tx } from "./database.ts";

export async function hasTenant(tx: Tx, tenantId: string): Promise<boolean> {
  const row = await tx.selectFrom("tenants").select("id").where("id", "=", tenantId).executeTakeFirst();
  return row !== undefined;
}
