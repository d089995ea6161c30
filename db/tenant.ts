import { sql } from "kysely";

/** The tenant that this transaction acts for; null in one of the fleet's own. */
const currentTenant = sql<string | null>`nullif(current_setting('gramfleet.tenant', true), '')`;

/** True for rows of this transaction's tenant, and for all of them in a worker's. */
export const ofTenant = (column: string) => sql<boolean>`
  (${currentTenant} is null or ${sql.ref(column)} = ${currentTenant})`;
