import { sql } from "kysely";
import type { Tx } from "./database.ts";

/**
 * The database's schema as SQL, in the order of names: tables with columns and constraints, indexes, views, row security
 * and privileges, functions. What
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
      union all
      select r.relname, 3, '', 'row security forced on ' || r.relname || ';'
      from relations r join pg_class c on c.oid = r.oid where c.relrowsecurity and c.relforcerowsecurity
      union all
      select tablename, 4, policyname, 'create policy ' || policyname || ' on ' || tablename
          || case cmd when 'ALL' then '' else ' for ' || lower(cmd) end || ' to ' || array_to_string(roles, ', ')
          || coalesce(' using (' || qual || ')', '')
          || case when with_check is not null and with_check is distinct from qual
            then ' with check (' || with_check || ')' else '' end || ';'
      from pg_policies where schemaname = current_schema()
      union all
      select r.relname, 5, g.grantee || g.rank, 'grant ' || g.rights || ' on ' || r.relname || ' to ' || g.grantee || ';'
      from relations r cross join lateral (
        select 0 as rank, a.grantee::regrole::text as grantee,
          string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) as rights
        from pg_class c, aclexplode(c.relacl) a
        where c.oid = r.oid and a.grantee::regrole::text like 'gramfleet\\_%' and a.grantee <> c.relowner
        group by a.grantee
        union all
        select 1, a.grantee::regrole::text, lower(a.privilege_type) || ' ('
          || string_agg(t.attname, ', ' order by t.attnum) || ')'
        from pg_attribute t, aclexplode(t.attacl) a where t.attrelid = r.oid
        group by a.grantee, a.privilege_type
      ) g
      union all
      select p.proname, 6, '', regexp_replace(pg_get_functiondef(p.oid), '\\s+', ' ', 'g') || '; -- for '
          || (select string_agg(a.grantee::regrole::text, ', ' order by 1) from aclexplode(p.proacl) a where a.grantee <> p.proowner)
      from pg_proc p where p.pronamespace = current_schema()::regnamespace
    )
    select replace(statement, quote_ident(current_schema()) || '.', '') as statement
    from statements order by subject collate "C", rank, name collate "C", statement collate "C"`.execute(tx);
  return `${rows.map((row) => row.statement).join("\n\n")}\n`;
}
