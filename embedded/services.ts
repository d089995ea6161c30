import { acceptLegacyNames } from "../config/legacy.ts";
import { createDatabase } from "../db/create-database.ts";
import type { Log } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { openDataDir } from "./data-dir.ts";
import { holdServices } from "./hold.ts";
import { embeddedInstallation } from "./installation.ts";
import { embeddedKeyring, keyringFile } from "./keyring.ts";
import { postgresUrl } from "./postgres.ts";
import type { ServiceName } from "./protocol.ts";
import { redisUrl } from "./redis.ts";

/** One line of the table that says what is real and what is embedded. */
export interface ServiceLine {
  readonly service: "PostgreSQL" | "Redis" | "Telegram" | "keyring";
  readonly embedded: boolean;
  /** Where it is, without credentials. */
  readonly where: string;
}

/** Services for one command's duration. */
export interface Services {
  /**
   * The caller's environment with DATABASE_URL, REDIS_URL, SESSION_ENCRYPTION_KEYS filled in where they were missing, and
   * with the database, which installation it is of.
   */
  readonly env: NodeJS.ProcessEnv;
  readonly lines: readonly ServiceLine[];
  /** Lets go: the supervisor stops them 2 s after the last holder let go. */
  close(): Promise<void>;
}

/** What {@link openServices} sees to: all three unless told otherwise. */
const PROVIDED = ["DATABASE_URL", "REDIS_URL", "SESSION_ENCRYPTION_KEYS"] as const;
const SERVICE_OF = { DATABASE_URL: "PostgreSQL", REDIS_URL: "Redis", SESSION_ENCRYPTION_KEYS: "keyring" } as const;

/**
 * Gives what is configured, and embeds what is not: PostgreSQL, Redis and a keyring of their own under `dataDir`, owned
 * by a detached supervisor that every command on this data directory shares.
 *
 * @throws OperatorError with NODE_ENV=production where something is missing, and where a service cannot be started
 */
export async function openServices(options: {
  env: NodeJS.ProcessEnv;
  /** `.gramfleet` of the working directory unless given. */
  dataDir: string;
  /** The database's name within the embedded PostgreSQL: each world has one of its own. */
  database: string;
  /** What the command needs; what is not among it is neither missed nor started. */
  needs?: readonly (typeof PROVIDED)[number][];
  log: Log;
}): Promise<Services> {
  const { env: given } = acceptLegacyNames(options.env);
  const env = { ...options.env };
  const wanted = options.needs ?? PROVIDED;
  const missing = wanted.filter((name) => !given[name]);
  if (missing.length > 0 && given.NODE_ENV === "production")
    throw new OperatorError(`not set: ${missing.join(", ")} (with NODE_ENV=production nothing is embedded)`);

  const dataDir = missing.length > 0 ? openDataDir(options.dataDir) : null;
  const services: ServiceName[] = [];
  if (missing.includes("DATABASE_URL")) services.push("postgres");
  if (missing.includes("REDIS_URL")) services.push("redis");
  const path = given.PATH ?? "";
  const held =
    dataDir && services.length > 0 ? await holdServices({ dataDir, needs: services, path, log: options.log }) : null;

  const where: Record<string, string> = {};
  try {
    if (dataDir && held && services.includes("postgres")) {
      await createDatabase(postgresUrl(held.postgresDir, "postgres"), options.database);
      env.DATABASE_URL = postgresUrl(held.postgresDir, options.database);
      // An emulated Telegram's keys are its own: a copy of a world harms no other.
      if (given.MASTER_API_IDS && !given.TELEGRAM_DC) Object.assign(env, { ...embeddedInstallation(dataDir), ...env });
      where.DATABASE_URL = `${held.cluster}, database ${options.database}`;
    }
    if (held && services.includes("redis")) {
      env.REDIS_URL = redisUrl(held.redisSocket);
      where.REDIS_URL = held.redisSocket;
    }
    if (dataDir && missing.includes("SESSION_ENCRYPTION_KEYS")) {
      env.SESSION_ENCRYPTION_KEYS = embeddedKeyring(dataDir);
      where.SESSION_ENCRYPTION_KEYS = keyringFile(dataDir);
    }
  } catch (error) {
    await held?.close();
    throw error;
  }
  return {
    env,
    lines: wanted.map((name) => ({
      service: SERVICE_OF[name],
      embedded: name in where,
      where: where[name] ?? (name === "SESSION_ENCRYPTION_KEYS" ? name : withoutCredentials(given[name])),
    })),
    close: async () => held?.close(),
  };
}

/** Host and path of an URL, and nothing of what may be secret in it. */
function withoutCredentials(url: string | undefined): string {
  if (!url) return "";
  try {
    const { host, pathname, searchParams } = new URL(url);
    return `${searchParams.get("host") ?? host}${pathname}`;
  } catch {
    return "as configured";
  }
}
