import type { Log } from "../runtime/log.ts";

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
export async function openServices(_options: {
  env: NodeJS.ProcessEnv;
  /** `.gramfleet` of the working directory unless given. */
  dataDir: string;
  /** The database's name within the embedded PostgreSQL: each world has one of its own. */
  database: string;
  log: Log;
}): Promise<Services> {
  throw new Error("unwritten");
}
