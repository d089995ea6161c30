import { sql } from "kysely";
import type { Tx } from "./database.ts";

export interface DatabaseSizes {
  readonly databaseBytes: number;
  /** Of each table with its indexes, all partitions of one together. */
  readonly tables: ReadonlyMap<string, number>;
}

/** What is on disk, in bytes. */
export async function databaseSizes(tx: Tx): Promise<DatabaseSizes> {
  const { rows } = await sql<{ name: string; bytes: number; total: number }>`
    select coalesce(root.relname, c.relname)::text as name, sum(pg_total_relation_size(c.oid))::float8 as bytes,
      pg_database_size(current_database())::float8 as total
    from pg_class c left join pg_class root on root.oid = pg_partition_root(c.oid)
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
    group by 1`.execute(tx);
  return { databaseBytes: rows[0]?.total ?? 0, tables: new Map(rows.map(({ name, bytes }) => [name, bytes])) };
}
