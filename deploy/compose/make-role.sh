#!/bin/sh
# Run once, by PostgreSQL's own image, when the database is made: gramfleet's role owns it, but is no superuser, so that
# row security binds it.
set -eu
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
  --set=password="$(cat /run/secrets/postgres_password)" --set=database="$POSTGRES_DB" <<'SQL'
create role gramfleet login password :'password';
alter database :"database" owner to gramfleet;
alter schema public owner to gramfleet;
SQL
psql --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --set=login=gramfleet --file=/roles.sql
