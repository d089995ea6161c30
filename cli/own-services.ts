import { databaseUrls } from "../config/database-urls.ts";
import type { Config } from "../config/load.ts";
import type { Database } from "../db/database.ts";
import { ownPool } from "../db/open.ts";
import type { Services } from "../embedded/services.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Log } from "../runtime/log.ts";
import { type Needs, openConfigured } from "./environment.ts";

/**
 * Configuration, services and a pool of connections for one command, owned by `lifecycle`. Nobody has looked yet whether
 * PostgreSQL answers.
 *
 * @throws ConfigError, OperatorError as `openConfigured` does
 */
export async function ownServices(
  lifecycle: Lifecycle,
  { poolSize, ...given }: { dataDir: string; needs: Needs; poolSize: number; log: Log },
): Promise<{ config: Config; services: Services; database: Database }> {
  const { config, services } = await openConfigured(given);
  lifecycle.own("services", services, (opened) => opened.close());
  const database = ownPool(lifecycle, {
    ...databaseUrls(config),
    fencedStatementMs: config.limits.fencedStatementMs,
    ...{ poolSize, metrics: null, log: given.log },
  });
  return { config, services, database };
}
