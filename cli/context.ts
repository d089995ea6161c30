import { resolve } from "node:path";
import { type Config, loadConfig } from "../config/load.ts";
import { openDatabase } from "../db/client.ts";
import type { Database } from "../db/database.ts";
import { assertSchema } from "../db/migrate.ts";
import { openServices, type Services } from "../embedded/services.ts";
import { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { createOutput, type Output } from "./output.ts";
import { DEFAULT_DATABASE, readCurrentWorld } from "./world.ts";

/** What every command understands. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly dataDir?: string;
  readonly verbose?: boolean;
}

/** What a command works with; closed when it ends, however it ends. */
export interface CommandContext {
  readonly out: Output;
  readonly log: Log;
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly services: Services;
  readonly database: Database;
  readonly lifecycle: Lifecycle;
  readonly dataDir: string;
}

/** One tenant until there are more. */
export const DEFAULT_TENANT = "default";

export const dataDirOf = (options: CommonOptions): string => resolve(options.dataDir ?? ".gramfleet");

/**
 * The environment of a command: what is set, then what the running or last emulated world of this data directory
 * needs, where neither a database nor API IDs are configured.
 */
export function commandEnvironment(dataDir: string): { env: NodeJS.ProcessEnv; database: string } {
  const world = process.env.DATABASE_URL ? null : readCurrentWorld(dataDir);
  if (!world) return { env: process.env, database: DEFAULT_DATABASE };
  const env = process.env.MASTER_API_IDS ? process.env : { ...world.env, ...process.env };
  return { env, database: world.database };
}

/**
 * Runs `work` with configuration, services (the embedded ones where nothing is configured, started for as long as the
 * command runs) and a database whose schema is ours; releases all of it.
 */
export async function withContext<T>(
  options: CommonOptions,
  needs: Parameters<typeof loadConfig>[1],
  work: (context: CommandContext) => Promise<T>,
): Promise<T> {
  const out = createOutput({ json: options.json ?? false });
  const log = createLog({ level: options.verbose ? "debug" : "warn", name: "cli" });
  const lifecycle = new Lifecycle(log);
  const interrupted = () => {
    void lifecycle.close().then(() => process.exit(130));
  };
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  try {
    const dataDir = dataDirOf(options);
    const { env: given, database: name } = commandEnvironment(dataDir);
    const services = lifecycle.own("services", await openServices({ env: given, dataDir, database: name, log }), (s) =>
      s.close(),
    );
    const config = loadConfig(services.env, ["database", ...(needs ?? [])]);
    const database = lifecycle.own(
      "database",
      openDatabase({
        url: config.databaseUrl ?? "",
        poolSize: 4,
        fencedStatementMs: config.limits.fencedStatementMs,
        log,
      }),
      (db) => db.close(),
    );
    await assertSchema(database);
    return await work({ out, log, config, env: services.env, services, database, lifecycle, dataDir });
  } finally {
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
    await lifecycle.close();
  }
}
