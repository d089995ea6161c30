import { type Kysely, sql } from "kysely";

/**
 * Who may do what with a table. Used by migrations, so what it makes of a table is never changed: a migration that wants
 * it otherwise says so itself.
 */
export interface Rights {
  readonly table: string;
  /** It has `tenant_id`: the app sees the rows of the tenant that its transaction acts for, and none without one. */
  readonly tenantOwned?: boolean;
  /** Instead of `tenantOwned`: SQL for the rows that the app sees, where it is to see some and not others. */
  readonly appSees?: string;
  /** Privileges as GRANT takes them, `select, insert (name), update (name)`. Left out: none. */
  readonly app?: string;
  readonly worker?: string;
}

/** The tenant that a transaction acts for, in policies; null without one, which equals nothing. */
export const TENANT = "nullif(current_setting('gramfleet.tenant', true), '')";

/**
 * Row security and privileges of a new table. Forced: they bind the owner too, who has a policy of its own, so that a
 * data migration sees every row. Whoever is given no policy sees no row.
 */
export async function protect(db: Kysely<unknown>, rights: Rights): Promise<void> {
  const table = sql.table(rights.table);
  const policy = (role: string, rest: string) =>
    sql`create policy ${sql.ref(`${rights.table}_${role}`)} on ${table} ${sql.raw(rest)}`.execute(db);
  const appSees = rights.tenantOwned ? `tenant_id = ${TENANT}` : rights.appSees;
  if (appSees !== undefined) {
    await sql`alter table ${table} enable row level security`.execute(db);
    await sql`alter table ${table} force row level security`.execute(db);
    await policy("owner", "to gramfleet_owner using (true) with check (true)");
    await policy("backup", "for select to gramfleet_backup using (true)");
    if (rights.app) await policy("app", `to gramfleet_app using (${appSees}) with check (${appSees})`);
    if (rights.worker) await policy("worker", "to gramfleet_worker using (true) with check (true)");
  }
  await sql`grant select on ${table} to gramfleet_backup`.execute(db);
  if (rights.app) await sql`grant ${sql.raw(rights.app)} on ${table} to gramfleet_app`.execute(db);
  if (rights.worker) await sql`grant ${sql.raw(rights.worker)} on ${table} to gramfleet_worker`.execute(db);
}
