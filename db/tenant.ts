import { sql } from "kysely";
import type { TenantTx, WorkerTx } from "./database.ts";

/** The tenant that this transaction acts for; null in one of the fleet's own. */
const currentTenant = sql<string | null>`nullif(current_setting('gramfleet.tenant', true), '')`;

/** True for rows of this transaction's tenant, and for all of them in a worker's. */
export const ofTenant = (column: string) => sql<boolean>`
  (${currentTenant} is null or ${sql.ref(column)} = ${currentTenant})`;

/** Within a worker's transaction, `work` for one tenant and as `inTenant` would do it. */
export async function actFor<T>(tx: WorkerTx, tenantId: string, work: (tx: TenantTx) => Promise<T>): Promise<T> {
  await become(tx, "gramfleet_app", tenantId);
  const done = await work(tx as unknown as TenantTx);
  await become(tx, "gramfleet_worker", "");
  return done;
}

const become = (tx: WorkerTx, role: string, tenantId: string) =>
  sql`select set_config('role', ${role}, true), set_config('gramfleet.tenant', ${tenantId}, true)`.execute(tx);
