import { sql } from "kysely";
import type { TenantTx, WorkerTx } from "./database.ts";

/** The tenant that this transaction acts for; null in one of the fleet's own. */
const currentTenant = sql<string | null>`nullif(current_setting('gramfleet.tenant', true), '')`;

/** True for rows of this transaction's tenant, and for all of them in a worker's. */
export const ofTenant = (column: string) => sql<boolean>`
  (${currentTenant} is null or ${sql.ref(column)} = ${currentTenant})`;

/** The rest of a worker's transaction acts for one tenant. */
export async function actFor(tx: WorkerTx, tenantId: string): Promise<TenantTx> {
  await sql`select set_config('gramfleet.tenant', ${tenantId}, true)`.execute(tx);
  return tx as unknown as TenantTx;
}
