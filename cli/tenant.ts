import { type Command, Option } from "commander";
import type { TenantTx } from "../db/database.ts";
import { listTenants } from "../db/tenants.ts";
import { type CommandContext, DEFAULT_TENANT } from "./context.ts";

/** What a list says whose it is of. */
export interface TenantsOption {
  readonly allTenants?: boolean;
}

/** Adds whose a command is about. */
export function withTenant(command: Command): Command {
  return command.addOption(new Option("--tenant-id <tenant>", "whose").default(DEFAULT_TENANT));
}

/** Lets a list be asked for all tenants. */
export function withAllTenants(command: Command): Command {
  const all = new Option("--all-tenants", "of all tenants, each line with its tenant").default(false);
  return command.addOption(all.conflicts("tenantId"));
}

/** Adds to each command below `parent` whose it is about, but for those that are about no tenant; lists may be of all. */
export function ofOneTenant(
  parent: Command,
  { butAlsoOfAll, butNot = [] }: { readonly butAlsoOfAll: readonly string[]; readonly butNot?: readonly string[] },
): Command {
  for (const command of parent.commands) {
    if (butNot.includes(command.name())) continue;
    if (!command.options.some(({ long }) => long === "--tenant-id")) withTenant(command);
    if (butAlsoOfAll.includes(command.name())) withAllTenants(command);
  }
  return parent;
}

/** What `read` gives for the tenant that the command is about, or for each of them; rows say whose they are then. */
export async function rowsOf<Row extends object>(
  { database, inTenant }: Pick<CommandContext, "database" | "inTenant">,
  { allTenants = false }: TenantsOption,
  read: (tx: TenantTx) => Promise<Row[]>,
): Promise<(Row & { readonly tenantId?: string })[]> {
  if (!allTenants) return inTenant(read);
  const rows: (Row & { tenantId: string })[] = [];
  for (const { id: tenantId } of await database.once(listTenants))
    for (const row of await database.inTenant(tenantId, read)) rows.push({ ...row, tenantId });
  return rows;
}

/** A table's heads, or a row's cells, with the tenant before them where lines are of all. */
export const ofTenants = <Cell>({ allTenants = false }: TenantsOption, tenant: Cell, cells: readonly Cell[]): Cell[] =>
  allTenants ? [tenant, ...cells] : [...cells];
