import { acceptLegacyNames } from "../config/legacy.ts";
import { createDatabase } from "../db/create-database.ts";
import type { Log } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { openDataDir } from "./data-dir.ts";
import { holdServices } from "./hold.ts";
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
  /** The caller's environment with DATABASE_URL, REDIS_URL, SESSION_ENCRYPTION_KEYS filled in where they were missing. */
  readonly env: NodeJS.ProcessEnv;
  readonly lines: readonly ServiceLine[];
  /** Lets go: the supervisor stops them 2 s after the last holder let go. */
  close(): Promise<void>;
}

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
  log: Log;
}): Promise<Services> {
  const { env: given } = acceptLegacyNames(options.env);
  const env = { ...options.env };
  const missing = ["DATABASE_URL", "REDIS_URL", "SESSION_ENCRYPTION_KEYS"].filter((name) => !given[name]);
  if (missing.length > 0 && given.NODE_ENV === "production")
    throw new OperatorError(`not set: ${missing.join(", ")} (with NODE_ENV=production nothing is embedded)`);
  const lines: ServiceLine[] = [
    { service: "PostgreSQL", embedded: false, where: withoutCredentials(given.DATABASE_URL) },
    { service: "Redis", embedded: false, where: withoutCredentials(given.REDIS_URL) },
    { service: "keyring", embedded: false, where: "SESSION_ENCRYPTION_KEYS" },
  ];
  if (missing.length === 0) return { env, lines, close: async () => {} };

  const dataDir = openDataDir(options.dataDir);
  if (missing.includes("SESSION_ENCRYPTION_KEYS")) {
    env.SESSION_ENCRYPTION_KEYS = embeddedKeyring(dataDir);
    lines[2] = { service: "keyring", embedded: true, where: keyringFile(dataDir) };
  }
  const needs: ServiceName[] = [];
  if (missing.includes("DATABASE_URL")) needs.push("postgres");
  if (missing.includes("REDIS_URL")) needs.push("redis");
  if (needs.length === 0) return { env, lines, close: async () => {} };

  const held = await holdServices({ dataDir, needs, path: given.PATH ?? "", log: options.log });
  try {
    if (needs.includes("postgres")) {
      await createDatabase(postgresUrl(held.postgresDir, "postgres"), options.database);
      env.DATABASE_URL = postgresUrl(held.postgresDir, options.database);
      lines[0] = { service: "PostgreSQL", embedded: true, where: `${held.cluster}, database ${options.database}` };
    }
    if (needs.includes("redis")) {
      env.REDIS_URL = redisUrl(held.redisSocket);
      lines[1] = { service: "Redis", embedded: true, where: held.redisSocket };
    }
  } catch (error) {
    await held.close();
    throw error;
  }
  return { env, lines, close: () => held.close() };
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
