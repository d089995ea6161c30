import { sql } from "kysely";
import type { Database } from "../../db/database.ts";
import { claimOfDue } from "../../db/schedules.ts";

/** What PostgreSQL's counters say of a table that is as long as there are users. */
export interface TableSeen {
  readonly name: string;
  readonly tableMb: number;
  readonly indexMb: number;
  readonly dead: number;
  readonly updates: number;
  readonly hotUpdates: number;
  readonly sequentialScans: number;
}

export async function lookAtTables(database: Database): Promise<TableSeen[]> {
  const { rows } = await database.asOwner((tx) =>
    sql<TableSeen>`
      select relname as name, (pg_table_size(relid) / 1048576.0)::float8 as "tableMb",
        (pg_indexes_size(relid) / 1048576.0)::float8 as "indexMb", n_dead_tup::float8 as dead,
        n_tup_upd::float8 as updates, n_tup_hot_upd::float8 as "hotUpdates", seq_scan::float8 as "sequentialScans"
      from pg_stat_user_tables
      where relname in ('schedules', 'sessions', 'users', 'subscriptions', 'channel_access')
      order by relname`.execute(tx),
  );
  return rows;
}

/** The plan of a claim as it was carried out. What it claimed is given back. */
export async function planOfClaim(database: Database, limit: number): Promise<string[]> {
  const plan: string[] = [];
  const shown = database.asWorker(async (tx) => {
    const { rows } = await sql<{ "QUERY PLAN": string }>`
      explain (analyze, buffers, costs off, timing off) ${claimOfDue(limit, { lookedMsAgo: 0 })}`.execute(tx);
    plan.push(...rows.map((row) => row["QUERY PLAN"]));
    throw new RolledBack();
  });
  await shown.catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
  return plan;
}

class RolledBack extends Error {}
