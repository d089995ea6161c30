-- The roles that gramfleet's transactions act as, for servers on which its own login may not make roles. Run it once as a
-- superuser, in the database where the tables are:
--   psql --set=login=gramfleet --dbname=gramfleet --file=roles.sql
-- `login` is whoever DATABASE_URL (or DATABASE_URL_OWNER) connects as.
-- docs/security.md says what each may do, and how to give every process a login of its own.
\set ON_ERROR_STOP on
select format('create role %I nologin', role)
from unnest(array['gramfleet_owner', 'gramfleet_app', 'gramfleet_worker', 'gramfleet_backup']) role
where not exists (select from pg_roles where rolname = role) \gexec
-- The one whom row security does not bind: it reads everything, and writes nothing.
alter role gramfleet_backup bypassrls;
-- A login inherits the worker's rights and takes the others by SET ROLE alone; before PostgreSQL 16 it inherits all.
select format('grant %I to %I%s', role, :'login',
  case when current_setting('server_version_num')::int < 160000 then ''
    when role = 'gramfleet_worker' then ' with inherit true, set true' else ' with inherit false, set true' end)
from unnest(array['gramfleet_owner', 'gramfleet_app', 'gramfleet_worker', 'gramfleet_backup']) role \gexec
grant create on schema public to gramfleet_owner;
