-- The roles that gramfleet's transactions act as, for servers on which its own login may not make roles. Run it once as a
-- superuser:  psql -v login=gramfleet -v database=gramfleet -f roles.sql
-- `login` is whoever DATABASE_URL (or DATABASE_URL_OWNER) connects as, `database` where the tables are.
-- docs/security.md says what each may do, and how to give every process a login of its own.
\set ON_ERROR_STOP on
select format('create role %I nologin', role)
from unnest(array['gramfleet_owner', 'gramfleet_app', 'gramfleet_worker']) role
where not exists (select from pg_roles where rolname = role) \gexec
select 'create role gramfleet_backup nologin' where not exists (select from pg_roles where rolname = 'gramfleet_backup') \gexec
-- The one whom row security does not bind: it reads everything, and writes nothing.
alter role gramfleet_backup bypassrls;
\c :"database"
grant gramfleet_owner, gramfleet_app, gramfleet_worker, gramfleet_backup to :"login";
grant create on schema public to gramfleet_owner;
