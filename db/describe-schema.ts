import { sql } from "kysely";
import type { Tx } from "./database.ts";

/**
 * The database's schema as SQL, in the order of names: tables with columns and constraints, indexes, views. What
 * `db/schema.sql` holds; for reading and comparing, not for creating (the migrations do that). Partitions are counted.
 */
export async function describeSchema(tx: Tx): Promise<string> {
  const { rows } = await sql<{ statement: string }>`
    with relations as (
      select c.oid, c.relname, c.relkind, c.relpersistence, c.reloptions
      from pg_class c
      where c.relnamespace = current_schema()::regnamespace and not c.relispartition
        and c.relkind in ('r', 'p', 'v') and c.relname not like 'kysely%'
    ), lines as (
      select a.attrelid as oid, 0 as section, a.attnum::text as place, lpad(a.attnum::text, 3, '0') as sort,
        a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
          || case a.attidentity when 'a' then ' generated always as identity' else '' end
          || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
          || case when a.attnotnull then ' not null' else '' end as line
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attnum > 0 and not a.attisdropped
      union all
      select conrelid, 1, conname::text, contype::text || conname::text, 'constraint ' || conname || ' ' || pg_get_constraintdef(oid)
      from pg_constraint where contype in ('p', 'u', 'c', 'f')
    ), statements as (
      select relname as subject, 0 as rank, '' as name,
        'create ' || case relpersistence when 'u' then 'unlogged ' else '' end || 'table ' || relname || E' (\n'
          || (select string_agg('  ' || line, E',\n' order by section, sort) from lines l where l.oid = r.oid)
          || E'\n)' || coalesce(' partition by ' || pg_get_partkeydef(r.oid), '')
          || coalesce(' with (' || array_to_string(reloptions, ', ') || ')', '') || ';'
          || case when relkind = 'p' then
            ' -- ' || (select count(*) from pg_inherits where inhparent = r.oid) || ' partitions' else '' end as statement
      from relations r where relkind <> 'v'
      union all
      select r.relname, 1, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) || ';'
      from relations r join pg_index i on i.indrelid = r.oid
      where not exists (select from pg_constraint where conindid = i.indexrelid and contype in ('p', 'u'))
      union all
      select relname, 2, '', 'create view ' || relname
          || coalesce(' with (' || array_to_string(reloptions, ', ') || ')', '') || E' as\n' || pg_get_viewdef(oid)
      from relations where relkind = 'v'
    )
    select replace(statement, quote_ident(current_schema()) || '.', '') as statement
    from statements order by subject collate "C", rank, name collate "C"`.execute(tx);
  return `${rows.map((row) => row.statement).join("\n\n")}\n`;
}
