import { type Command, Option } from "commander";
import type { Database, TenantTx } from "../db/database.ts";
import { hasTenant } from "../db/tenants.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { DEFAULT_TENANT } from "./context.ts";

/** What a command says whose it is about. */
export interface TenantOption {
  readonly tenantId: string;
}

export function withTenant(command: Command): Command {
  return command.addOption(new Option("--tenant-id <tenant>", "whose").default(DEFAULT_TENANT));
}

/** Runs `work` for the tenant. @throws OperatorError where there is none of this id */
export function forTenant<T>(
  database: Database,
  { tenantId }: TenantOption,
  work: (tx: TenantTx) => Promise<T>,
): Promise<T> {
  return database.inTenant(tenantId, async (tx) => {
    if (!(await hasTenant(tx, tenantId))) throw new OperatorError(`there is no tenant ${JSON.stringify(tenantId)}`);
    return work(tx);
  });
}
