import { resolve } from "node:path";
import { acceptLegacyNames } from "../config/legacy.ts";
import { type Config, loadConfig } from "../config/load.ts";
import { openServices, type Services } from "../embedded/services.ts";
import type { Log } from "../runtime/log.ts";
import { DEFAULT_DATABASE, readCurrentWorld } from "./world.ts";

/** What a command cannot do without. */
export type Needs = NonNullable<Parameters<typeof loadConfig>[1]>;

/** What is embedded where it is not configured. */
const EMBEDDED = { database: "DATABASE_URL", redis: "REDIS_URL", keyring: "SESSION_ENCRYPTION_KEYS" } as const;

export const dataDirOf = (options: { readonly dataDir?: string }): string => resolve(options.dataDir ?? ".gramfleet");

/**
 * The environment of a command: what is set, then what the running or last emulated world of this data directory
 * needs, where neither a database nor API IDs are configured.
 */
export function commandEnvironment(dataDir: string): { env: NodeJS.ProcessEnv; database: string } {
  const { env } = acceptLegacyNames(process.env);
  const configured = env.DATABASE_URL || env.MASTER_API_IDS || env.NODE_ENV === "production";
  const world = configured ? null : readCurrentWorld(dataDir);
  if (!world) return { env: process.env, database: DEFAULT_DATABASE };
  return { env: { ...world.env, ...process.env }, database: world.database };
}

/**
 * Throws where a variable is malformed, or missing and not to be embedded: all of them in one message, before anything
 * is started.
 *
 * @throws ConfigError
 */
export function checkVariables(env: NodeJS.ProcessEnv, needs: Needs): void {
  loadConfig(env, env.NODE_ENV === "production" ? needs : needs.filter((need) => !(need in EMBEDDED)));
}

/**
 * Configuration and services for one command: what it needs and is not configured is embedded, for as long as the
 * services are held. Close them.
 *
 * @throws ConfigError naming every variable that is missing or malformed
 * @throws OperatorError where a service cannot be started
 */
export async function openConfigured(options: {
  dataDir: string;
  needs: Needs;
  log: Log;
}): Promise<{ config: Config; services: Services }> {
  const { dataDir, needs, log } = options;
  const { env, database } = commandEnvironment(dataDir);
  checkVariables(env, needs);
  const services = await openServices({
    ...{ env, dataDir, database, log },
    needs: needs.flatMap((need) => (need in EMBEDDED ? [EMBEDDED[need as keyof typeof EMBEDDED]] : [])),
  });
  try {
    const config = loadConfig(services.env, needs);
    for (const name of config.legacyNames) log.info({ name }, "older name of a variable used");
    return { config, services };
  } catch (error) {
    await services.close();
    throw error;
  }
}
