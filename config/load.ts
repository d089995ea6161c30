import { readFileSync } from "node:fs";
import { type ApiConfig, apiConfig } from "./api.ts";
import { type BackupConfig, backupConfig, backupProblems } from "./backup.ts";
import { type BotConfig, botConfig } from "./bot.ts";
import { acceptLegacyNames } from "./legacy.ts";
import { createLimits, type Limits } from "./limits.ts";
import type { PlanIntervals } from "./plans.ts";
import { type TermsConfig, termsConfig, termsProblems } from "./terms.ts";
import { type TracingConfig, tracingConfig } from "./tracing.ts";
import { VARIABLES, type Values, type VariableName } from "./variables.ts";

const DAY_MS = 86_400_000;

/** What every process of gramfleet is told at its start. Holds secrets: never logged, never printed. */
export interface Config {
  readonly production: boolean;
  readonly logLevel: string;
  readonly databaseUrl: string | null;
  readonly databaseWorkerUrl: string | null;
  readonly databaseOwnerUrl: string | null;
  readonly databaseDirectUrl: string | null;
  readonly databaseReplicaUrl: string | null;
  readonly databasePoolSize: number;
  readonly redisUrl: string | null;
  readonly redisPrefix: string;
  readonly apiIds: ApiIds;
  readonly keyring: readonly { readonly id: string; readonly key: Buffer }[];
  /** Which installation the processes are of, and where a mark is kept of how far its database has come. */
  readonly installation: { readonly id: string | null; readonly markDir: string | null };
  readonly backups: BackupConfig;
  readonly intervals: PlanIntervals;
  readonly historyDepthFree: number;
  readonly reconcile: { readonly everyMs: number; readonly window: number };
  readonly flood: { readonly inlineMaxSeconds: number; readonly sleepThreshold: number; readonly scope: FloodScope };
  readonly smsCodesPerDay: number;
  /** What people agree to who log in. */
  readonly terms: TermsConfig;
  readonly retention: RetentionConfig;
  /** How long a login by QR code may take. */
  readonly qrTicketMs: number;
  readonly workerConcurrency: number;
  /** False: GramJS's codec is left as it comes. */
  readonly fastCodec: boolean;
  readonly metrics: { readonly host: string; readonly port: number };
  /** Null: nothing is traced. */
  readonly tracing: TracingConfig | null;
  readonly api: ApiConfig;
  readonly bot: BotConfig;
  readonly dataCenters: DataCenters | null;
  /** Where sessions of earlier systems lie. */
  readonly sessionsBasePath: string | null;
  readonly pace: number;
  readonly limits: Limits;
  readonly faults: FaultInjection;
  /** Legacy variable names that were used, to be logged once. */
  readonly legacyNames: readonly string[];
}

/** What goes when it has been kept for long enough; in milliseconds. */
export interface RetentionConfig {
  /** Null: never. */
  readonly sessionIdleMs: number | null;
  readonly runsKeptMs: number;
  readonly unfollowedKeptMs: number;
}

/** What fault tests break. Nothing at all in production. */
export interface FaultInjection {
  /** Protections that are taken away. */
  readonly without: ReadonlySet<Protection>;
  /** Where the process kills or stops itself. */
  readonly failpoint: Values["FAULTS_FAILPOINT"] | null;
}

/**
 * Who may use a session, whether a commit is still ours, whether a frame may still go out, whether the database is ours,
 * whether it is heard that a session is to be revoked.
 */
export type Protection = "lease" | "fence" | "gate" | "installation" | "revocation";

export type FloodScope = "auto" | "account" | "api_id";

export interface MasterApi {
  readonly apiId: number;
  readonly apiHash: string;
}

export interface ApiIds {
  readonly masters: readonly MasterApi[];
  readonly backup: MasterApi | null;
  readonly callsPerSecond: number;
}

/** Data centers that stand in for Telegram's own. */
export interface DataCenters {
  readonly addresses: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  /** PEM of the RSA public key, null where Telegram's own keys are good. */
  readonly publicKeyPem: string | null;
}

