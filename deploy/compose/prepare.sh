#!/bin/sh
# Makes what the compose file reads and no repository holds: passwords, the vault's key, and gramfleet's variables.
# Nothing that is there is overwritten.   deploy/compose/prepare.sh [FOLDER]
set -eu
here="${1:-$(dirname "$0")}"
secrets="$here/secrets"
umask 077
mkdir -p "$secrets"
# Only their owner reaches into the folder; containers have other users, and read the files that they are given.
chmod 700 "$secrets"

secret() {
  [ -e "$secrets/$1" ] || openssl rand -hex 24 | tr -d '\n' > "$secrets/$1"
  chmod 444 "$secrets/$1"
}
secret postgres_owner_password
secret postgres_password
secret grafana_password

variables="$here/gramfleet.env"
if [ -e "$variables" ]; then
  echo "$variables is there already, and stays as it is" >&2
else
  cat > "$variables" <<EOT
# What .env.example describes. Keep SESSION_ENCRYPTION_KEYS somewhere else too: without it every session is worthless.
DATABASE_URL=postgresql://gramfleet:$(cat "$secrets/postgres_password")@postgres:5432/gramfleet
SESSION_ENCRYPTION_KEYS=k1:$(openssl rand -base64 32)
# This installation's own: never copied to another one.
INSTALL_ID=$(openssl rand -hex 8)
# From https://my.telegram.org, separated by commas.
MASTER_API_IDS=
MASTER_API_HASHES=
# For people who come by themselves: BotFather's token, and https://SITE_DOMAIN.
BOT_TOKEN=
AUTH_BASE_URL=
EOT
  echo "now set MASTER_API_IDS and MASTER_API_HASHES in $variables" >&2
fi
