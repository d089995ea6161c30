import { z } from "zod";
import { adminUsers } from "./admin-users.ts";
import {
  apiId,
  count,
  dataCenters,
  failpoint,
  keyring,
  list,
  namedValues,
  network,
  oneOf,
  optional,
  redisAddress,
  SAMPLERS,
  telegramIds,
  url,
  type Variable,
  variable,
  withDefault,
} from "./variable.ts";

/** Every variable that gramfleet reads. `.env.example` is generated from this table; a test compares them. */
export const VARIABLES = {
  NODE_ENV: variable(
    withDefault(oneOf("development", "production", "test"), "development"),
    "With production nothing is embedded: what is missing is an error.",
  ),
  LOG_LEVEL: variable(
    withDefault(oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"), "info"),
    "What is logged: trace, debug, info, warn, error, fatal or silent.",
  ),
  DATABASE_URL: variable(
    optional(url("postgres", "postgresql")),
    "PostgreSQL 15 or later. Not set: an embedded one.",
    "postgresql://gramfleet@127.0.0.1:5432/gramfleet",
  ),
  DATABASE_URL_WORKER: variable(
    optional(url("postgres", "postgresql")),
    "The same database, by a login that may act as gramfleet_worker: see docs/security.md. Not set: DATABASE_URL.",
  ),
  DATABASE_URL_OWNER: variable(
    optional(url("postgres", "postgresql")),
    "The same database, by a login that may act as gramfleet_owner, past any PgBouncer: for migrations and for an operator's commands. Not set: DATABASE_DIRECT_URL, else DATABASE_URL.",
  ),
  DATABASE_DIRECT_URL: variable(
    optional(url("postgres", "postgresql")),
    "PostgreSQL past any PgBouncer, for LISTEN and heartbeats. Not set: DATABASE_URL_WORKER, else DATABASE_URL.",
  ),
  DATABASE_REPLICA_URL: variable(
    optional(url("postgres", "postgresql")),
    "A streaming replica, which posts are read from where it is no more than seconds late. Not set: DATABASE_URL.",
  ),
  DATABASE_POOL_SIZE: variable(withDefault(count("a whole number above 0"), 20), "PostgreSQL connections a process."),
  REDIS_URL: variable(
    optional(redisAddress),
    "Redis 6.2 or later with maxmemory-policy noeviction; also redis+cluster:// and redis+sentinel://, see docs/scaling.md. Not set: a private one.",
    "redis://127.0.0.1:6379",
  ),
  REDIS_PREFIX: variable(
    withDefault(z.string().regex(/^[A-Za-z0-9_-]+$/, "must be letters, digits, - or _"), "gramfleet"),
    "What every Redis key of ours begins with.",
  ),
  MASTER_API_IDS: variable(
    optional(list(apiId)),
    "The API IDs that users share, separated by commas.",
    "123456,234567",
  ),
  MASTER_API_HASHES: variable(
    optional(list(z.string().regex(/^[0-9a-f]{32}$/i, "must be 32 hexadecimal digits each"))),
    "Their API hashes, in the same order.",
  ),
  BACKUP_API_ID: variable(optional(apiId), "Takes new logins while a master is out of service."),
  BACKUP_API_HASH: variable(
    optional(z.string().regex(/^[0-9a-f]{32}$/i, "must be 32 hexadecimal digits")),
    "Its API hash.",
  ),
  API_CALLS_PER_SECOND: variable(
    withDefault(count("a whole number above 0"), 100),
    "Calls a second for each API ID, over all processes.",
  ),
  SESSION_ENCRYPTION_KEYS: variable(
    optional(keyring),
    "The keyring of the vault, id:base64 of 32 bytes, separated by commas; the first one encrypts.",
  ),
  INSTALL_ID: variable(
    optional(z.string().regex(/^[A-Za-z0-9_.-]{8,64}$/, "must be 8 to 64 letters, digits, -, _ or .")),
    "This installation's own name, the same for all its processes and no other's: a copy of its database that another installation opens is refused. See docs/backup-and-restore.md.",
    "openssl rand -hex 8",
  ),
  INSTALL_MARK_DIR: variable(
    optional(z.string()),
    "A folder of this installation's, outside PostgreSQL, where it is kept how far the database has come, beside Redis.",
  ),
  ENABLE_SESSION_BACKUP: variable(
    withDefault(oneOf("true", "false"), "false"),
    "true: the scheduler makes an encrypted archive of all sessions every BACKUP_EVERY_HOURS.",
  ),
  BACKUP_ENCRYPTION_KEY_PATH: variable(
    optional(z.string()),
    "The file with the key of those archives: 32 bytes, as they are or in base64, which others may not read.",
    "/etc/gramfleet/backup.key",
  ),
  BACKUP_DIR: variable(withDefault(z.string(), "backups"), "Where they are put."),
  BACKUP_EVERY_HOURS: variable(
    withDefault(z.coerce.number().positive("must be hours above 0"), 24),
    "How often one is made.",
  ),
  BACKUP_RETENTION_DAYS: variable(
    withDefault(z.coerce.number().positive("must be days above 0"), 7),
    "How long they are kept; the newest good one always is.",
  ),
  PARSE_INTERVAL_PREMIUM_MINUTES: variable(
    withDefault(count("minutes above 0"), 15),
    "How often premium users are parsed.",
  ),
  PARSE_INTERVAL_TRIAL_MINUTES: variable(
    withDefault(count("minutes above 0"), 15),
    "How often users on trial are parsed.",
  ),
  PARSE_INTERVAL_FREE_MINUTES: variable(withDefault(count("minutes above 0"), 60), "How often free users are parsed."),
  HISTORY_DEPTH_FREE: variable(
    withDefault(count("a number of messages"), 1000),
    "How many messages of a channel's history a free user's plan reaches back.",
  ),
  RECONCILE_EVERY_HOURS: variable(
    withDefault(z.coerce.number().positive("must be hours above 0"), 6),
    "How often a channel's newest messages are looked at for edits and deletions that no update told.",
  ),
  RECONCILE_WINDOW: variable(
    withDefault(count("a number of messages"), 500),
    "How many of a channel's newest messages that looks at, 100 a call.",
  ),
  FLOOD_INLINE_MAX_SECONDS: variable(
    withDefault(z.coerce.number().min(0).max(2, "must be at most 2"), 2),
    "Waits up to this long are waited in place.",
  ),
  FLOOD_SLEEP_THRESHOLD: variable(
    withDefault(z.coerce.number().int().min(0), 120),
    "Waits longer than this many seconds are also an event for the operator.",
  ),
  GRAMJS_FAST_CODEC: variable(
    withDefault(oneOf("on", "off"), "on"),
    "off reads and writes Telegram's packets with GramJS's own code, which takes more of the processor.",
  ),
  FLOOD_SCOPE: variable(
    withDefault(oneOf("auto", "account", "api_id"), "auto"),
    "Whom a wait holds: the account, the API ID, or auto (found out from how many accounts are flooded).",
  ),
  SMS_CODES_PER_DAY: variable(withDefault(count("a whole number above 0"), 100), "Login codes a day for each API ID."),
  CONSENT_REQUIRED: variable(
    withDefault(oneOf("on", "off"), "on"),
    "off logs people in too who were shown by no way what they agree to; see docs/api-ids.md.",
  ),
  TERMS_URL: variable(
    optional(url("https", "http")),
    "Your own terms, which people are led to before they log in.",
    "https://example.com/terms",
  ),
  TERMS_VERSION: variable(
    optional(z.string().regex(/^[\w.-]{1,64}$/, "must be letters, digits, dots, - or _")),
    "Their version: a new one is agreed to anew at the next login.",
    "2026-01",
  ),
  QR_TICKET_TTL: variable(
    withDefault(count("seconds above 0"), 600),
    "Seconds within which a login by QR code has to be finished.",
  ),
  SESSION_MAX_IDLE_DAYS: variable(
    withDefault(z.coerce.number().int().min(0, "must be days, 0 or more"), 30),
    "Days after which a session that nothing uses is logged out at Telegram and deleted; 0: never. See docs/retention.md.",
  ),
  RUNS_KEPT_DAYS: variable(
    withDefault(count("days above 0"), 30),
    "Days after which runs, and what happened to sessions, are kept as daily sums only.",
  ),
  UNFOLLOWED_KEPT_DAYS: variable(
    withDefault(z.coerce.number().int().min(0, "must be days, 0 or more"), 30),
    "Days after which the messages of a public channel go that nobody follows any more; a private one's go at once.",
  ),
  WORKER_CONCURRENCY: variable(
    withDefault(count("a whole number above 0"), 16),
    "Parses at once in a worker process, for each API ID.",
  ),
  SESSION_LOCK_TTL: variable(optional(count("seconds above 0")), "Seconds a lease lives without a heartbeat (30)."),
  METRICS_HOST: variable(withDefault(z.string(), "127.0.0.1"), "Where /live, /ready and /metrics listen."),
  METRICS_PORT: variable(
    withDefault(z.coerce.number().int().min(0).max(65535), 0),
    "Port of /live, /ready and /metrics; 0 takes a free one.",
  ),
  API_HOST: variable(withDefault(z.string(), "127.0.0.1"), "Where the api listens."),
  API_PORT: variable(
    withDefault(z.coerce.number().int().min(0).max(65535), 8080),
    "Port of the api; 0 takes a free one.",
  ),
  API_REQUESTS_PER_MINUTE: variable(
    withDefault(count("a whole number above 0"), 600),
    "Requests a minute from one address to one api process; beyond, 429 with Retry-After.",
  ),
  TRUSTED_PROXIES: variable(
    optional(list(network)),
    "Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas.",
    "127.0.0.1,10.0.0.0/8",
  ),
  ADMIN_USERS: variable(
    optional(adminUsers),
    "Who may see the whole fleet over HTTP (Telegram ids), and who signs in at /queues: see docs/queues.md.",
    "123456789,ada:admin:scrypt.…,bob:viewer:scrypt.…",
  ),
  BOT_TOKEN: variable(
    optional(z.string().regex(/^\d{1,16}:[A-Za-z0-9_-]{20,}$/, "must be as BotFather gives it, 123456:ABC…")),
    "The bot's token: checks Mini App initData and Telegram Login.",
  ),
  AUTH_BASE_URL: variable(
    optional(url("https", "http")),
    "Where people reach the api: the bot's buttons open its page for logins there. Telegram wants https.",
    "https://login.example.com",
  ),
  BOT_ADMIN_IDS: variable(optional(telegramIds), "Telegram ids of those who may use the bot's /debug commands."),
  BOT_API_ROOT: variable(optional(url("https", "http")), "A Bot API other than Telegram's own, such as an emulator's."),
  BOT_WEBHOOK_URL: variable(
    optional(url("https", "http")),
    "Where Telegram brings the bot's updates, by way of a proxy to BOT_PORT. Not set: they are fetched.",
    "https://bot.example.com/updates",
  ),
  BOT_WEBHOOK_SECRET: variable(
    optional(z.string().regex(/^[A-Za-z0-9_-]{16,256}$/, "must be 16 to 256 letters, digits, - or _")),
    "What Telegram sends along with each of them.",
  ),
  BOT_HOST: variable(withDefault(z.string(), "127.0.0.1"), "Where the bot listens for them."),
  BOT_PORT: variable(
    withDefault(z.coerce.number().int().min(0).max(65535), 8081),
    "Port for them; 0 takes a free one.",
  ),
  MINIAPP_BOT_IDS: variable(
    optional(telegramIds),
    "Other bots whose Mini Apps may log people in, by their ids; Telegram's own signature is checked.",
  ),
  MINIAPP_HMAC_SECRET: variable(
    optional(z.string().min(16, "must be 16 characters or more")),
    "What POST /api/qr/callback is signed with.",
  ),
  MINIAPP_TIMESTAMP_TOLERANCE: variable(
    withDefault(count("seconds above 0"), 300),
    "How many seconds the X-Timestamp of such a request may be off, either way.",
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable(
    optional(url("http", "https").refine((text) => URL.canParse(text), "must be a URL")),
    "Where traces go, see docs/tracing.md: a collector that takes OTLP over HTTP. Not set: nothing is traced.",
    "http://127.0.0.1:4318",
  ),
  OTEL_EXPORTER_OTLP_HEADERS: variable(
    optional(namedValues),
    "Headers that are sent along, name=value separated by commas.",
    "authorization=Bearer%20...",
  ),
  OTEL_SERVICE_NAME: variable(
    optional(z.string()),
    "What every process is called in traces. Not set: gramfleet-scheduler, gramfleet-worker, …",
  ),
  OTEL_RESOURCE_ATTRIBUTES: variable(
    optional(namedValues),
    "What else traces say of where they are from, name=value separated by commas.",
    "deployment.environment.name=production",
  ),
  OTEL_TRACES_SAMPLER: variable(
    withDefault(oneOf(...SAMPLERS), "parentbased_always_on"),
    "Which traces are kept: always_on, always_off, traceidratio, or parentbased_ and one of these.",
  ),
  OTEL_TRACES_SAMPLER_ARG: variable(
    withDefault(z.coerce.number().min(0, "must be from 0 to 1").max(1, "must be from 0 to 1"), 1),
    "The share of traces that traceidratio keeps.",
  ),
  SESSIONS_BASE_PATH: variable(
    optional(z.string()),
    "Where sessions of earlier systems lie: what gramfleet sessions discover looks through.",
    "/srv/old-bot/sessions",
  ),
  TELEGRAM_DC: variable(
    optional(dataCenters),
    "Data centers other than Telegram's, id@host:port separated by commas: an emulator or the test DCs.",
    "2@127.0.0.1:4430",
  ),
  TELEGRAM_DC_PUBLIC_KEY: variable(optional(z.string()), "A PEM file with the RSA public key of those data centers."),
  EMULATOR_PACE: variable(
    withDefault(z.coerce.number().min(1, "must be 1 or more"), 1),
    "Plan intervals run this many times faster. Only against an emulator.",
  ),
  TIMES_DIVISOR: variable(
    withDefault(z.coerce.number().min(1, "must be 1 or more"), 1),
    "Divides the lease and every time measured against it. For fault tests, never in production.",
  ),
  FAULTS_WITHOUT: variable(
    optional(list(oneOf("lease", "fence", "gate", "installation", "revocation"))),
    "Protections taken away, so that fault tests are seen to fail: lease, fence, gate, installation, revocation. Never in production.",
  ),
  FAULTS_FAILPOINT: variable(
    optional(failpoint),
    "Where a process kills or stops itself, name@times=kill or =stop. For fault tests, never in production.",
  ),
} satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;
export type Values = { [Name in VariableName]: z.output<(typeof VARIABLES)[Name]["schema"]> };