/** Names every variable that is missing or malformed, in one message, without any value. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

/**
 * Reads the environment.
 *
 * @param needs what this process cannot do without
 * @throws ConfigError naming every variable that is missing or malformed
 */
export function loadConfig(
  environment: NodeJS.ProcessEnv,
  needs: readonly ("database" | "redis" | "api-ids" | "keyring" | "bot")[] = [],
): Config {
  const { env, used } = acceptLegacyNames(environment);
  const problems: string[] = [];
  const values = {} as Record<VariableName, unknown>;
  for (const name of Object.keys(VARIABLES) as VariableName[]) {
    const parsed = VARIABLES[name].schema.safeParse(env[name]);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(`${name} ${[...new Set(parsed.error.issues.map((issue) => issue.message))].join(", ")}`);
  }
  const given = values as Values;
  const required = (need: (typeof needs)[number], name: VariableName) => {
    if (needs.includes(need) && !env[name]) problems.push(`${name} is not set`);
  };
  if (!env.DATABASE_URL_WORKER) required("database", "DATABASE_URL");
  required("redis", "REDIS_URL");
  required("api-ids", "MASTER_API_IDS");
  required("keyring", "SESSION_ENCRYPTION_KEYS");
  required("bot", "BOT_TOKEN");
  required("bot", "AUTH_BASE_URL");
  problems.push(...contradictions(given), ...backupProblems(given), ...termsProblems(given));
  const publicKeyPem = readPem(given.TELEGRAM_DC_PUBLIC_KEY, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return assemble(given, publicKeyPem, used);
}

function contradictions(given: Values): string[] {
  const problems: string[] = [];
  const ids = given.MASTER_API_IDS;
  const hashes = given.MASTER_API_HASHES;
  if (ids && !hashes) problems.push("MASTER_API_HASHES is not set");
  if (hashes && !ids) problems.push("MASTER_API_IDS is not set");
  if (ids && hashes && ids.length !== hashes.length)
    problems.push(`MASTER_API_HASHES must have as many entries as MASTER_API_IDS`);
  if (ids && new Set(ids).size !== ids.length) problems.push("MASTER_API_IDS must not repeat one");
  if ((given.BACKUP_API_ID === undefined) !== (given.BACKUP_API_HASH === undefined))
    problems.push("BACKUP_API_ID and BACKUP_API_HASH must be set together");
  if ((given.BOT_WEBHOOK_URL === undefined) !== (given.BOT_WEBHOOK_SECRET === undefined))
    problems.push("BOT_WEBHOOK_URL and BOT_WEBHOOK_SECRET must be set together");
  const keys = given.SESSION_ENCRYPTION_KEYS;
  if (keys && new Set(keys.map((key) => key.id)).size !== keys.length)
    problems.push("SESSION_ENCRYPTION_KEYS must not repeat an id");
  if (given.NODE_ENV === "production") {
    if (given.TIMES_DIVISOR !== 1) problems.push("TIMES_DIVISOR must not be set in production");
    if (given.FAULTS_WITHOUT) problems.push("FAULTS_WITHOUT must not be set in production");
    if (given.FAULTS_FAILPOINT) problems.push("FAULTS_FAILPOINT must not be set in production");
  }
  if (given.EMULATOR_PACE !== undefined && given.EMULATOR_PACE > 1 && !given.TELEGRAM_DC)
    problems.push("EMULATOR_PACE must be 1 against Telegram itself");
  return problems;
}

function readPem(path: string | undefined, problems: string[]): string | null {
  if (!path) return null;
  try {
    return readFileSync(path, "utf8");
  } catch {
    problems.push("TELEGRAM_DC_PUBLIC_KEY names a file that cannot be read");
    return null;
  }
}

function assemble(given: Values, publicKeyPem: string | null, legacyNames: string[]): Config {
  const hashes = given.MASTER_API_HASHES ?? [];
  const minutes = (count: number) => (count * 60_000) / given.EMULATOR_PACE;
  const limits = createLimits(given.TIMES_DIVISOR);
  return {
    production: given.NODE_ENV === "production",
    logLevel: given.LOG_LEVEL,
    databaseUrl: given.DATABASE_URL ?? given.DATABASE_URL_WORKER ?? null,
    databaseWorkerUrl: given.DATABASE_URL_WORKER ?? null,
    databaseOwnerUrl: given.DATABASE_URL_OWNER ?? given.DATABASE_DIRECT_URL ?? given.DATABASE_URL ?? null,
    databaseDirectUrl: given.DATABASE_DIRECT_URL ?? given.DATABASE_URL_WORKER ?? given.DATABASE_URL ?? null,
    databaseReplicaUrl: given.DATABASE_REPLICA_URL ?? null,
    databasePoolSize: given.DATABASE_POOL_SIZE,
    redisUrl: given.REDIS_URL ?? null,
    redisPrefix: given.REDIS_PREFIX,
    apiIds: {
      masters: (given.MASTER_API_IDS ?? []).map((apiId, index) => ({ apiId, apiHash: hashes[index] ?? "" })),
      backup:
        given.BACKUP_API_ID && given.BACKUP_API_HASH
          ? { apiId: given.BACKUP_API_ID, apiHash: given.BACKUP_API_HASH }
          : null,
      callsPerSecond: given.API_CALLS_PER_SECOND,
    },
    keyring: given.SESSION_ENCRYPTION_KEYS ?? [],
    installation: { id: given.INSTALL_ID ?? null, markDir: given.INSTALL_MARK_DIR ?? null },
    backups: backupConfig(given),
    intervals: {
      premiumMs: minutes(given.PARSE_INTERVAL_PREMIUM_MINUTES),
      trialMs: minutes(given.PARSE_INTERVAL_TRIAL_MINUTES),
      freeMs: minutes(given.PARSE_INTERVAL_FREE_MINUTES),
    },
    historyDepthFree: given.HISTORY_DEPTH_FREE,
    reconcile: { everyMs: minutes(given.RECONCILE_EVERY_HOURS * 60), window: given.RECONCILE_WINDOW },
    flood: {
      inlineMaxSeconds: given.FLOOD_INLINE_MAX_SECONDS,
      sleepThreshold: given.FLOOD_SLEEP_THRESHOLD,
      scope: given.FLOOD_SCOPE,
    },
    smsCodesPerDay: given.SMS_CODES_PER_DAY,
    terms: termsConfig(given),
    retention: {
      sessionIdleMs: given.SESSION_MAX_IDLE_DAYS === 0 ? null : given.SESSION_MAX_IDLE_DAYS * DAY_MS,
      runsKeptMs: given.RUNS_KEPT_DAYS * DAY_MS,
      unfollowedKeptMs: given.UNFOLLOWED_KEPT_DAYS * DAY_MS,
    },
    qrTicketMs: given.QR_TICKET_TTL * 1000,
    workerConcurrency: given.WORKER_CONCURRENCY,
    fastCodec: given.GRAMJS_FAST_CODEC === "on",
    metrics: { host: given.METRICS_HOST, port: given.METRICS_PORT },
    tracing: tracingConfig(given),
    api: apiConfig(given),
    bot: botConfig(given),
    sessionsBasePath: given.SESSIONS_BASE_PATH ?? null,
    dataCenters: given.TELEGRAM_DC ? { addresses: given.TELEGRAM_DC, publicKeyPem } : null,
    pace: given.EMULATOR_PACE,
    limits: given.SESSION_LOCK_TTL === undefined ? limits : { ...limits, leaseMs: given.SESSION_LOCK_TTL * 1000 },
    faults: { without: new Set(given.FAULTS_WITHOUT), failpoint: given.FAULTS_FAILPOINT ?? null },
    legacyNames,
  };
}
